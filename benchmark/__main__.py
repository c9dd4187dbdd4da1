"""``python -m benchmark`` is the command ``coopbench``."""

from benchmark.cli import main

main()
