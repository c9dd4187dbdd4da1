"""A recipe applied to any folder of NIfTI images, such as nnU-Net's ``imagesTs`` or a BIDS tree.

OUT/RandMotion/draw1/sub-01/anat/sub-01_T2w.nii.gz      the tree of IMAGES below each kind and draw
OUT/manifest.json                                       seeds, parameters and checksums of them all
OUT/records/                                            the same by volume, to go on after a stop

Intensities keep their range, slice by slice, and headers are kept. A cine (4D) is corrupted frame
by frame, each with a draw of its own or all with one; a 2D image is a stack of one slice.
"""

from collections.abc import Sequence
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
from benchmark.core.parallel import check_cancelled, run_parallel, split_errors
from benchmark.core.seeding import derive_seed
from benchmark.corrupted_sets.corrupt_set import corrupt_in_range, not_applied, volume_seed
from benchmark.corrupted_sets.manifest import (
    Manifest,
    RecipeRecord,
    VolumeRecord,
    geometry_checksum,
    parameters_of,
    record_recipe,
    software,
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
"""How the names of label maps end, which are no images."""

EACH, ALL = "frames", "every_frame"
"""Where a 4D image's parameters are: those of each frame in a list, or those of all."""


@dataclass(frozen=True)
class MadeFolder:
    """What was made.

    Attributes:
        manifest: of it all.
        made: how many volumes are new.
        labels: label maps, which were left out.
        faults: a line for each image that was left out because it is broken.
        notes: on the headers of images, a line for each kind with the number of files.
    """

    manifest: Manifest
    made: int
    labels: list[Path]
    faults: list[str]
    notes: list[str]


def find_images(images: Path) -> tuple[list[Path], list[Path]]:
    """The NIfTI files below a folder, relative to it: images, and label maps by their names.

    Raises:
        CoopbenchError: there is no image.
    """
    if not images.is_dir():
        raise CoopbenchError(f"{images}: is no folder")
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
    """Corrupt every image below ``images`` into ``out``; what is intact is kept.

    Args:
        images: the clean ones, with slices along the third axis.
        recipe: what is done, to the centre of ``recipe.field`` pixels, or to whole slices.
        out: for the corrupted ones; must not lie in ``images``.
        seed: another seed draws other parameters.
        workers: processes.
        replayed: take seeds and parameters from this manifest, and draw nothing.
        skip_bad: leave out images that cannot be used.
        same_draw: all frames of a 4D image have one artefact; else each has its own.

    Raises:
        WriteError: the first time that something cannot be written.
        CoopbenchError: an image cannot be used; the others are done, but there is no manifest. Or
            ``out`` holds what another recipe or version made, or another process is corrupting
            into it.
    """
    if images.resolve() in (out.resolve(), *out.resolve().parents):
        raise CoopbenchError(f"{out}: lies in the folder of the images; give another one")
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
    """Let no volume take the place of one by another recipe, or another version of it.

    Raises:
        CoopbenchError: ``out`` holds such.
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
    with run_parallel(
        partial(
            _corrupt_image,
            images=images,
            recipe=recipe,
            out=out,
            seed=seed,
            given=parameters_of(replayed),
            same_draw=same_draw,
        ),
        chosen,
        title=f"corrupt {images.name} ({recipe.title})",
        workers=workers,
        preload=[__name__, type(recipe).__module__],
    ) as work:
        done, faults = split_errors(work)
    volumes = [record for _, (made, _) in done for record, _ in made]
    if faults and not (skip_bad and volumes):
        raise CoopbenchError(
            *first_lines(faults),
            f"{len(faults)} of {len(chosen)} images not corrupted; mend or remove them, then run "
            "the same command again; or leave them out by --skip-bad",
        )
    manifest = Manifest(
        recipe=record_recipe(recipe),
        seed=seed,
        layout="folder",
        source=images.name,
        software=software(recipe),
        volumes=tuple(volumes),
    )
    manifest.write(out)
    new = sum(new for _, (made, _) in done for _, new in made)
    return manifest, new, faults, doubt_lines(doubt for _, (_, doubt) in done)


def _corrupt_image(
    image: Path,
    *,
    images: Path,
    recipe: Recipe,
    out: Path,
    seed: int,
    given: dict[str, VolumeRecord],
    same_draw: bool,
) -> tuple[Sequence[tuple[VolumeRecord, bool]], str]:
    """Each kind and draw of an image with whether it is new, and what its header disagrees in."""
    check_name(images, image)
    path = images / image
    if not path.is_file():
        raise CoopbenchError(f"{path}: is no file")
    source_sha256 = sha256(path)
    made_by = {"recipe": record_recipe(recipe), "software": software(recipe)}
    done = []

    @cache
    def volume() -> Volume:
        return read_image(path)

    for kind in recipe.kinds:
        for draw in range(1, recipe.draws + 1):
            place = Path(kind, f"draw{draw}") if recipe.draws > 1 else Path(kind)
            file = (place / image).as_posix()
            fixed = given.get(file)
            if given and fixed is None:
                raise CoopbenchError(f"{path}: the manifest lacks {file}")
            if fixed is not None and fixed.source_sha256 != source_sha256:
                raise CoopbenchError(f"{path}: is not the image that the set was made from")
            name = f"{image.with_name(stem(image)).as_posix()}"
            own_seed = fixed.seed if fixed else volume_seed(recipe, seed, kind, name, draw)
            kept = _Kept.read(out / "records" / f"{file}.json")
            if kept is not None and kept.serves(
                made_by, source_sha256, own_seed, fixed, same_draw=same_draw
            ):
                target = out / file
                if target.is_file() and sha256(target) == kept.sha256:
                    done.append((kept.volume, False))
                    continue
            check_cancelled()
            data, parameters = _corrupt_volume(
                recipe, volume(), kind, own_seed, fixed, path, same_draw=same_draw
            )
            _write_like(path, out / file, data)
            record = VolumeRecord(
                file=file,
                source=image.as_posix(),
                source_sha256=source_sha256,
                kind=kind,
                severity=recipe.family(kind)[1],
                draw=draw,
                seed=own_seed,
                parameters=parameters,
                voxels=voxel_checksum(data),
                geometry=geometry_checksum(out / file),
                label_sha256=None,
            ).sealed()
            new = _Kept(**made_by, volume=record, sha256=sha256(out / file))
            kept_as = out / "records" / f"{file}.json"
            write_json(kept_as, new.model_dump(mode="json"), durable=False)
            done.append((record, True))
    return done, volume().doubt if any(new for _, new in done) else ""


class _Kept(BaseModel):
    """A volume that is done, and what it was done by."""

    recipe: RecipeRecord
    software: dict[str, str]
    volume: VolumeRecord
    sha256: str
    """Of the corrupted file."""

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The record in a file, or None where there is none that can be used."""
        try:
            return read_record(path, cls)
        except (CoopbenchError, OSError):
            return None

    def serves(
        self,
        made_by: dict[str, Any],
        source_sha256: str,
        seed: int,
        fixed: VolumeRecord | None,
        *,
        same_draw: bool,
    ) -> bool:
        """Whether the volume was made from the very same things, and its record is whole."""
        volume = self.volume
        same = self.recipe.same_voxels(made_by["recipe"]) and self.software == made_by["software"]
        same = same and (volume.source_sha256, volume.seed) == (source_sha256, seed)
        same = same and not volume.edited
        if fixed is not None:
            return same and fixed.parameters == volume.parameters
        return same and (EACH if same_draw else ALL) not in volume.parameters


def _corrupt_volume(
    recipe: Recipe,
    source: Volume,
    kind: str,
    seed: int,
    fixed: VolumeRecord | None,
    path: Path,
    *,
    same_draw: bool,
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """The corrupted voxels in the shape of the source's, and the parameters.

    Those of a 4D image are a list under `EACH`, or of all frames under `ALL`.
    """
    try:
        voxels = np.ascontiguousarray(finite_float32(source.data).T)
    except ValueError as error:
        raise CoopbenchError(f"{path}: {error}") from error
    given = fixed.parameters if fixed else None

    def one(slices: Stack, seed: int, parameters: dict[str, Any] | None) -> Corrupted:
        check_cancelled()
        spacing = source.spacing[::-1]
        try:
            return corrupt_in_range(
                recipe, slices, kind, seed=seed, spacing=spacing, parameters=parameters
            )
        except Exception as error:  # of whatever recipe, on a volume it was not made for
            raise not_applied(path, kind, error) from error

    if voxels.ndim == 3:
        corrupted = one(voxels, seed, given)
        return corrupted.slices.T, corrupted.parameters
    frames: list[Corrupted] = []
    for number, frame in enumerate(voxels):
        if given is None and same_draw:
            parameters = frames[0].parameters if frames else None
        else:
            parameters = _of_frame(given, number, len(voxels), path)
        own_seed = seed if same_draw else derive_seed(seed, "frame", number)
        frames.append(one(frame, own_seed, parameters))
    whole = np.stack([frame.slices for frame in frames]).T
    if same_draw if given is None else ALL in given:
        return whole, {ALL: frames[0].parameters}
    return whole, {EACH: [frame.parameters for frame in frames]}


def _of_frame(
    given: dict[str, Any] | None, number: int, frames: int, path: Path
) -> dict[str, Any] | None:
    """The parameters of a frame among a manifest's; None where there is no manifest.

    Raises:
        CoopbenchError: the manifest's are not of so many frames.
    """
    if given is None:
        return None
    each = [given[ALL]] * frames if ALL in given else given.get(EACH)
    if not isinstance(each, list) or len(each) != frames or not isinstance(each[number], dict):
        raise CoopbenchError(
            f"{path}: has {frames} frames, and the manifest no parameters of so many"
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
