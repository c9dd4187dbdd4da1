"""Starts the command with its own packages, whatever the working folder holds.

A user's folders may be called ``results`` or ``benchmark``, too. Python would import these instead
where they come first on its path: by ``PYTHONPATH=.``, or in a worker process, which looks into the
working folder. Importing this module, as every process of ours does first, settles whose they are.
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

    # For the processes that are started: they are not to look into the working folder.
    os.environ["PYTHONSAFEPATH"] = "1"
    run()


if __name__ == "__main__":
    main()
