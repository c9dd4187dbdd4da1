"""Read and write short-axis volumes as NIfTI files; a fault is reported in one line.

Time and memory for reading are bounded, whatever a file's header claims.
"""

import gzip
import logging
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.openers import ImageOpener
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import whole_file
from benchmark.data.headers import read_geometry

MAX_VOXELS = 2**26
"""Most voxels of a frame, more than in any short-axis acquisition; a larger claim is an error."""

MAX_VOXELS_4D = 2**29
"""Most voxels of all frames of a file."""

MAX_EXTENSION = 2**24
"""Most bytes between header and voxels, which are read in one piece."""

MAX_EXCESS = 2**20
"""Most bytes by which a file, compressed or not, may be longer than its header claims."""

SUFFIXES = (".nii", ".nii.gz")


@dataclass(frozen=True)
class Volume:
    """One 3D frame: ``data`` (x, y, slices), ``affine`` 4 × 4 to millimetres, ``spacing`` in mm.

    From `read_image` and `read_frames`, ``data`` may be (x, y, slices, frames).
    """

    data: NDArray[np.generic]
    affine: NDArray[np.float64]
    spacing: tuple[float, float, float]
    doubt: str = ""
    """Contradictions in the file's header; see `benchmark.data.headers`."""


def read_volume(path: Path, frame: int | None = None) -> Volume:
    """Read a 3D NIfTI file, or frame ``frame`` (from 0) of a 4D one.

    Raises:
        CoopbenchError: the file is missing, truncated, not NIfTI, not 3D, absurdly large, or its
            spacing is not positive; the message names the file.
    """

    def voxels(image: nib.Nifti1Pair, shape: tuple[int, ...]) -> NDArray[np.generic]:
        if len(shape) == 4 and frame is not None:
            if not 0 <= frame < shape[3]:
                raise CoopbenchError(
                    f"{path}: holds {shape[3]} frames (from 0), but frame {frame} is asked for"
                )
            return np.asarray(image.dataobj[..., frame])
        if len(shape) == 4 and shape[3] == 1:
            return np.asarray(image.dataobj)[..., 0]
        if len(shape) == 3 and frame:
            raise CoopbenchError(
                f"{path}: is 3D, of shape {shape}: it has no frames, but frame {frame} is asked for"
            )
        if len(shape) == 3:
            return np.asarray(image.dataobj)
        hint = "give a single frame" if len(shape) == 4 else "a 3D stack of slices is needed"
        raise CoopbenchError(f"{path}: is {len(shape)}D, of shape {shape}; {hint}")

    return _read(path, voxels, whole=frame is None)


def read_frames(path: Path) -> Volume:
    """Read all frames, or channels, of a NIfTI file: ``data`` is (x, y, slices, frames).

    A 3D file has one frame. Where the fourth axis has length 1, a fifth axis takes its place, as
    the NIfTI standard stores vectors.

    Raises:
        CoopbenchError: as `read_volume`.
    """

    def voxels(image: nib.Nifti1Pair, shape: tuple[int, ...]) -> NDArray[np.generic]:
        if len(shape) == 5 and shape[3] == 1:
            shape = (*shape[:3], shape[4])
        if len(shape) not in (3, 4):
            raise CoopbenchError(f"{path}: is {len(shape)}D, of shape {shape}; 3D or 4D is needed")
        return np.asarray(image.dataobj).reshape(*shape[:3], -1)

    return _read(path, voxels)


def read_image(path: Path) -> Volume:
    """Read a 2D, 3D or 4D NIfTI file whole: (x, y, slices), or (x, y, slices, frames).

    A 2D image becomes a stack of one slice, and a 4D image with one frame becomes 3D.

    Raises:
        CoopbenchError: as `read_volume`, but for the dimensions.
    """

    def voxels(image: nib.Nifti1Pair, shape: tuple[int, ...]) -> NDArray[np.generic]:
        if not 2 <= len(shape) <= 4:
            raise CoopbenchError(
                f"{path}: is {len(shape)}D, of shape {shape}; an image of 2 to 4 dimensions is "
                "needed"
            )
        data = np.asarray(image.dataobj)
        if data.ndim == 2:
            return data[..., None]
        return data[..., 0] if data.ndim == 4 and shape[3] == 1 else data

    return _read(path, voxels, least=2)


def read_shape(path: Path) -> tuple[tuple[int, ...], tuple[float, float, float]]:
    """Read the number of voxels along each axis of a NIfTI file, and the spacing in mm.

    Raises:
        CoopbenchError: it cannot be read.
    """
    shape: list[int] = []

    def look(_: nib.Nifti1Pair, found: tuple[int, ...]) -> NDArray[np.generic]:
        shape.extend(found)
        return np.empty(0)

    volume = _read(path, look, whole=False)
    return tuple(shape), volume.spacing


def frame_count(path: Path) -> int | None:
    """The number of frames of a 4D NIfTI file; None if the file is not 4D, or has one frame.

    Raises:
        CoopbenchError: it cannot be read.
    """
    shape, _ = read_shape(path)
    return shape[3] if len(shape) == 4 and shape[3] > 1 else None


def _read(
    path: Path,
    voxels: Callable[[nib.Nifti1Pair, tuple[int, ...]], NDArray[np.generic]],
    *,
    least: int = 3,
    whole: bool = True,
) -> Volume:
    """Read and check a file's geometry, and the voxels that ``voxels`` selects.

    ``least`` is the smallest number of dimensions. If ``voxels`` reads the ``whole`` file, a
    compressed file is read to its end, which holds its checksum.
    """
    if not path.is_file():
        what = "is not a file" if path.exists() else "no such file"
        raise CoopbenchError(f"{path}: {what}")
    try:
        image = open_nifti(path)
        if image.get_data_dtype().kind not in "biuf":
            raise CoopbenchError(f"{path}: holds {image.get_data_dtype()}, not plain numbers")
        shape = tuple(int(n) for n in image.shape)
        if (
            min(shape, default=0) < 1
            or np.prod(shape[:3], dtype=float) > MAX_VOXELS
            or np.prod(shape, dtype=float) > MAX_VOXELS_4D
        ):
            raise CoopbenchError(f"{path}: the header claims an impossible shape {shape}")
        stored = np.prod(shape, dtype=float) * image.get_data_dtype().itemsize
        claimed = image.dataobj.offset + stored
        if (size := path.stat().st_size) > claimed + MAX_EXCESS:
            raise CoopbenchError(
                f"{path}: is {size} bytes long, though its header claims no more than {claimed:.0f}"
            )
        if whole and path.suffix.lower() == ".gz":
            data = _read_to_the_end(path, image, lambda opened: voxels(opened, shape), claimed)
        else:
            data = voxels(image, shape)
    except PermissionError:
        raise
    except (
        ImageFileError,
        HeaderDataError,
        EOFError,
        OSError,
        ValueError,
        OverflowError,
        zlib.error,
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CoopbenchError(f"{path}: cannot be read as NIfTI ({reason})") from error
    if len(shape) < least:
        raise CoopbenchError(f"{path}: is {len(shape)}D, of shape {shape}; 3D is needed")
    try:
        place = read_geometry(image.header)
    except ValueError as error:
        raise CoopbenchError(f"{path}: {error}") from error
    return Volume(data, place.affine, place.spacing, place.doubt)


def _read_to_the_end(
    path: Path,
    image: nib.Nifti1Pair,
    voxels: Callable[[nib.Nifti1Pair], NDArray[np.generic]],
    claimed: float,
) -> NDArray[np.generic]:
    """Read the voxels that ``voxels`` selects from a compressed file, then the rest with its
    checksum.

    Raises:
        CoopbenchError: the file unpacks to more than its header claims.
        OSError: the checksum is wrong, or other data follow.
    """
    with _quiet(), ImageOpener(path) as file:
        same = type(image).from_file_map({"image": nib.FileHolder(str(path), file)}, mmap=False)
        data = voxels(same)
        while file.read(2**16):
            if file.tell() > claimed + MAX_EXCESS:
                raise CoopbenchError(
                    f"{path}: unpacks to more than the {claimed:.0f} bytes that its header claims"
                )
    return data


def open_nifti(path: Path) -> nib.Nifti1Pair:
    """Open a NIfTI-1 or -2 file and read its header; the voxels are not read yet.

    Raises:
        CoopbenchError: the file has another format, or its header is not valid.
        Exception: any that nibabel raises.
    """
    with _quiet():
        _check_header(path)
        image = nib.load(path, mmap=False)  # a mapped file that shrinks would kill the process
    if not isinstance(image, nib.Nifti1Pair):  # the common class of NIfTI-1 and -2
        raise CoopbenchError(f"{path}: is not a NIfTI file, but {type(image).__name__}")
    return image


def finite_float32(data: NDArray[np.generic]) -> NDArray[np.float32]:
    """Intensities as float32.

    Raises:
        ValueError: an intensity is NaN or infinite, or beyond the range of float32.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        values = data.astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError("holds NaN or infinite intensities")
    return values


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence nibabel's remarks on a header; this module checks what matters in it."""
    logger = logging.getLogger("nibabel.global")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def _check_header(path: Path) -> None:
    """Check what nibabel would use unchecked, or correct in silence, while it opens the file.

    Raises:
        CoopbenchError: the voxels begin much too far into the file, or the spacing is not positive.
    """
    with ImageOpener(path) as file:
        raw = file.read(nib.Nifti2Header.template_dtype.itemsize)
    for kind in (nib.Nifti1Header, nib.Nifti2Header):
        size = kind.template_dtype.itemsize
        if len(raw) < size:
            continue
        header = kind(raw[:size], check=False)
        if int(header["sizeof_hdr"]) != size:
            continue
        if not 0 <= float(header["vox_offset"]) <= MAX_EXTENSION:
            raise CoopbenchError(
                f"{path}: by its header, the voxels begin at byte {float(header['vox_offset']):g}"
            )
        axes = 2 if int(header["dim"][0]) == 2 else 3
        spacing = tuple(float(zoom) for zoom in header["pixdim"][1 : 1 + axes])
        if not all(np.isfinite(zoom) and zoom > 0 for zoom in spacing):
            raise CoopbenchError(f"{path}: the voxel spacing {spacing} is not positive")


def is_nifti_name(name: str) -> bool:
    """Whether a file is called ``….nii`` or ``….nii.gz``, in upper or lower case."""
    return name.lower().endswith(SUFFIXES)


def stem(path: Path) -> str:
    """The name of a NIfTI file without ``.nii`` or ``.nii.gz``, in upper or lower case."""
    name = path.name
    for suffix in (".gz", ".nii"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return name


def find_nifti(folder: Path) -> list[Path]:
    """The NIfTI files at any depth below a folder, relative to it, sorted; without hidden files.

    Files and folders may be symbolic links; a link to one of its own parent folders is not
    followed. A folder that does not exist has no files.
    """
    found: list[Path] = []

    def walk(below: Path, above: frozenset[Path]) -> None:
        with os.scandir(folder / below) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if is_nifti_name(entry.name):
                    found.append(below / entry.name)
                if Path(entry.path).is_dir():  # False for a link to itself
                    real = Path(entry.path).resolve()
                    if real not in above:
                        walk(below / entry.name, above | {real})

    if folder.is_dir():
        walk(Path(), frozenset({folder.resolve()}))
    return sorted(found)


def nifti_called(folder: Path, name: str) -> Path:
    """The path of the NIfTI file ``name`` in a folder, with any suffix; ``.nii.gz`` if none
    exists."""
    for suffix in reversed(SUFFIXES):
        if (path := folder / f"{name}{suffix}").is_file():
            return path
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if is_nifti_name(path.name) and stem(path).lower() == name.lower():
                return path
    return folder / f"{name}.nii.gz"


def check_name(folder: Path, below: Path) -> None:
    """Refuse a file name that cannot be printed in a table or a line of output.

    Raises:
        CoopbenchError: the name has a newline or another character that cannot be printed.
    """
    if not str(below).isprintable():
        raise CoopbenchError(f"{folder / below}: its name cannot be printed as it is; rename it")


def write_volume(path: Path, data: NDArray[np.generic], affine: NDArray[np.float64]) -> None:
    """Write ``data`` (x, y, slices), whole or not at all; the same data give the same bytes."""
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm")
    # The sform keeps an affine as it is; a qform can only hold orthonormal directions.
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner", strip_shears=True)
    save_image(image, path)


def write_like(source: Path, target: Path, data: NDArray[np.generic]) -> None:
    """Write voxels (x, y, slices, or with frames) with the geometry of another file's header.

    Keeps the sform, qform and spacing of the header, even where they disagree, so that every
    program shows both files at the same place.
    """
    original = open_nifti(source)
    header = original.header.copy()
    header.set_data_dtype(data.dtype)
    header.set_slope_inter(1, 0)
    header["cal_min"] = header["cal_max"] = 0  # the other file's display window
    save_image(type(original)(data, original.affine, header), target)


def save_image(image: nib.Nifti1Image, path: Path) -> None:
    """Write an image as ``.nii`` or ``.nii.gz``, whole or not at all.

    Compresses with ISA-L where it is installed: files have the same size, in a ninth of zlib's
    time. Without ISA-L, zlib gives other bytes, but the same voxels.
    """
    content = image.to_bytes()
    if path.suffix.lower() == ".gz":
        content = _gzip(content)
    with whole_file(path, durable=False) as partial:
        partial.write_bytes(content)


def _gzip(content: bytes) -> bytes:
    try:
        from isal import igzip
    except ImportError:  # ISA-L is not on every platform, and not needed to train on prepared data
        return gzip.compress(content, compresslevel=1, mtime=0)
    compressed: bytes = igzip.compress(content, compresslevel=2, mtime=0)
    return compressed
