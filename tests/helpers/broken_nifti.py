"""A corpus of broken NIfTI files: valid ones, and what disks, tools and strangers make of them."""

import gzip
import os
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

Rng = np.random.Generator
Mutation = Callable[[bytearray, Rng], bytes]

DIM, DATATYPE, PIXDIM, VOX_OFFSET, SLOPE, SFORM, MAGIC = 40, 70, 76, 108, 112, 280, 344
"""Offsets in a NIfTI-1 header, by its definition."""

BODY = 352


def valid(data: NDArray[np.generic], affine: NDArray[np.float64]) -> bytes:
    """A file that nothing is wrong with, uncompressed."""
    return bytes(nib.Nifti1Image(data, affine).to_bytes())


def _put(raw: bytearray, offset: int, kind: str, *values: float) -> bytes:
    struct.pack_into(f"<{len(values)}{kind}", raw, offset, *values)
    return bytes(raw)


def _pick(rng: Rng, *values: float) -> float:
    return values[int(rng.integers(len(values)))]


def _flipped(raw: bytearray, rng: Rng, low: int, high: int) -> bytes:
    for place in rng.integers(low, high, size=int(rng.integers(1, 20))):
        raw[place] ^= int(rng.integers(1, 256))
    return bytes(raw)


def _absurd_shape(raw: bytearray, rng: Rng) -> bytes:
    return _put(raw, DIM, "h", 3, *rng.choice([1, 7, 3000, 32767], size=3), 1, 1, 1, 1)


@cache
def _zeros() -> bytes:
    """32 MiB of them, compressed; what is appended to a compressed file unpacks behind it."""
    return gzip.compress(bytes(2**25), compresslevel=1)


def _bomb(raw: bytearray, rng: Rng) -> bytes:
    """A file that claims gigabytes, and unpacks to the first 32 MiB of them."""
    return gzip.compress(_claiming_gigabytes(raw), compresslevel=1) + _zeros()


def _bomb_in_extension(raw: bytearray, rng: Rng) -> bytes:
    return gzip.compress(_with_long_extension(raw), compresslevel=1) + _zeros()


def _claiming_gigabytes(raw: bytearray) -> bytes:
    return _put(raw, DIM, "h", 3, 32767, 32767, 3, 1, 1, 1, 1)


def _with_long_extension(raw: bytearray) -> bytes:
    _put(raw, VOX_OFFSET, "f", 2.0e9)
    raw[348] = 1
    return _put(raw, 352, "i", 2**31 - 16, 6)


def bombs(raw: bytes) -> dict[str, bytes]:
    """Files of 5 MB that unpack to 5 GiB, which no bound of memory would hold."""
    zeros = gzip.compress(bytes(2**26)) * 80
    starts = {
        "claimed": _claiming_gigabytes(bytearray(raw)),
        "in extension": _with_long_extension(bytearray(raw)),
        "within all bounds but its own": raw,
    }
    return {name: gzip.compress(start) + zeros for name, start in starts.items()}


def _not_finite(raw: bytearray, rng: Rng) -> bytes:
    """Voxels of float32, some of which are NaN or infinite."""
    image = nib.Nifti1Image.from_bytes(bytes(raw))
    data = np.asarray(image.dataobj).astype(np.float32)
    data.flat[rng.integers(data.size)] = _pick(rng, np.nan, np.inf, -np.inf)
    return valid(data, image.affine)


def _other_shape(raw: bytearray, rng: Rng) -> bytes:
    image = nib.Nifti1Image.from_bytes(bytes(raw))
    data = np.asarray(image.dataobj)
    shapes = (data[..., 0], data[..., None], np.stack([data, data], -1), data[:1, :1, :1])
    return valid(shapes[int(rng.integers(len(shapes)))], image.affine)


MUTATIONS: dict[str, Mutation] = {
    "truncated": lambda raw, rng: bytes(raw[: int(rng.integers(len(raw)))]),
    "truncated gzip": lambda raw, rng: (lambda z: z[: int(rng.integers(1, len(z)))])(
        gzip.compress(bytes(raw))
    ),
    "empty": lambda raw, rng: b"",
    "noise": lambda raw, rng: rng.bytes(int(rng.integers(1, 5000))),
    "text": lambda raw, rng: b"<html>404 not found</html>\n",
    "header bytes": lambda raw, rng: _flipped(raw, rng, 0, 348),
    "body bytes": lambda raw, rng: _flipped(raw, rng, BODY, len(raw)),
    "absurd shape": _absurd_shape,
    "zero dimension": lambda raw, rng: _put(raw, DIM + 2 * int(rng.integers(1, 4)), "h", 0),
    "negative dimension": lambda raw, rng: _put(raw, DIM + 2 * int(rng.integers(1, 4)), "h", -5),
    "number of dimensions": lambda raw, rng: _put(raw, DIM, "h", _pick(rng, 0, 1, 2, 5, 7, 8, -1)),
    "spacing": lambda raw, rng: _put(
        raw,
        PIXDIM + 4 * int(rng.integers(1, 4)),
        "f",
        _pick(rng, 0, -1.5, np.nan, np.inf, 1e30, 1e-30, 1e5),
    ),
    "datatype": lambda raw, rng: _put(raw, DATATYPE, "h", _pick(rng, 0, 1, 32, 128, 1792, 2304, 9)),
    "offset": lambda raw, rng: _put(raw, VOX_OFFSET, "f", _pick(rng, -1, np.nan, np.inf, 1e9, 7)),
    "slope": lambda raw, rng: _put(raw, SLOPE, "f", _pick(rng, np.nan, np.inf, 0, 1e38), 0),
    "affine": lambda raw, rng: _put(raw, SFORM, "f", *[_pick(rng, 0, np.nan, np.inf, 1e38)] * 12),
    "magic": lambda raw, rng: _put(raw, MAGIC, "b", 120, 121, 122, 0),
    "not finite": _not_finite,
    "other shape": _other_shape,
    "gzip bomb": _bomb,
    "bomb in extension": _bomb_in_extension,
}

CELLS = ("", "nan", "-1", "1e400", "1e30", "x", "a,b", '"', "Ü", "0.5", "=1+1", "<b>", "007")


def mutated_table(text: str, rng: Rng) -> bytes:
    """A CSV file with a cell, a line or some bytes of it spoilt."""
    lines = text.splitlines()
    place = int(rng.integers(len(lines)))
    kind = int(rng.integers(5))
    if kind == 0:
        cells = lines[place].split(",")
        cells[int(rng.integers(len(cells)))] = CELLS[int(rng.integers(len(CELLS)))]
        lines[place] = ",".join(cells)
    elif kind == 1:
        del lines[place]
    elif kind == 2:
        lines.insert(place, lines[int(rng.integers(len(lines)))])
    raw = bytearray("\n".join(lines).encode())
    if kind == 3:
        return bytes(raw[: int(rng.integers(len(raw)))])
    return _flipped(raw, rng, 0, len(raw)) if kind == 4 else bytes(raw)


NAMES = (
    "plain",
    "two words",
    "Ünïcödé-心臓",
    "new\nline",
    "..",
    "-dash",
    "semi;colon",
    "'quote\"",
    "tab\t",
)


def mutated(raw: bytes, number: int, rng: Rng) -> tuple[str, bytes]:
    """The ``number``-th mutation in turn, of a valid file: its name, and what is left of it."""
    name = list(MUTATIONS)[number % len(MUTATIONS)]
    return name, MUTATIONS[name](bytearray(raw), rng)


def write_as(path: Path, content: bytes, rng: Rng) -> None:
    """Write a file's content to a ``.nii.gz``, compressed where it is not yet, mostly."""
    packed = content[:2] == b"\x1f\x8b" or rng.random() < 0.1
    path.write_bytes(content if packed else gzip.compress(content, compresslevel=1))


def write_oddities(folder: Path, outside: Path) -> int:
    """Things that are called like images and are no files, or no images; how many."""
    (folder / "folder.nii.gz").mkdir()
    os.mkfifo(folder / "pipe.nii.gz")
    (folder / "dangling.nii.gz").symlink_to(folder / "nothing")
    (folder / "device.nii.gz").symlink_to("/dev/zero")
    (folder / "outside.nii.gz").symlink_to(outside)
    (folder / "loop.nii.gz").symlink_to(folder / "loop.nii.gz")
    return 6
