"""Say on Windows that coopbench does not run there; all else is in pyproject.toml."""

import sys

from setuptools import setup

if sys.platform == "win32":
    raise SystemExit(
        "coopbench runs on Linux and macOS, not on Windows. "
        "Try the Windows Subsystem for Linux: wsl --install"
    )
setup()
