"""Make corrupted test sets: apply a recipe to the test subjects of a prepared set."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import digest, sha256, whole_folder, write_json
from benchmark.core.lock import folder_lock
from benchmark.core.parallel import results_or_raise
from benchmark.corrupted_sets.corrupt_volume import corrupt_slices, not_applied
from benchmark.corrupted_sets.making import Drawing, Made, Making, make_all, make_in_parallel
from benchmark.corrupted_sets.manifest import (
    Manifest,
    VolumeRecord,
    geometry_checksum,
    record_recipe,
    software,
    voxel_checksum,
)
from benchmark.corrupted_sets.recipe import Recipe
from benchmark.corrupted_sets.set_folder import refuse_another
from benchmark.data.dataset import Case, Dataset, evaluated_cases, read_case
from benchmark.data.nifti import write_volume
from benchmark.data.prepared import PreparedFrame, read_frame
from benchmark.data.set_names import CLEAN, MadeBy, known_as


@dataclass(frozen=True)
class MadeSet:
    """The result of `corrupt`: the sets, their manifest, and the number of new cases."""

    datasets: list[Dataset]
    manifest: Manifest
    made: int


def made_by(recipe: Recipe, clean: Dataset) -> MadeBy:
    """The origin that identifies a recipe's sets of a clean set.

    Raises:
        CoopbenchError: the set is corrupted itself.
    """
    if clean.corruption is not None:
        raise CoopbenchError(
            f"{clean.root}: is a corrupted set itself; name a clean one by --test-set"
        )
    return MadeBy(recipe.name, recipe.version, clean.name, clean.title)


def corrupt(
    clean: Dataset,
    recipe: Recipe,
    out: Path,
    *,
    seed: int,
    workers: int,
    replayed: Manifest | None = None,
) -> MadeSet:
    """Corrupt the test subjects of ``clean`` into ``out/<kind>``; intact results are kept.

    Args:
        clean: the prepared set.
        recipe: the recipe to apply.
        out: folder to write to: one prepared set per kind, and a manifest of all.
        seed: other seeds draw other parameters.
        workers: number of processes.
        replayed: take seeds and parameters from this manifest, and draw nothing.

    Raises:
        CoopbenchError: the set has no test subject, or a file of it cannot be read; or ``out``
            holds another set, or another process is corrupting into it.
    """
    known_by = made_by(recipe, clean)
    evaluated_cases(clean)  # check before the folder is made
    with folder_lock(out, "corrupting into"):
        refuse_another(out, known_by)
        return _corrupt(clean, recipe, out, seed, workers, replayed)


def _corrupt(
    clean: Dataset,
    recipe: Recipe,
    out: Path,
    seed: int,
    workers: int,
    replayed: Manifest | None,
) -> MadeSet:
    cases = evaluated_cases(clean)
    by_kind: dict[str, list[Case]] = {kind: [] for kind in recipe.kinds}
    made = 0
    making = Making.of(recipe, seed, out, replayed)
    work = partial(_corrupt_case, clean=clean, making=making)
    with make_in_parallel(work, cases, recipe, name=clean.title, workers=workers) as outcomes:
        for _, result in results_or_raise(outcomes):
            for one in result:
                by_kind[one.kind].append(one.kept)
                made += one.new
    datasets = [
        _describe(clean, recipe, kind, by_kind[kind], out / kind, seed) for kind in recipe.kinds
    ]
    manifest = _manifest(clean, recipe, seed, datasets)
    for dataset in datasets:
        dataset.write()
    manifest.write(out)
    return MadeSet(datasets, manifest, made)


def _describe(
    clean: Dataset, recipe: Recipe, kind: str, cases: Sequence[Case], root: Path, seed: int
) -> Dataset:
    family, severity = recipe.family(kind)
    known_by = made_by(recipe, clean)
    preparation: dict[str, Any] = {
        "recipe": recipe.name,
        "recipe_version": recipe.version,
        "kind": family,
        "seed": seed,
        "test_set": kind,
        "clean": known_by.clean,
        "clean_title": known_by.clean_title,
    }
    if severity is not None:
        preparation["severity"] = severity
    return clean.model_copy(
        update={
            "name": known_by.name(kind),
            "title": known_by.title(kind),
            "source": f"{clean.source}, corrupted by {recipe.title}, kind {kind}",
            "preparation": clean.preparation | preparation,
            "software": {"coopbench": version("coopbench"), **software(recipe)},
            "cases": tuple(sorted(cases, key=lambda case: case.folder)),
            "root": root,
        }
    )


def _manifest(clean: Dataset, recipe: Recipe, seed: int, datasets: Sequence[Dataset]) -> Manifest:
    sources = {case.subject: case for case in clean.cases}
    volumes = []
    for kind, dataset in zip(recipe.kinds, datasets, strict=True):
        for case in dataset.cases:
            source, made_from = sources[case.subject], case.made_from
            for frame in case.frames:
                image = f"{frame}_img.nii.gz"
                volumes.append(
                    VolumeRecord(
                        file=f"{dataset.root.name}/{case.folder}/{image}",
                        source=f"{source.folder}/{image}",
                        source_sha256=source.files[image],
                        kind=kind,
                        severity=recipe.family(kind)[1],
                        draw=case.draw,
                        seed=made_from["seeds"][frame],
                        parameters=made_from["parameters"][frame],
                        voxels=made_from["voxels"][frame],
                        geometry=made_from["geometry"][frame],
                        label_sha256=case.files[f"{frame}_seg.nii.gz"],
                    ).sealed()
                )
    return Manifest(
        recipe=record_recipe(recipe),
        seed=seed,
        layout="prepared",
        clean=clean.name,
        source=f"{clean.title} ({clean.source})",
        software=software(recipe),
        volumes=tuple(volumes),
    )


def _corrupt_case(case: Case, *, clean: Dataset, making: Making) -> list[Made[Case]]:
    """Every kind and draw of one case."""

    @cache
    def volume(frame: str) -> PreparedFrame:
        return read_frame(clean, case, frame)

    return make_all(
        making.recipe, lambda kind, draw: _CorruptedCase(clean, case, making, kind, draw, volume)
    )


class _CorruptedCase:
    """A case under a kind and draw: a folder with images, labels and their record, case.json."""

    def __init__(
        self,
        clean: Dataset,
        case: Case,
        making: Making,
        kind: str,
        draw: int,
        read: Callable[[str], PreparedFrame],
    ) -> None:
        self.clean, self.case, self.making, self.kind, self.draw = clean, case, making, kind, draw
        self.read = read
        self.root, self.folder = making.out / kind, f"{case.folder}/draw{draw}"
        # Subjects of two sets may have the same number, but must not get the same artefact.
        of = () if clean.name == CLEAN else (clean.name,)
        self.drawings = {
            frame: making.volume(
                f"{kind}/{self.folder}/{frame}_img.nii.gz",
                kind,
                (*of, case.subject, frame, draw),
                source=clean.root / case.folder,
                source_sha256=case.files[f"{frame}_img.nii.gz"],
                label_sha256=case.files[f"{frame}_seg.nii.gz"],
            )
            for frame in case.frames
        }
        self.made_from = {
            "files": case.files,
            "recipe": making.recipe.name,
            "recipe_version": making.recipe.version,
            "definition": making.recipe.definition,
            "software": making.software,
            "seeds": {frame: drawing.seed for frame, drawing in self.drawings.items()},
        }
        self.made_from |= {"clean": clean.name} if of else {}

    def kept(self) -> Case | None:
        """The case's record, if it was made from the same inputs and is intact; else None."""
        before = read_case(self.root / self.folder / "case.json")
        if before is None or not _is_up_to_date(before, self.made_from, self.drawings):
            return None
        return before if before.intact(self.root) else None

    def make(self) -> Case:
        """Corrupt every frame; the folder is moved into place when it is complete."""
        clean, case = self.clean, self.case
        parameters, voxels, geometry = {}, {}, {}
        with whole_folder(self.root / self.folder) as partial_folder:
            for frame, drawing in self.drawings.items():
                source = self.read(frame)
                try:
                    corrupted = corrupt_slices(
                        self.making.recipe,
                        source.image,
                        self.kind,
                        seed=drawing.seed,
                        spacing=source.spacing,
                        parameters=drawing.parameters,
                    )
                except Exception as error:  # recipes and edited manifests may raise anything
                    raise not_applied(clean.root / case.folder, self.kind, error) from error
                parameters[frame] = corrupted.parameters
                voxels[frame] = voxel_checksum(corrupted.slices.T)
                image = partial_folder / f"{frame}_img.nii.gz"
                write_volume(image, corrupted.slices.T, source.affine)
                geometry[frame] = geometry_checksum(image)
                label = f"{frame}_seg.nii.gz"
                shutil.copyfile(clean.root / case.folder / label, partial_folder / label)
            drawn = {"parameters": parameters, "voxels": voxels, "geometry": geometry}
            made = Case(
                subject=case.subject,
                draw=self.draw,
                folder=self.folder,
                frames=case.frames,
                files={path.name: sha256(path) for path in sorted(partial_folder.iterdir())},
                made_from=self.made_from | drawn | {"digest": digest(drawn)},
            )
            write_json(partial_folder / "case.json", made.model_dump(mode="json"), durable=False)
        return made


def _is_up_to_date(
    before: Case, made_from: dict[str, Any], drawings: Mapping[str, Drawing]
) -> bool:
    """Whether a case was made from the same inputs, and its record is complete."""
    there = dict(before.made_from)
    with suppress(KeyError, TypeError):  # under the recipe's current name
        today = known_as(there["recipe"], there["recipe_version"])
        there["recipe"], there["recipe_version"] = today
    same = {key: there.get(key) for key in made_from} == made_from
    drawn = {key: there.get(key) for key in ("parameters", "voxels", "geometry")}
    same = same and there.get("digest") == digest(drawn)
    given = {
        frame: drawing.parameters
        for frame, drawing in drawings.items()
        if drawing.parameters is not None
    }
    return same and (not given or drawn["parameters"] == given)
