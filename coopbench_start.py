"""Start the command with its own packages, independent of the working folder.

A user's folders may also be called ``results`` or ``benchmark``. Python would import these folders
if they come first on its path: with ``PYTHONPATH=.``, or in a worker process, which searches the
working folder. So every process of the command first imports this module, which imports the right
packages.
"""

import importlib
import os
import sys
from pathlib import Path

PACKAGES = ("benchmark", "baselines", "corruptions", "results")


def _import_own_packages() -> None:
    path = sys.path[:]
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    try:
        for name in PACKAGES:
            importlib.import_module(name)
    finally:
        sys.path[:] = path


_import_own_packages()


def main() -> None:
    """Entry point of the console script."""
    from benchmark.cli import main as run

    # Processes started by this one must not search the working folder.
    os.environ["PYTHONSAFEPATH"] = "1"
    run()


if __name__ == "__main__":
    main()
