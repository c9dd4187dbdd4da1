"""The grid of a study: all corruptions, trainings and evaluations as jobs, with their dependencies.

Each job is a function of this package with an argument, so any process on any machine that sees the
same folders can do it. All jobs are idempotent and resumable: if they are done twice, or killed and
done again, they leave the same files.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmark.corrupted_sets.actions import Corrupting, read_clean
from benchmark.corrupted_sets.corrupt_set import made_by
from benchmark.corrupted_sets.manifest import MANIFEST
from benchmark.data.dataset import Dataset, all_datasets, evaluated_cases, read_dataset
from benchmark.evaluation.evaluate import evaluate
from benchmark.evaluation.kept_scores import unscored
from benchmark.runs.code import is_due
from benchmark.runs.run import find_run, open_run
from benchmark.study.job import Job
from benchmark.study.study import Study
from benchmark.study.train_job import TrainingJob, train_run

RECIPE = "acdc-c"
"""The recipe that corrupts a study's test subjects."""


@dataclass(frozen=True)
class _Corruption:
    data: Path
    name: str


@dataclass(frozen=True)
class _Evaluation:
    run: Path
    dataset: Path
    device: str


def make_grid(study: Study) -> list[Job]:
    """Make the jobs of a study, each after those that it needs."""
    data, runs = study.data.resolve(), study.runs.resolve()
    there = {one.root: one for one in all_datasets(data)}
    volumes: dict[Path, int] = {}
    titles: dict[Path, str] = {}
    corrupting: dict[Path, str] = {}
    jobs = []
    for name in study.corrupted:
        job, sets, each = _corruption(data, name, there.keys())
        jobs.append(job)
        titles |= sets
        volumes |= dict.fromkeys(sets, each)
        corrupting |= dict.fromkeys(sets, job.name)
    titles |= {root: test_set.title for root, test_set in there.items()}
    volumes |= {root: _volumes(test_set) for root, test_set in there.items()}
    for config in study.configs:
        run = find_run(runs, config)
        training = TrainingJob(
            runs,
            config,
            study.dataset.root.resolve(),
            study.device.type,
            study.threads,
            study.deterministic,
            study.patience,
            study.keep_state,
            study.on_change,
        )
        due = is_due(run, study.on_change)
        trained = Job(
            f"train {training.name}",
            "train",
            train_run,
            training,
            done=not due,
            method=config.method,
        )
        jobs.append(trained)
        scored = set[Path]()
        if not due:
            missing = unscored(run, [*there.values()], study.device.type)
            left = {one.dataset.root for one in missing}
            scored = there.keys() - left
        for root in sorted(volumes):
            needs = (trained.name, *([corrupting[root]] if root in corrupting else []))
            jobs.append(
                Job(
                    f"evaluate {training.name} on {titles[root]}",
                    "evaluate",
                    _evaluate,
                    _Evaluation(run.folder, root, study.device.type),
                    needs=needs,
                    done=root in scored,
                    volumes=volumes[root],
                )
            )
    return jobs


def _corruption(data: Path, name: str, there: Collection[Path]) -> tuple[Job, dict[Path, str], int]:
    """The job that corrupts a prepared set; the titles of the resulting sets by folder; and the
    number of volumes of each.
    """
    work, clean = Corrupting(RECIPE, 0, workers=0), read_clean(data, name)
    known_by, folder = made_by(work.recipe, clean), work.folder(data, clean)
    sets = {folder / kind: known_by.title(kind) for kind in work.recipe.kinds}
    each = _volumes(clean) * work.recipe.draws
    done = (folder / MANIFEST).is_file() and set(sets) <= set(there)
    job = Job(
        f"corrupt {known_by.group}",
        "corrupt",
        _corrupt,
        _Corruption(data, name),
        done=done,
        volumes=each * len(sets),
    )
    return job, sets, each


def _volumes(dataset: Dataset) -> int:
    return sum(len(case.frames) for case in evaluated_cases(dataset))


def _corrupt(what: _Corruption, workers: int) -> None:
    Corrupting(RECIPE, 0, workers).make_set(what.data, what.name)


def _evaluate(what: _Evaluation, workers: int) -> None:
    evaluate(
        [open_run(what.run)],
        [read_dataset(what.dataset)],
        device=torch.device(what.device),
        workers=workers,
    )
