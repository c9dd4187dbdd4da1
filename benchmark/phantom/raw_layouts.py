"""Write the phantom's subjects in the raw layouts of the challenges.

RAW/ACDC/training/patient001/...              one site, subjects 001 to 025; the layout of ACDC
RAW/MnMs/mnms.csv, Training/Labeled/CODE/...  three other centres, 8 subjects; the layout of M&Ms
RAW/splits.json                               test subjects and repeats of the single-site set
"""

import csv
import itertools
import math
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from benchmark.core.files import write_json, write_text
from benchmark.core.seeding import derive_seed
from benchmark.data.nifti import save_image, write_volume
from benchmark.phantom.acquisition import short_axis_stack
from benchmark.phantom.site import CROSS_SITES, SINGLE_SITE, Site

SUBJECTS = tuple(f"{number:03d}" for number in range(1, 26))

TEST = SUBJECTS[-6:]

REPEATS, TRAIN_SIZE, VALIDATION_SIZE = 3, 10, 3

FRAMES = {"ED": 1, "ES": 9}

LATE_ED = {"020": {"ED": 11, "ES": 4}}
"""As in one test subject of ACDC, the first frame is not ED."""

CROSS_SUBJECTS = tuple(
    (f"PH{number:02d}{site.vendor}{site.centre}", site)
    for number, site in zip(range(1, 9), itertools.cycle(CROSS_SITES), strict=False)
)

CINE = (0.0, 0.6, 1.0, 0.4)
"""Contraction of the frames of a cross-site cine: 0 is end-diastole, 1 end-systole."""

LATE_CINE = {"PH04A1": 1}
"""Subjects whose cine starts this many frames before ED."""

SHEARED = "PH05B2"
"""Subject whose direction cosines are not quite orthonormal, as in some M&Ms headers."""

ACDC_VALUES = np.array([0, 3, 2, 1], dtype=np.uint8)
"""ACDC's value of background, LV, MYO and RV."""


def write_as_acdc(
    path: Path, data: NDArray[np.generic], spacing: tuple[float, float, float]
) -> None:
    """Write a volume (x, y, slices) with a header like those of ACDC's files.

    The spacing (mm) is in pixdim and qform; the sform, which most readers prefer, has unit scale.
    """
    x, y, z = spacing
    image = nib.Nifti1Image(data, np.diag([-x, -y, z, 1.0]))
    image.header.set_xyzt_units("mm")
    image.set_qform(image.affine, code="scanner")
    image.set_sform(np.diag([-1.0, -1.0, 1.0, 1.0]), code="scanner")
    save_image(image, path)


def write_acdc_subject(training: Path, subject: str, seed: int) -> None:
    """Write one single-site subject in ACDC's layout: ED, ES, their labels, and ``Info.cfg``."""
    rng = np.random.default_rng(derive_seed("phantom", seed, "single-site", subject))
    stack = short_axis_stack(rng, SINGLE_SITE, (0.0, 1.0))
    frames = LATE_ED.get(subject, FRAMES)
    folder = training / f"patient{subject}"
    for index, number in enumerate((frames["ED"], frames["ES"])):
        stem = f"patient{subject}_frame{number:02d}"
        label = ACDC_VALUES[stack.label[index]]
        write_as_acdc(folder / f"{stem}.nii.gz", stack.image[index], stack.spacing)
        write_as_acdc(folder / f"{stem}_gt.nii.gz", label, stack.spacing)
    write_text(
        folder / "Info.cfg",
        f"ED: {frames['ED']}\nES: {frames['ES']}\nGroup: PHANTOM\n"
        f"Height: {rng.uniform(155, 190):.1f}\nNbFrame: {max(frames.values()) + 5}\n"
        f"Weight: {rng.uniform(50, 100):.1f}\n",
    )


def oblique_affine(
    rng: np.random.Generator, spacing: tuple[float, float, float], sheared: bool
) -> NDArray[np.float64]:
    """An affine (4 × 4, mm) that rotates the stack into a double-oblique short-axis position.

    Its direction cosines are orthonormal, unless ``sheared``: then only within 0.5 %.
    """
    directions = -np.eye(3)
    for first, second, angle in ((0, 1, 0.5), (1, 2, 0.7), (0, 2, 0.4)):
        theta = angle * rng.uniform(0.7, 1.3)
        turn = np.eye(3)
        turn[first, first] = turn[second, second] = math.cos(theta)
        turn[first, second], turn[second, first] = -math.sin(theta), math.sin(theta)
        directions = directions @ turn
    if sheared:
        directions[:, 0] += 0.005 * directions[:, 1]
        directions /= np.linalg.norm(directions, axis=0)
    affine = np.eye(4)
    affine[:3, :3] = directions * spacing
    affine[:3, 3] = rng.uniform(-100, 100, size=3).round(2)
    return affine


def write_mnms_subject(labelled: Path, code: str, site: Site, seed: int) -> tuple[int, int]:
    """Write one cross-site subject in the layout of M&Ms: a cine, labelled at ED and ES only.

    Returns:
        The frames of ED and ES, from 0.
    """
    rng = np.random.default_rng(derive_seed("phantom", seed, "cross-site", code))
    start = LATE_CINE.get(code, 0)
    cine = tuple(np.roll(CINE, start).tolist())
    stack = short_axis_stack(rng, site, cine)
    ed, es = cine.index(0.0), cine.index(1.0)
    label = np.zeros_like(stack.label)
    label[[ed, es]] = stack.label[[ed, es]]
    affine = oblique_affine(rng, stack.spacing, sheared=code == SHEARED)
    stem = labelled / code / f"{code}_sa"
    write_volume(stem.with_name(f"{code}_sa.nii.gz"), np.moveaxis(stack.image, 0, -1), affine)
    write_volume(stem.with_name(f"{code}_sa_gt.nii.gz"), np.moveaxis(label, 0, -1), affine)
    return ed, es


def phantom_splits(seed: int) -> dict[str, object]:
    """Draw the splits: fixed test subjects, and training and validation subjects for each
    repeat."""
    pool = [subject for subject in SUBJECTS if subject not in TEST]
    repeats = {}
    for repeat in range(REPEATS):
        rng = np.random.default_rng(derive_seed("phantom", seed, "split", repeat))
        drawn = rng.permutation(pool).tolist()[: TRAIN_SIZE + VALIDATION_SIZE]
        repeats[str(repeat)] = {
            "train": sorted(drawn[:TRAIN_SIZE]),
            "validation": sorted(drawn[TRAIN_SIZE:]),
            "dropped_from_validation": [],
        }
    return {"source": f"phantom, seed {seed}", "test": list(TEST), "repeats": repeats}


def write_phantom(
    raw: Path, *, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> None:
    """Write the phantom's two sets and its splits into ``raw``; the same seed, the same bytes.

    Each subject has a random stream of its own, so that adding one changes no other. ``progress``
    is called after each subject with the numbers of finished and of all subjects.
    """
    total = len(SUBJECTS) + len(CROSS_SUBJECTS)

    def report(done: int) -> None:
        if progress is not None:
            progress(done, total)

    for done, subject in enumerate(SUBJECTS, start=1):
        write_acdc_subject(raw / "ACDC" / "training", subject, seed)
        report(done)
    rows: list[tuple[object, ...]] = [("External code", "Vendor", "Centre", "ED", "ES")]
    for done, (code, site) in enumerate(CROSS_SUBJECTS, start=len(SUBJECTS) + 1):
        ed, es = write_mnms_subject(raw / "MnMs" / "Training" / "Labeled", code, site, seed)
        rows.append((code, site.vendor, site.centre, ed, es))
        report(done)
    with (raw / "MnMs" / "mnms.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    write_json(raw / "splits.json", phantom_splits(seed))
