"""The phantom as prepared sets: written in the raw layouts, then prepared like real data."""

from pathlib import Path

from benchmark.core.files import whole_folder
from benchmark.core.lock import FOREVER, folder_lock
from benchmark.core.progress import progress_bar
from benchmark.data.acdc import read_acdc
from benchmark.data.dataset import Splits, read_record
from benchmark.data.mnms import read_mnms
from benchmark.data.prepare import prepare
from benchmark.phantom.raw_layouts import write_phantom

PHANTOM_VERSION = 2
"""Version of the phantom; raise it whenever voxels or splits change, so that no old phantom is
used."""


def make_phantom(data: Path, *, seed: int = 0, workers: int) -> None:
    """Make the phantom in ``data``: ``raw/``, and ``acdc`` and ``mnms`` prepared from it.

    ``acdc`` holds the single-site set, with splits of its own, and ``mnms`` the cross-site one. If
    another process is making the phantom, waits for it.
    """
    raw = data / "raw"
    with folder_lock(data, "making the phantom in", patience=FOREVER, deep=False):
        _make_phantom(data, raw, seed, workers)


def _make_phantom(data: Path, raw: Path, seed: int, workers: int) -> None:
    if not (raw / "splits.json").is_file():
        with whole_folder(raw) as partial, progress_bar("phantom", 1) as advance:
            write_phantom(partial, seed=seed)
            advance()
    splits = read_record(raw / "splits.json", Splits)
    prepare(read_acdc(raw / "ACDC"), data, workers=workers, splits=splits, phantom=True)
    prepare(read_mnms(raw / "MnMs"), data, workers=workers, phantom=True)
