"""``python -m benchmark`` is the command ``coopbench``."""

from coopbench_start import main

main()
