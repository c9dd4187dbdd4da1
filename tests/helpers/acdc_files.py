"""Crude hearts in ACDC's raw layout."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.data.nifti import write_volume

ACDC_AFFINE = np.diag([-1.5625, -1.5625, 10.0, 1.0])


def heart(
    rng: np.random.Generator, *, size: int = 100, slices: int = 2, scale: float = 1.0
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """A crude heart (x, y, slices) with raw ACDC labels: 3 LV in a ring of 2 MYO, 1 RV beside."""
    x, y = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    label = np.zeros((size, size, slices), dtype=np.uint8)
    for k in range(slices):
        centre = size / 2 + rng.uniform(-3, 3, size=2)
        radius = np.hypot(x - centre[0], y - centre[1])
        beside = np.hypot(x - centre[0] - 20, y - centre[1])
        label[..., k][beside < 12] = 1
        label[..., k][radius < 15] = 2
        label[..., k][radius < 9 * scale] = 3
    tone = np.array([200, 700, 300, 900])[label]
    image = tone + rng.normal(0, 30, size=label.shape)
    return image.astype(np.int16), label


def write_acdc(raw: Path, subjects: int, *, seed: int = 0, size: int = 100) -> Path:
    """``subjects`` crude hearts in the raw layout of ACDC, numbered from 001."""
    rng = np.random.default_rng(seed)
    for number in range(1, subjects + 1):
        folder = raw / "training" / f"patient{number:03d}"
        folder.mkdir(parents=True)
        (folder / "Info.cfg").write_text("ED: 1\nES: 7\nGroup: NOR\nNbFrame: 10\n")
        for frame, scale in ((1, 1.0), (7, 0.7)):
            image, label = heart(rng, size=size, scale=scale)
            stem = folder / f"patient{number:03d}_frame{frame:02d}"
            write_volume(Path(f"{stem}.nii.gz"), image, ACDC_AFFINE)
            write_volume(Path(f"{stem}_gt.nii.gz"), label, ACDC_AFFINE)
    return raw
