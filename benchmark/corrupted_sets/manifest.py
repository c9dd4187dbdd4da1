"""The manifest of a corrupted set: everything needed to check the set, and to make it again.

OUT/manifest.json names the recipe and its version, the libraries' versions, and for every volume
its source with a checksum, its seed, the parameters drawn for it, and checksums of its voxels, its
geometry and its label. Each of these records has a digest, which shows whether it was edited.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import check_present, digest, read_json, sha256, write_json
from benchmark.core.parallel import results_or_raise, run_parallel
from benchmark.core.validation import FileName, RelativePath
from benchmark.corrupted_sets.code import recipe_code
from benchmark.corrupted_sets.recipe import Recipe
from benchmark.data.dataset import Case, read_case, read_dataset, read_record
from benchmark.data.nifti import open_nifti, read_image
from benchmark.data.set_names import known_as

MANIFEST = "manifest.json"

EARLIER = ("coopbench-manifest-1",)
"""Earlier formats, without checksums of geometry and labels."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecipeRecord(_Record):
    """The recipe that made a set."""

    name: str
    title: str
    version: int
    definition: dict[str, Any] | None
    """The whole recipe, if it is data instead of code."""

    def called_today(self) -> Self:
        """A copy with the recipe's current name."""
        name, version = known_as(self.name, self.version)
        return self.model_copy(update={"name": name, "version": version})

    def same_voxels(self, other: "RecipeRecord") -> bool:
        """Whether both make the same voxels, even under different names."""
        ours, theirs = (
            (one.name, one.version, one.definition)
            for one in (self.called_today(), other.called_today())
        )
        return ours == theirs


class VolumeRecord(_Record):
    """One corrupted volume."""

    file: RelativePath
    """Path below the folder of the manifest."""
    source: RelativePath
    """Path of the clean volume below the folder of clean volumes."""
    source_sha256: str
    kind: str
    severity: int | None
    draw: int
    seed: int
    parameters: dict[str, Any]
    voxels: str
    """See `voxel_checksum`."""
    geometry: str
    """See `geometry_checksum`."""
    label_sha256: str | None
    """Checksum of the label's file beside it, in a prepared set."""
    digest: str = ""
    """Digest of all other entries of this record."""

    def sealed(self) -> Self:
        """A copy with its digest."""
        rest = self.model_dump(mode="json", exclude={"digest"})
        return self.model_copy(update={"digest": digest(rest)})

    @property
    def edited(self) -> bool:
        """Whether the record was changed after it was written."""
        return self.sealed().digest != self.digest


class Manifest(_Record):
    """The content of a ``manifest.json``."""

    format: Literal["coopbench-manifest-2"] = "coopbench-manifest-2"
    recipe: RecipeRecord
    seed: int
    layout: Literal["prepared", "folder"]
    """Whether the source was a prepared set, or any folder of images."""
    clean: FileName | None = None
    """Name of the prepared set; None in older sets, which are all from ``acdc``."""
    source: str
    """Description of the clean images."""
    software: dict[str, str]
    volumes: tuple[VolumeRecord, ...] = Field(min_length=1)

    def write(self, folder: Path) -> None:
        """Write ``manifest.json`` into ``folder``, volumes in order of their files.

        Raises:
            CoopbenchError: a volume has vanished since it was written.
        """
        ordered = tuple(sorted(self.volumes, key=lambda volume: volume.file))
        check_present(folder / volume.file for volume in ordered)
        whole = self.model_copy(update={"volumes": ordered})
        write_json(folder / MANIFEST, whole.model_dump(mode="json"))


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest in ``folder``, with the recipe's current name.

    Raises:
        CoopbenchError: the manifest is missing, not valid, or of an earlier format.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise CoopbenchError(
            f"{folder}: holds no {MANIFEST}; make the set with 'coopbench corrupt'"
        )
    if earlier := earlier_format(folder):
        raise CoopbenchError(
            f"{path}: has the earlier format {earlier}, without checksums of geometry "
            "and labels; give the 'coopbench corrupt' command that made it once more: this keeps "
            "the voxels and writes a new manifest"
        )
    manifest = read_record(path, Manifest)
    return manifest.model_copy(update={"recipe": manifest.recipe.called_today()})


def earlier_format(folder: Path) -> str | None:
    """The format of the manifest in ``folder`` if it is an earlier one; else None."""
    record = read_json(folder / MANIFEST)
    form = record.get("format") if isinstance(record, dict) else None
    return str(form) if form in EARLIER else None


def record_recipe(recipe: Recipe) -> RecipeRecord:
    """The record of a recipe for a manifest."""
    return RecipeRecord(
        name=recipe.name,
        title=recipe.title,
        version=recipe.version,
        definition=recipe.definition,
    )


def software(recipe: Recipe) -> dict[str, str]:
    """Installed versions of the libraries that the voxels depend on, and the code of a plug-in
    recipe."""
    return {name: _installed(name) for name in recipe.packages} | recipe_code(recipe)


@cache
def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def voxel_checksum(data: NDArray[np.generic]) -> str:
    """SHA-256 over shape and voxels as little-endian float32, independent of the file's
    compression."""
    checksum = hashlib.sha256(repr(tuple(data.shape)).encode())
    checksum.update(np.ascontiguousarray(data, dtype="<f4").tobytes())
    return checksum.hexdigest()


def geometry_checksum(path: Path) -> str:
    """SHA-256 over the affine and the spacing in a NIfTI file's header as little-endian float32."""
    image = open_nifti(path)
    spacing = image.header.get_zooms()[:3]
    return hashlib.sha256(
        np.asarray(image.affine, dtype="<f4").tobytes() + np.asarray(spacing, dtype="<f4").tobytes()
    ).hexdigest()


def label_beside(image: Path) -> Path:
    """The label file of an image in a prepared set."""
    return image.with_name(image.name.replace("_img.", "_seg."))


@dataclass(frozen=True)
class _Job:
    folder: Path
    sources: Path | None
    volume: VolumeRecord


def verify(
    folder: Path, recipe: Recipe | None, sources: Path | None, *, workers: int
) -> tuple[Manifest, list[str]]:
    """Check a set against its manifest; returns the manifest, and a line for each difference.

    Args:
        folder: the folder of the set.
        recipe: the installed recipe; None: it is not installed.
        sources: the folder of the clean images, to check their checksums too; None: not available.
        workers: number of processes.
    """
    manifest = read_manifest(folder)
    found = _changed_software(manifest, recipe)
    jobs = [_Job(folder, sources, volume) for volume in manifest.volumes]
    faults: list[str] = []
    with run_parallel(
        _check_volume, jobs, title="verify", workers=workers, preload=[__name__]
    ) as work:
        for _, result in results_or_raise(work):
            faults += result
    if manifest.layout == "prepared":
        faults += _wrong_sets(folder, manifest)
    return manifest, [*found, *sorted(set(faults)), *_unknown(folder, manifest)]


def _changed_software(manifest: Manifest, recipe: Recipe | None) -> list[str]:
    lines = []
    if recipe is None:
        return [f"recipe {manifest.recipe.name}: is not installed here"]
    if recipe.version != manifest.recipe.version:
        lines.append(
            f"recipe {recipe.name}: the set was made by version {manifest.recipe.version}, "
            f"here is {recipe.version}"
        )
    here = software(recipe)
    for name, there in manifest.software.items():
        if here.get(name) != there:
            lines.append(f"{name}: the set was made with {there}, here is {here.get(name)}")
    return lines


def _check_volume(job: _Job) -> list[str]:
    path, volume = job.folder / job.volume.file, job.volume
    lines = _wrong_image(path, volume)
    if volume.edited:
        lines.append(f"{job.folder / MANIFEST}: its record of {volume.file} was edited")
    if volume.label_sha256 is not None:
        label = label_beside(path)
        lines += _wrong_file(label, volume.label_sha256, "differs from the recorded label")
        lines += _wrong_case(path, volume, files_differ=bool(lines))
    if job.sources is not None:
        source = job.sources / volume.source
        lines += _wrong_source(source, volume.source_sha256, "clean image")
        if volume.label_sha256 is not None:
            lines += _wrong_source(label_beside(source), volume.label_sha256, "clean image's label")
    return lines


def _wrong_image(path: Path, volume: VolumeRecord) -> list[str]:
    if not path.is_file():
        return [f"{path}: is missing"]
    try:
        voxels = voxel_checksum(read_image(path).data)
    except CoopbenchError as error:
        return [str(error)]
    lines = []
    if voxels != volume.voxels:
        lines.append(f"{path}: other voxels than recorded")
    if geometry_checksum(path) != volume.geometry:
        lines.append(f"{path}: other geometry (affine or spacing) than recorded")
    return lines


def _wrong_file(path: Path, checksum: str, otherwise: str) -> list[str]:
    if not path.is_file():
        return [f"{path}: is missing"]
    return [] if sha256(path) == checksum else [f"{path}: {otherwise}"]


def _wrong_source(path: Path, checksum: str, what: str) -> list[str]:
    if not path.is_file():
        return [f"{path}: is missing (a {what})"]
    if sha256(path) != checksum:
        return [f"{path}: is not the {what} that the set was made from"]
    return []


def _wrong_case(path: Path, volume: VolumeRecord, *, files_differ: bool) -> list[str]:
    """Differences of the case.json beside a volume from the manifest, or from the files.

    Args:
        path: path of the volume.
        volume: its record.
        files_differ: whether image or label are already reported to differ from the manifest.
    """
    record = path.with_name("case.json")
    if not record.is_file():
        return [f"{record}: is missing"]
    case = read_case(record)
    if case is None:
        return [f"{record}: cannot be read as a case's record"]
    frame = path.name.removesuffix("_img.nii.gz")
    lines = [
        f"{record}: other {name} of {frame} than in {MANIFEST}"
        for name, value in _as_in_case(volume).items()
        if _of_frame(case, name, frame) != value
    ]
    if not files_differ:
        lines += [
            f"{file}: differs from the file recorded in {record.name}"
            for file in (path, label_beside(path))
            if sha256(file) != case.files.get(file.name)
        ]
    return lines


def _of_frame(case: Case, name: str, frame: str) -> Any:
    by_frame = case.made_from.get(name)
    return by_frame.get(frame) if isinstance(by_frame, dict) else None


def _as_in_case(volume: VolumeRecord) -> dict[str, Any]:
    """The entries that a case's record repeats for each frame."""
    return {
        "seeds": volume.seed,
        "parameters": volume.parameters,
        "voxels": volume.voxels,
        "geometry": volume.geometry,
    }


def _wrong_sets(folder: Path, manifest: Manifest) -> list[str]:
    """Differences of each kind's dataset.json from the records of its cases."""
    folders: dict[str, set[str]] = {}
    for volume in manifest.volumes:
        kind, _, file = volume.file.partition("/")
        folders.setdefault(kind, set()).add(Path(file).parent.as_posix())
    lines = []
    for kind, cases in folders.items():
        path = folder / kind / "dataset.json"
        if not path.is_file():
            lines.append(f"{path}: is missing")
            continue
        try:
            described = {case.folder: case for case in read_dataset(path.parent).cases}
        except CoopbenchError as error:
            lines += error.lines
            continue
        for case in sorted(cases | set(described)):
            own = read_case(path.parent / case / "case.json")
            if case not in cases:
                lines.append(f"{path}: describes {case}, which is not in {MANIFEST}")
            elif own is not None and described.get(case) != own:
                lines.append(f"{path}: describes {case} differently from its case.json")
    return lines


def _unknown(folder: Path, manifest: Manifest) -> list[str]:
    """Volumes in the set's folders that the manifest does not list."""
    files = [folder / volume.file for volume in manifest.volumes]
    known = {*files, *map(label_beside, files)} if manifest.layout == "prepared" else set(files)
    kinds = sorted({Path(volume.file).parts[0] for volume in manifest.volumes})
    found = (path for kind in kinds for path in sorted((folder / kind).rglob("*.nii*")))
    return [f"{path}: is not in the manifest" for path in found if path not in known]


def compare(made: Manifest, wanted: Manifest) -> list[str]:
    """List the volumes whose voxels or geometry differ from another manifest."""
    there = {volume.file: volume for volume in made.volumes}
    lines = []
    for volume in wanted.volumes:
        again = there.get(volume.file)
        if again is None or again.voxels != volume.voxels:
            lines.append(f"{volume.file}: other voxels than in the manifest")
        elif again.geometry != volume.geometry:
            lines.append(f"{volume.file}: other geometry than in the manifest")
    return lines
