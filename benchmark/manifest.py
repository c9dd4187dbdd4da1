"""The manifest of a corrupted set: all that it takes to check it, and to make it again.

OUT/manifest.json names the recipe and its version, the libraries' versions, and for every volume
its source with a checksum, its seed, the parameters drawn for it, and a checksum of its voxels.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from benchmark.data.dataset import read_record
from benchmark.data.nifti import read_volume
from benchmark.errors import CoopbenchError
from benchmark.files import sha256, write_json
from benchmark.recipe import Recipe
from benchmark.validation import RelativePath
from benchmark.workers import share_out

MANIFEST = "manifest.json"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecipeRecord(_Record):
    """Which recipe a set was made by."""

    name: str
    title: str
    version: int
    definition: dict[str, Any] | None
    """All of the recipe, where it is data and no code."""


class VolumeRecord(_Record):
    """One corrupted volume."""

    file: RelativePath
    """Under the folder of the manifest."""
    source: RelativePath
    """The clean volume, under the folder of the clean ones."""
    source_sha256: str
    kind: str
    severity: int | None
    draw: int
    seed: int
    parameters: dict[str, Any]
    voxels: str
    """See `voxel_checksum`."""


class Manifest(_Record):
    """The content of a ``manifest.json``."""

    format: Literal["coopbench-manifest-1"] = "coopbench-manifest-1"
    recipe: RecipeRecord
    seed: int
    layout: Literal["prepared", "folder"]
    """Whether the source was a prepared set, or any folder of images."""
    source: str
    """What the clean images are."""
    software: dict[str, str]
    volumes: tuple[VolumeRecord, ...] = Field(min_length=1)

    def write(self, folder: Path) -> None:
        """Write ``manifest.json`` into ``folder``, volumes in order of their files."""
        ordered = tuple(sorted(self.volumes, key=lambda volume: volume.file))
        whole = self.model_copy(update={"volumes": ordered})
        write_json(folder / MANIFEST, whole.model_dump(mode="json"))


def read_manifest(folder: Path) -> Manifest:
    """The manifest in ``folder``.

    Raises:
        CoopbenchError: there is none, or it is not valid.
    """
    if not (folder / MANIFEST).is_file():
        raise CoopbenchError(
            f"{folder}: holds no {MANIFEST}; make the set with 'coopbench corrupt'"
        )
    return read_record(folder / MANIFEST, Manifest)


def record_recipe(recipe: Recipe) -> RecipeRecord:
    """What a manifest keeps of a recipe."""
    return RecipeRecord(
        name=recipe.name,
        title=recipe.title,
        version=recipe.version,
        definition=recipe.definition,
    )


def software(recipe: Recipe) -> dict[str, str]:
    """The installed versions of what the recipe's voxels depend on."""
    return {name: _installed(name) for name in recipe.packages}


@cache
def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def voxel_checksum(data: NDArray[np.generic]) -> str:
    """SHA-256 over shape and voxels as little-endian float32, whatever the file's compression."""
    checksum = hashlib.sha256(repr(tuple(data.shape)).encode())
    checksum.update(np.ascontiguousarray(data, dtype="<f4").tobytes())
    return checksum.hexdigest()


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
        folder: that of the set.
        recipe: as installed here; None: is not.
        sources: the folder of the clean images, whose checksums are checked as well; None: is not
            at hand.
        workers: processes.
    """
    manifest = read_manifest(folder)
    found = _changed_software(manifest, recipe)
    jobs = [_Job(folder, sources, volume) for volume in manifest.volumes]
    faults: list[str] = []
    with share_out(
        _check_volume, jobs, title="verify", workers=workers, preload=[__name__]
    ) as work:
        for _, result in work:
            if isinstance(result, Exception):
                raise result
            faults += result
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
    path, lines = job.folder / job.volume.file, []
    if not path.is_file():
        lines.append(f"{path}: is missing")
    else:
        try:
            same = voxel_checksum(read_volume(path).data) == job.volume.voxels
        except CoopbenchError as error:
            lines.append(str(error))
        else:
            if not same:
                lines.append(f"{path}: other voxels than recorded")
    if job.sources is not None:
        source = job.sources / job.volume.source
        if not source.is_file():
            lines.append(f"{source}: is missing (a clean image)")
        elif sha256(source) != job.volume.source_sha256:
            lines.append(f"{source}: is not the clean image that the set was made from")
    return lines


def _unknown(folder: Path, manifest: Manifest) -> list[str]:
    """Images in the set's folders that the manifest does not know."""
    known = {volume.file for volume in manifest.volumes}
    kinds = sorted({Path(volume.file).parts[0] for volume in manifest.volumes})
    images = "*_img.nii.gz" if manifest.layout == "prepared" else "*.nii*"
    found = (path for kind in kinds for path in sorted((folder / kind).rglob(images)))
    strange = [path for path in found if path.relative_to(folder).as_posix() not in known]
    return [f"{path}: is not in the manifest" for path in strange]


def compare(made: Manifest, wanted: Manifest) -> list[str]:
    """The volumes whose voxels are not those of another manifest."""
    there = {volume.file: volume.voxels for volume in made.volumes}
    return [
        f"{volume.file}: other voxels than in the manifest"
        for volume in wanted.volumes
        if there.get(volume.file) != volume.voxels
    ]


def parameters_of(manifest: Manifest | None) -> dict[str, VolumeRecord]:
    """The volumes of a manifest by file; nothing where there is none."""
    return {volume.file: volume for volume in manifest.volumes} if manifest else {}
