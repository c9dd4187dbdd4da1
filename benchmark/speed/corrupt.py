"""Time the making of a corrupted set, beside a plain loop that makes the same files."""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np

from benchmark.core.progress import progress_bar
from benchmark.corrupted_sets.corrupt_set import corrupt
from benchmark.corrupted_sets.corrupt_volume import volume_seed
from benchmark.corrupted_sets.recipe import Recipe
from benchmark.data.dataset import Dataset, evaluated_cases
from benchmark.data.nifti import read_volume, write_volume


@dataclass
class CorruptTimes:
    """Seconds of the plain loop and of `corrupt`, one number per round.

    Attributes:
        plain: seconds of the plain loop.
        ours: seconds of `corrupt`.
        volumes: number of volumes made.
        voxel_bytes: bytes of the voxels read and written.
        copied: the floor of our processes: seconds to read each volume and write it again.
    """

    plain: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    volumes: int = 0
    voxel_bytes: int = 0
    copied: float = 0.0

    @property
    def ratios(self) -> list[float]:
        """Our time as a share of the plain loop's, in each round."""
        return [ours / plain for ours, plain in zip(self.ours, self.plain, strict=True)]


def time_corrupt(clean: Dataset, recipe: Recipe, *, workers: int, rounds: int) -> CorruptTimes:
    """Make the whole set by a plain loop and by `corrupt`, in turns, each time from the start."""
    times = CorruptTimes()
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="coopbench-") as folder:
            started = time.perf_counter()
            times.volumes = plain_loop(clean, recipe, Path(folder, "plain"))
            times.plain.append(time.perf_counter() - started)
            started = time.perf_counter()
            corrupt(clean, recipe, Path(folder, "ours"), seed=0, workers=workers)
            times.ours.append(time.perf_counter() - started)
            if not times.copied:
                _time_copies(times, Path(folder, "ours"), Path(folder), workers)
    return times


def _time_copies(times: CorruptTimes, made: Path, folder: Path, workers: int) -> None:
    """Time reading and writing some of the made volumes; estimates the time for all, with all
    processes."""
    paths = sorted(made.rglob("*_img.nii.gz"))
    sample, seconds, size = paths[:: max(1, len(paths) // 40)], 0.0, 0
    for path in sample:
        started = time.perf_counter()
        volume = read_volume(path)
        write_volume(folder / "copy.nii.gz", volume.data, volume.affine)
        seconds += time.perf_counter() - started
        size += 2 * volume.data.nbytes
    share = len(paths) / len(sample)
    times.voxel_bytes, times.copied = round(size * share), seconds * share / workers


@contextmanager
def watched_memory() -> Iterator[Callable[[], int | None]]:
    """Watch the child processes; yields a function that returns the largest memory of one, in
    bytes.

    It returns None if the system does not report this (it is read from /proc).
    """
    largest, over = 0, threading.Event()

    def watch() -> None:
        nonlocal largest
        while not over.wait(0.2):
            largest = max([largest, *_peaks()])

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield lambda: largest or None
    finally:
        over.set()
        thread.join()


def _peaks() -> list[int]:
    """The peak resident sizes of all processes below this one."""
    parents, peaks = {}, {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except (OSError, ValueError):
            continue  # the process has ended in the meantime
        parents[int(lines["Pid"])] = int(lines["PPid"])
        peaks[int(lines["Pid"])] = 1024 * int(lines.get("VmHWM", "0 kB").split()[0])
    below = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    return [peaks[pid] for pid in below - {os.getpid()} if pid in peaks]


def plain_loop(clean: Dataset, recipe: Recipe, out: Path) -> int:
    """Make the same set in the usual way: one process, volume by volume.

    It saves images and labels, without records and checksums; returns the number of volumes.
    """
    size, volumes = recipe.field, 0
    cases = evaluated_cases(clean)
    with progress_bar("plain loop", len(cases)) as advance:
        for case in cases:
            for frame in case.frames:
                source = clean.root / case.folder
                for kind in recipe.kinds:
                    for draw in range(1, recipe.draws + 1):
                        image = nib.load(source / f"{frame}_img.nii.gz")
                        assert isinstance(image, nib.Nifti1Image)
                        data = image.get_fdata(dtype=np.float32)
                        stack = np.ascontiguousarray(data.T)
                        pads = [max(0, (size or n) - n) for n in stack.shape[1:]]
                        padded = np.pad(
                            stack, [(0, 0), *((pad // 2, pad - pad // 2) for pad in pads)]
                        )
                        top, left = ((n - (size or n)) // 2 for n in padded.shape[1:])
                        centre = (
                            slice(None),
                            slice(top, top + (size or padded.shape[1])),
                            slice(left, left + (size or padded.shape[2])),
                        )
                        seed = volume_seed(recipe, 0, kind, case.subject, frame, draw)
                        spacing = image.header.get_zooms()[::-1]
                        corrupted = recipe.corrupt(_unit(padded[centre]), kind, seed, spacing)
                        padded[centre] = _unit(corrupted.slices)
                        first, second = (pad // 2 for pad in pads)
                        whole = padded[
                            :, first : first + stack.shape[1], second : second + stack.shape[2]
                        ]
                        target = out / kind / case.folder / f"draw{draw}"
                        target.mkdir(parents=True, exist_ok=True)
                        nib.save(
                            nib.Nifti1Image(whole.T, image.affine), target / f"{frame}_img.nii.gz"
                        )
                        shutil.copyfile(
                            source / f"{frame}_seg.nii.gz", target / f"{frame}_seg.nii.gz"
                        )
                        volumes += 1
            advance()
    return volumes


def _unit(slices: np.ndarray) -> np.ndarray:
    low, high = slices.min((1, 2), keepdims=True), slices.max((1, 2), keepdims=True)
    return ((slices - low) / np.where(high > low, high - low, 1)).astype(np.float32)
