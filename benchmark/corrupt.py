"""Corrupted test sets: a recipe applied to the prepared test subjects.

Every volume has a seed of its own, derived from the recipe, the kind, the subject, the frame and
the draw, so neither the order nor the number of processes changes a byte.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from benchmark.data.dataset import Case, Dataset, evaluated_cases, read_case
from benchmark.data.field import centre_field, put_back, scale_slices
from benchmark.data.nifti import write_volume
from benchmark.data.prepared import read_frame
from benchmark.errors import CoopbenchError
from benchmark.files import sha256, whole_folder, write_json
from benchmark.recipe import Recipe, find_recipe
from benchmark.seeding import derive_seed
from benchmark.workers import share_out


@dataclass(frozen=True)
class Made:
    """What `corrupt` did: the sets, and how many cases were made anew."""

    datasets: list[Dataset]
    made: int


@dataclass(frozen=True)
class _Job:
    clean: Dataset
    case: Case
    kind: str
    root: Path


def corrupt(clean: Dataset, recipe_name: str, out: Path, *, seed: int, workers: int) -> Made:
    """Corrupt the test subjects of ``clean`` into ``out/<kind>``; what is intact is kept.

    Args:
        clean: the prepared set.
        recipe_name: a registered recipe.
        out: one folder per kind is made in it, each a prepared set.
        seed: another seed draws other parameters.
        workers: processes.

    Raises:
        CoopbenchError: the set has no test subject, or a file of it cannot be read.
    """
    recipe = find_recipe(recipe_name)
    cases = evaluated_cases(clean)
    if not cases:
        raise CoopbenchError(f"{clean.root}: holds none of its test subjects")
    jobs = [_Job(clean, case, kind, out / kind) for case in cases for kind in recipe.kinds]
    by_kind: dict[str, list[Case]] = {kind: [] for kind in recipe.kinds}
    made = 0
    work = share_out(
        partial(_corrupt_case, recipe_name=recipe_name, seed=seed),
        jobs,
        title=f"corrupt {clean.title} ({recipe.title})",
        workers=workers,
        preload=[__name__, type(recipe).__module__],
    )
    for job, result in work:
        if isinstance(result, Exception):
            raise result
        for case, new in result:
            by_kind[job.kind].append(case)
            made += new
    datasets = [
        _describe(clean, recipe, kind, by_kind[kind], out / kind, seed) for kind in recipe.kinds
    ]
    for dataset in datasets:
        dataset.write()
    return Made(datasets, made)


def _describe(
    clean: Dataset, recipe: Recipe, kind: str, cases: Sequence[Case], root: Path, seed: int
) -> Dataset:
    return clean.model_copy(
        update={
            "name": kind,
            "title": kind,
            "source": f"{clean.source}, corrupted by {recipe.title}, kind {kind}",
            "preparation": clean.preparation
            | {"recipe": recipe.name, "recipe_version": recipe.version, "kind": kind, "seed": seed},
            "software": _software(recipe),
            "cases": tuple(sorted(cases, key=lambda case: case.folder)),
            "root": root,
        }
    )


def _software(recipe: Recipe) -> dict[str, str]:
    return {name: version(name) for name in ("coopbench", *recipe.packages)}


def _corrupt_case(job: _Job, *, recipe_name: str, seed: int) -> list[tuple[Case, bool]]:
    """Every draw of one kind for one case, each with whether it was made anew."""
    recipe = find_recipe(recipe_name)
    source = job.clean.root / job.case.folder
    done = []
    for draw in range(1, recipe.draws + 1):
        folder = f"{job.case.folder}/draw{draw}"
        seeds = {
            frame: derive_seed(recipe.name, seed, job.kind, job.case.subject, frame, draw)
            for frame in job.case.frames
        }
        made_from = {
            "files": job.case.files,
            "recipe": recipe.name,
            "recipe_version": recipe.version,
            "software": {name: version(name) for name in recipe.packages},
            "seeds": seeds,
        }
        before = read_case(job.root / folder / "case.json")
        if (
            before is not None
            and {key: before.made_from.get(key) for key in made_from} == made_from
            and before.intact(job.root)
        ):
            done.append((before, False))
            continue
        parameters = {}
        with whole_folder(job.root / folder) as partial_folder:
            for frame in job.case.frames:
                volume = read_frame(job.clean, job.case, frame)
                field = scale_slices(centre_field(volume.image, recipe.field))
                corrupted = recipe.corrupt(field, job.kind, seeds[frame])
                whole = put_back(scale_slices(corrupted.slices), volume.image)
                write_volume(partial_folder / f"{frame}_img.nii.gz", whole.T, volume.affine)
                shutil.copyfile(
                    source / f"{frame}_seg.nii.gz", partial_folder / f"{frame}_seg.nii.gz"
                )
                parameters[frame] = corrupted.parameters
            case = Case(
                subject=job.case.subject,
                draw=draw,
                folder=folder,
                frames=job.case.frames,
                files={path.name: sha256(path) for path in sorted(partial_folder.iterdir())},
                made_from=made_from | {"parameters": parameters},
            )
            write_json(partial_folder / "case.json", case.model_dump(mode="json"))
        done.append((case, True))
    return done
