"""The data folder that a command uses where ``--data`` is not given."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from benchmark.core.errors import CoopbenchError
from benchmark.phantom.phantom_set import PHANTOM_VERSION, make_phantom

VARIABLE = "COOPBENCH_DATA"


@dataclass(frozen=True)
class Location:
    """A folder of prepared sets, and one line that describes it."""

    folder: Path
    line: str


def phantom_folder() -> Path:
    """The folder of the phantom, in the user's cache or in ``COOPBENCH_CACHE``."""
    cache = os.environ.get("COOPBENCH_CACHE") or platformdirs.user_cache_dir("coopbench")
    return Path(cache) / f"phantom-{PHANTOM_VERSION}"


def find_data(option: Path | None, *, workers: int) -> Location:
    """Find the folder given, else that in ``COOPBENCH_DATA``, else ``./data``, else the phantom.

    ``./data`` counts where it holds a prepared set. The phantom is made if it does not exist.

    Raises:
        CoopbenchError: the folder given holds no prepared set.
    """
    asked = option or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if asked is not None:
        if not holds_set(asked):
            raise CoopbenchError(
                f"{asked}: holds no prepared set (no */dataset.json); "
                "make one with 'coopbench prepare' or 'coopbench phantom --out'"
            )
        return Location(asked, f"data: {asked}")
    here = Path("data")
    if holds_set(here):
        return Location(here, f"data: ./{here}")
    folder = phantom_folder()
    if not holds_set(folder):
        make_phantom(folder, workers=workers)
    line = (
        f"data: the built-in phantom in {folder} (synthetic hearts, to try the software), "
        f"since {'./data holds no prepared set' if here.is_dir() else 'there is no ./data'}; "
        f"for your own data: --data, {VARIABLE}, or 'coopbench prepare'"
    )
    return Location(folder, line)


def holds_set(folder: Path) -> bool:
    """Whether a prepared set lies in ``folder``."""
    return any(folder.glob("*/dataset.json"))
