"""Apply a recipe to any folder of NIfTI images, such as nnU-Net's ``imagesTs`` or a BIDS tree.

OUT/RandMotion/draw1/sub-01/anat/sub-01_T2w.nii.gz      the tree of IMAGES below each kind and draw
OUT/manifest.json                                       seeds, parameters and checksums of all
OUT/records/                                            the same by volume, to resume after a stop

Intensities keep their range, slice by slice, and headers are kept. A cine (4D) is corrupted frame
by frame, each with a draw of its own or all with one; a 2D image is a stack of one slice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from benchmark.core.errors import CoopbenchError, first_lines
from benchmark.core.files import sha256, write_json
from benchmark.core.lock import folder_lock
from benchmark.core.parallel import check_cancelled, split_errors
from benchmark.core.seeding import derive_seed
from benchmark.corrupted_sets.corrupt_volume import corrupt_in_range, not_applied
from benchmark.corrupted_sets.making import Made, Making, make_all, make_in_parallel
from benchmark.corrupted_sets.manifest import (
    Manifest,
    RecipeRecord,
    VolumeRecord,
    geometry_checksum,
    voxel_checksum,
)
from benchmark.corrupted_sets.recipe import Corrupted, Recipe, Stack
from benchmark.data.dataset import read_record
from benchmark.data.headers import doubt_lines
from benchmark.data.nifti import (
    Volume,
    check_name,
    find_nifti,
    finite_float32,
    open_nifti,
    read_image,
    save_image,
    stem,
)
from benchmark.data.set_names import MadeBy

LABELS = ("_seg", "_gt", "_label", "_labels", "_mask", "_dseg")
"""Endings of the names of label maps, which are not corrupted."""

EACH, ALL = "frames", "every_frame"
"""Keys for a 4D image's parameters: a list with those of each frame, or those of all frames."""


@dataclass(frozen=True)
class MadeFolder:
    """The result of `corrupt_folder`.

    Attributes:
        manifest: the manifest of all volumes.
        made: number of new volumes.
        labels: label maps, which were left out.
        faults: a line for each broken image, which was left out.
        notes: on the headers of images, a line for each kind of contradiction with the number of
            files.
    """

    manifest: Manifest
    made: int
    labels: list[Path]
    faults: list[str]
    notes: list[str]


def find_images(images: Path) -> tuple[list[Path], list[Path]]:
    """Find the NIfTI files below a folder, relative to it: images, and label maps by their names.

    Raises:
        CoopbenchError: there is no image.
    """
    if not images.is_dir():
        raise CoopbenchError(f"{images}: is not a folder")
    found = find_nifti(images)
    labels = [path for path in found if stem(path).endswith(LABELS)]
    chosen = [path for path in found if path not in set(labels)]
    if not chosen:
        raise CoopbenchError(f"{images}: holds no NIfTI image (.nii or .nii.gz)")
    return chosen, labels


def corrupt_folder(
    images: Path,
    recipe: Recipe,
    out: Path,
    *,
    seed: int,
    workers: int,
    replayed: Manifest | None = None,
    skip_bad: bool = False,
    same_draw: bool = False,
) -> MadeFolder:
    """Corrupt every image below ``images`` into ``out``; intact results are kept.

    Args:
        images: folder of clean images, with slices along the third axis.
        recipe: the recipe to apply, to the centre of ``recipe.field`` pixels, or to whole slices.
        out: folder for corrupted images; must not lie in ``images``.
        seed: other seeds draw other parameters.
        workers: number of processes.
        replayed: take seeds and parameters from this manifest, and draw nothing.
        skip_bad: leave out images that cannot be used.
        same_draw: all frames of a 4D image have one artefact; else each has its own.

    Raises:
        WriteError: a file cannot be written.
        CoopbenchError: an image cannot be used (the others are corrupted, but no manifest is
            written); or ``out`` holds the result of another recipe or version; or another process
            is corrupting into it.
    """
    if images.resolve() in (out.resolve(), *out.resolve().parents):
        raise CoopbenchError(f"{out}: lies in the folder of the images; give another folder")
    chosen, labels = find_images(images)
    with folder_lock(out, "corrupting into"):
        _refuse_another(out, recipe)
        manifest, made, faults, notes = _corrupt_all(
            chosen,
            images,
            recipe,
            out,
            seed,
            workers,
            replayed,
            skip_bad=skip_bad,
            same_draw=same_draw,
        )
    return MadeFolder(manifest, made, labels, faults, notes)


def _refuse_another(out: Path, recipe: Recipe) -> None:
    """Refuse to replace volumes of another recipe, or of another version of it.

    Raises:
        CoopbenchError: ``out`` holds such volumes.
    """
    records = (_Kept.read(path) for path in (out / "records").rglob("*.json"))
    there = next((kept.recipe.called_today() for kept in records if kept is not None), None)
    if there is not None and (there.name, there.version) != (recipe.name, recipe.version):
        raise CoopbenchError(
            f"{out}: holds images corrupted by {MadeBy(there.name, there.version).words}, which "
            f"stay as they are; give another folder to {recipe.name} version {recipe.version}"
        )


def _corrupt_all(
    chosen: Sequence[Path],
    images: Path,
    recipe: Recipe,
    out: Path,
    seed: int,
    workers: int,
    replayed: Manifest | None,
    *,
    skip_bad: bool,
    same_draw: bool,
) -> tuple[Manifest, int, list[str], list[str]]:
    """The manifest, how many volumes are new, lines on broken images, and lines on headers."""
    making = Making.of(recipe, seed, out, replayed)
    work = partial(_corrupt_image, images=images, making=making, same_draw=same_draw)
    with make_in_parallel(work, chosen, recipe, name=images.name, workers=workers) as outcomes:
        done, faults = split_errors(outcomes)
    volumes = [one.kept for _, (made, _) in done for one in made]
    if faults and not (skip_bad and volumes):
        raise CoopbenchError(
            *first_lines(faults),
            f"{len(faults)} of {len(chosen)} images not corrupted; correct or remove them, then "
            f"run "
            "the same command again; or leave them out with --skip-bad",
        )
    manifest = Manifest(
        recipe=making.made_by,
        seed=seed,
        layout="folder",
        source=images.name,
        software=making.software,
        volumes=tuple(volumes),
    )
    manifest.write(out)
    new = sum(one.new for _, (made, _) in done for one in made)
    return manifest, new, faults, doubt_lines(doubt for _, (_, doubt) in done)


def _corrupt_image(
    image: Path, *, images: Path, making: Making, same_draw: bool
) -> tuple[list[Made[VolumeRecord]], str]:
    """Make every kind and draw of one image; also returns the contradictions in its header."""
    check_name(images, image)
    path = images / image
    if not path.is_file():
        raise CoopbenchError(f"{path}: is not a file")
    checksum = sha256(path)

    @cache
    def read() -> Volume:
        return read_image(path)

    def target(kind: str, draw: int) -> _CorruptedImage:
        return _CorruptedImage(path, image, checksum, making, kind, draw, read, same_draw=same_draw)

    made = make_all(making.recipe, target)
    return made, read().doubt if any(one.new for one in made) else ""


class _CorruptedImage:
    """An image under a kind and draw: a file, and its record in a folder of records."""

    def __init__(
        self,
        path: Path,
        image: Path,
        checksum: str,
        making: Making,
        kind: str,
        draw: int,
        read: Callable[[], Volume],
        *,
        same_draw: bool,
    ) -> None:
        self.path, self.image, self.checksum = path, image, checksum
        self.making, self.kind, self.draw = making, kind, draw
        self.read, self.same_draw = read, same_draw
        place = Path(kind, f"draw{draw}") if making.recipe.draws > 1 else Path(kind)
        self.file = (place / image).as_posix()
        self.record = making.out / "records" / f"{self.file}.json"
        name = image.with_name(stem(image)).as_posix()
        self.drawing = making.volume(
            self.file, kind, (name, draw), source=path, source_sha256=checksum
        )

    def kept(self) -> VolumeRecord | None:
        """The volume's record, if it was made from the same inputs and is intact; else None."""
        kept = _Kept.read(self.record)
        if kept is None or not self._is_up_to_date(kept):
            return None
        target = self.making.out / self.file
        return kept.volume if target.is_file() and sha256(target) == kept.sha256 else None

    def _is_up_to_date(self, kept: "_Kept") -> bool:
        volume, making, given = kept.volume, self.making, self.drawing.parameters
        same = kept.recipe.same_voxels(making.made_by) and kept.software == making.software
        same = same and (volume.source_sha256, volume.seed) == (self.checksum, self.drawing.seed)
        same = same and not volume.edited
        if given is not None:
            return same and given == volume.parameters
        return same and (EACH if self.same_draw else ALL) not in volume.parameters

    def make(self) -> VolumeRecord:
        """Corrupt the image, and write it and its record."""
        making = self.making
        data, parameters = self._corrupted()
        target = making.out / self.file
        _write_like(self.path, target, data)
        volume = VolumeRecord(
            file=self.file,
            source=self.image.as_posix(),
            source_sha256=self.checksum,
            kind=self.kind,
            severity=making.recipe.family(self.kind)[1],
            draw=self.draw,
            seed=self.drawing.seed,
            parameters=parameters,
            voxels=voxel_checksum(data),
            geometry=geometry_checksum(target),
            label_sha256=None,
        ).sealed()
        kept = _Kept(
            recipe=making.made_by, software=making.software, volume=volume, sha256=sha256(target)
        )
        write_json(self.record, kept.model_dump(mode="json"), durable=False)
        return volume

    def _corrupted(self) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """The corrupted voxels in the shape of the source, and the parameters.

        Parameters of a 4D image are a list under `EACH`, or one set for all frames under `ALL`.
        """
        seed, given = self.drawing.seed, self.drawing.parameters
        try:
            voxels = np.ascontiguousarray(finite_float32(self.read().data).T)
        except ValueError as error:
            raise CoopbenchError(f"{self.path}: {error}") from error
        if voxels.ndim == 3:
            corrupted = self._of_stack(voxels, seed, given)
            return corrupted.slices.T, corrupted.parameters
        frames: list[Corrupted] = []
        for number, frame in enumerate(voxels):
            if given is None and self.same_draw:
                parameters = frames[0].parameters if frames else None
            else:
                parameters = _of_frame(given, number, len(voxels), self.path)
            own_seed = seed if self.same_draw else derive_seed(seed, "frame", number)
            frames.append(self._of_stack(frame, own_seed, parameters))
        whole = np.stack([frame.slices for frame in frames]).T
        if self.same_draw if given is None else ALL in given:
            return whole, {ALL: frames[0].parameters}
        return whole, {EACH: [frame.parameters for frame in frames]}

    def _of_stack(self, slices: Stack, seed: int, parameters: dict[str, Any] | None) -> Corrupted:
        check_cancelled()
        spacing = self.read().spacing[::-1]
        try:
            return corrupt_in_range(
                self.making.recipe,
                slices,
                self.kind,
                seed=seed,
                spacing=spacing,
                parameters=parameters,
            )
        except Exception as error:  # a recipe may raise anything on an unsuitable volume
            raise not_applied(self.path, self.kind, error) from error


class _Kept(BaseModel):
    """A finished volume, and the recipe that made it."""

    recipe: RecipeRecord
    software: dict[str, str]
    volume: VolumeRecord
    sha256: str
    """Checksum of the corrupted file."""

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read the record in a file; None if it is missing or cannot be used."""
        try:
            return read_record(path, cls)
        except (CoopbenchError, OSError):
            return None


def _of_frame(
    given: dict[str, Any] | None, number: int, frames: int, path: Path
) -> dict[str, Any] | None:
    """The parameters of a frame in a manifest; None without a manifest.

    Raises:
        CoopbenchError: the manifest has parameters for another number of frames.
    """
    if given is None:
        return None
    each = [given[ALL]] * frames if ALL in given else given.get(EACH)
    if not isinstance(each, list) or len(each) != frames or not isinstance(each[number], dict):
        raise CoopbenchError(
            f"{path}: has {frames} frames, but the manifest has parameters for another number"
        )
    parameters: dict[str, Any] = each[number]
    return parameters


def _write_like(source: Path, target: Path, data: NDArray[np.float32]) -> None:
    """Write voxels under the header of another file, as float32."""
    image = open_nifti(source)
    header = image.header.copy()
    header.set_data_dtype(np.float32)
    header.set_slope_inter(1, 0)
    save_image(type(image)(data.reshape(image.shape), image.affine, header), target)
