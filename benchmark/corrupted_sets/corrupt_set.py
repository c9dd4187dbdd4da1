"""Corrupted test sets: a recipe applied to the prepared test subjects.

Every volume has a seed of its own, derived from the recipe, the kind, the subject, the frame and
the draw, so neither the order nor the number of processes changes a byte.
"""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import digest, sha256, whole_folder, write_json
from benchmark.core.lock import folder_lock
from benchmark.core.parallel import check_cancelled, results_or_raise, run_parallel
from benchmark.core.seeding import derive_seed
from benchmark.corrupted_sets.manifest import (
    Manifest,
    VolumeRecord,
    geometry_checksum,
    parameters_of,
    record_recipe,
    software,
    voxel_checksum,
)
from benchmark.corrupted_sets.recipe import Corrupted, Recipe, Spacing, Stack
from benchmark.corrupted_sets.set_folder import refuse_another
from benchmark.data.dataset import Case, Dataset, evaluated_cases, read_case
from benchmark.data.field import centre_field, inside_field, put_back, scale_slices
from benchmark.data.nifti import write_volume
from benchmark.data.prepared import PreparedFrame, read_frame
from benchmark.data.set_names import CLEAN, MadeBy, known_as


@dataclass(frozen=True)
class Made:
    """What `corrupt` did: the sets, their manifest, and how many cases were made anew."""

    datasets: list[Dataset]
    manifest: Manifest
    made: int


def corrupt_slices(
    recipe: Recipe,
    slices: Stack,
    kind: str,
    *,
    seed: int,
    spacing: Spacing,
    parameters: dict[str, Any] | None = None,
) -> Corrupted:
    """The protocol's way of corrupting slices (slices, H, W), section 5.

    The centre field is scaled to [0, 1] slice by slice, corrupted, scaled to [0, 1] again, and put
    back. With ``parameters``, these are applied and nothing is drawn.
    """
    field = slices if recipe.field is None else centre_field(slices, recipe.field)
    corrupted = _apply(recipe, field, kind, seed, spacing, parameters)
    return Corrupted(put_back(scale_slices(corrupted.slices), slices), corrupted.parameters)


def corrupt_in_range(
    recipe: Recipe,
    slices: Stack,
    kind: str,
    *,
    seed: int,
    spacing: Spacing,
    parameters: dict[str, Any] | None = None,
) -> Corrupted:
    """Corrupt slices (slices, H, W) of any intensities; each keeps its range in the field.

    As `corrupt_slices`, but slices smaller than the field are not padded.
    """
    whole = slices.copy()
    field = whole if recipe.field is None else inside_field(whole, recipe.field)
    low = field.min(axis=(-2, -1), keepdims=True)
    span = field.max(axis=(-2, -1), keepdims=True) - low
    corrupted = _apply(recipe, field, kind, seed, spacing, parameters)
    field[:] = low + span * scale_slices(corrupted.slices)
    return Corrupted(whole, corrupted.parameters)


def _apply(
    recipe: Recipe,
    field: Stack,
    kind: str,
    seed: int,
    spacing: Spacing,
    parameters: dict[str, Any] | None,
) -> Corrupted:
    scaled = scale_slices(field)
    if parameters is None:
        return recipe.corrupt(scaled, kind, seed, spacing)
    return Corrupted(recipe.replay(scaled, kind, parameters), parameters)


def volume_seed(recipe: Recipe, seed: int, kind: str, *name: object) -> int:
    """The seed of a volume; the severities of one kind share it, and so their directions."""
    return derive_seed(recipe.seed_name or recipe.name, seed, recipe.family(kind)[0], *name)


def made_by(recipe: Recipe, clean: Dataset) -> MadeBy:
    """What the sets that a recipe makes of a clean one are known by.

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
) -> Made:
    """Corrupt the test subjects of ``clean`` into ``out/<kind>``; what is intact is kept.

    Args:
        clean: the prepared set.
        recipe: what is done.
        out: one folder per kind is made in it, each a prepared set, and a manifest of them all.
        seed: another seed draws other parameters.
        workers: processes.
        replayed: take seeds and parameters from this manifest, and draw nothing.

    Raises:
        CoopbenchError: the set has no test subject, or a file of it cannot be read; or ``out``
            holds another set, or another process is corrupting into it.
    """
    known_by = made_by(recipe, clean)
    evaluated_cases(clean)  # before there is a folder
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
) -> Made:
    cases = evaluated_cases(clean)
    by_kind: dict[str, list[Case]] = {kind: [] for kind in recipe.kinds}
    made = 0
    with run_parallel(
        partial(
            _corrupt_case,
            clean=clean,
            recipe=recipe,
            out=out,
            seed=seed,
            given=parameters_of(replayed),
        ),
        cases,
        title=f"corrupt {clean.title} ({recipe.title})",
        workers=workers,
        preload=[__name__, type(recipe).__module__],
    ) as work:
        for _, result in results_or_raise(work):
            for kind, case, new in result:
                by_kind[kind].append(case)
                made += new
    datasets = [
        _describe(clean, recipe, kind, by_kind[kind], out / kind, seed) for kind in recipe.kinds
    ]
    manifest = _manifest(clean, recipe, seed, datasets)
    for dataset in datasets:
        dataset.write()
    manifest.write(out)
    return Made(datasets, manifest, made)


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


def _corrupt_case(
    case: Case,
    *,
    clean: Dataset,
    recipe: Recipe,
    out: Path,
    seed: int,
    given: dict[str, VolumeRecord],
) -> list[tuple[str, Case, bool]]:
    """Every kind and draw of one case, each with whether it was made anew."""

    @cache
    def volume(frame: str) -> PreparedFrame:
        return read_frame(clean, case, frame)

    # Subjects of two sets may have one number, and are not to have one artefact.
    of = () if clean.name == CLEAN else (clean.name,)
    done = []
    for kind in recipe.kinds:
        root = out / kind
        for draw in range(1, recipe.draws + 1):
            folder = f"{case.folder}/draw{draw}"
            seeds = {
                frame: volume_seed(recipe, seed, kind, *of, case.subject, frame, draw)
                for frame in case.frames
            }
            fixed: dict[str, dict[str, Any]] = {}
            if given:
                records = {f: given.get(f"{kind}/{folder}/{f}_img.nii.gz") for f in case.frames}
                lacking = [frame for frame, record in records.items() if record is None]
                if lacking:
                    raise CoopbenchError(f"the manifest lacks {kind}/{folder}, frame {lacking[0]}")
                for frame, record in records.items():
                    if record and record.source_sha256 != case.files[f"{frame}_img.nii.gz"]:
                        raise CoopbenchError(
                            f"{clean.root / case.folder}: its frame {frame} is not the clean image "
                            "that the set was made from"
                        )
                    if record and record.label_sha256 != case.files[f"{frame}_seg.nii.gz"]:
                        raise CoopbenchError(
                            f"{clean.root / case.folder}: its label of frame {frame} is not that "
                            "of the set"
                        )
                seeds = {f: record.seed for f, record in records.items() if record}
                fixed = {f: record.parameters for f, record in records.items() if record}
            made_from = {
                "files": case.files,
                "recipe": recipe.name,
                "recipe_version": recipe.version,
                "definition": recipe.definition,
                "software": software(recipe),
                "seeds": seeds,
            }
            made_from |= {"clean": clean.name} if of else {}
            before = read_case(root / folder / "case.json")
            if (
                before is not None
                and _is_up_to_date(before, made_from, fixed)
                and before.intact(root)
            ):
                done.append((kind, before, False))
                continue
            check_cancelled()
            parameters, voxels, geometry = {}, {}, {}
            with whole_folder(root / folder) as partial_folder:
                for frame in case.frames:
                    source = volume(frame)
                    try:
                        corrupted = corrupt_slices(
                            recipe,
                            source.image,
                            kind,
                            seed=seeds[frame],
                            spacing=source.spacing,
                            parameters=fixed.get(frame),
                        )
                    except Exception as error:  # of whatever recipe, or parameters of a manifest
                        raise not_applied(clean.root / case.folder, kind, error) from error
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
                    draw=draw,
                    folder=folder,
                    frames=case.frames,
                    files={path.name: sha256(path) for path in sorted(partial_folder.iterdir())},
                    made_from=made_from | drawn | {"digest": digest(drawn)},
                )
                write_json(
                    partial_folder / "case.json", made.model_dump(mode="json"), durable=False
                )
            done.append((kind, made, True))
    return done


def not_applied(path: Path, kind: str, error: Exception) -> CoopbenchError:
    """What to say where a recipe raised ``error``."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return CoopbenchError(f"{path}: {kind} cannot be applied to it ({reason})")


def _is_up_to_date(
    before: Case, made_from: dict[str, Any], fixed: dict[str, dict[str, Any]]
) -> bool:
    """Whether a case that is there was made from the very same things, and its record is whole."""
    there = dict(before.made_from)
    with suppress(KeyError, TypeError):  # under the name that the recipe has today
        today = known_as(there["recipe"], there["recipe_version"])
        there["recipe"], there["recipe_version"] = today
    same = {key: there.get(key) for key in made_from} == made_from
    drawn = {key: there.get(key) for key in ("parameters", "voxels", "geometry")}
    same = same and there.get("digest") == digest(drawn)
    return same and (not fixed or drawn["parameters"] == fixed)
