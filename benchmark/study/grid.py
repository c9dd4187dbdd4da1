"""The grid of a study: what has to be corrupted, trained and scored, as jobs that know their needs.

Each job is a function of this package and its argument, so that any process on any machine that
sees the same folders can do it. All are idempotent and resumable: done twice, or killed in the
middle and done again, they leave the same files.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from benchmark.config import RunConfig
from benchmark.corrupting import Corrupting
from benchmark.data.dataset import Dataset, evaluated_cases, read_dataset
from benchmark.evaluation import evaluate, is_scored
from benchmark.manifest import MANIFEST
from benchmark.run import find_run, open_run
from benchmark.selection import all_datasets
from benchmark.study.training import TrainingJob, train_one

RECIPE = "acdc-c"
"""What the test subjects of a study are corrupted by."""

PATIENCE = 180.0
"""Seconds that a worker given up by its cluster may take to let go of the run it was training."""

Kind = Literal["corrupt", "train", "evaluate"]


@dataclass(frozen=True)
class Job:
    """A part of a study.

    Attributes:
        name: unlike any other's.
        kind: what is done.
        work: a function of a module, called with ``argument``.
        argument: what it is done to; it can be pickled.
        needs: the names of the jobs that must be done before.
        done: nothing is left to do, as far as can be seen without reading volumes.
        method: of a run, for the estimate of its time.
        volumes: how many are corrupted or scored, likewise.
    """

    name: str
    kind: Kind
    work: Callable[[Any], None]
    argument: Any
    needs: tuple[str, ...] = ()
    done: bool = False
    method: str = ""
    volumes: int = 0

    @property
    def due(self) -> bool:
        """Whether a study does it: a corrupted set is read and checked even where it is there."""
        return self.kind == "corrupt" or not self.done


@dataclass(frozen=True)
class _Evaluation:
    run: Path
    dataset: Path
    device: str


def make_grid(
    configs: Sequence[RunConfig],
    dataset: Dataset,
    data: Path,
    runs: Path,
    *,
    device: torch.device,
    threads: int,
    deterministic: bool,
) -> list[Job]:
    """The jobs of a study, each after those that it needs.

    Args:
        configs: what is trained.
        dataset: what it is trained on.
        data: the folder of prepared sets; runs are scored on all of them, corrupted ones included.
        runs: the folder of runs.
        device: where networks compute.
        threads: of a training.
        deterministic: as `benchmark.training.Trainer` has it.
    """
    data, runs = data.resolve(), runs.resolve()
    made = Corrupting(RECIPE, 0, workers=0)
    there = {one.root: one for one in all_datasets(data)}
    clean = read_dataset(data / "acdc")
    corrupted = {data / RECIPE / kind for kind in made.recipe.kinds}
    tests = len(evaluated_cases(clean)) * len(clean.cases[0].frames) if clean.cases else 0
    jobs = [
        Job(
            f"corrupt {RECIPE}",
            "corrupt",
            _corrupt,
            data,
            done=(data / RECIPE / MANIFEST).is_file() and corrupted <= there.keys(),
            volumes=tests * made.recipe.draws * len(corrupted),
        )
    ]
    for config in configs:
        run = find_run(runs, config)
        training = TrainingJob(
            runs, config, dataset.root.resolve(), device.type, threads, deterministic, PATIENCE
        )
        trained = Job(
            f"train {training.name}",
            "train",
            train_one,
            training,
            done=run.finished,
            method=config.method,
        )
        jobs.append(trained)
        for root in sorted(there.keys() | corrupted):
            needs = (trained.name, *([jobs[0].name] if root in corrupted else []))
            test_set = there.get(root)
            jobs.append(
                Job(
                    f"evaluate {training.name} on {root.name}",
                    "evaluate",
                    _evaluate,
                    _Evaluation(run.folder, root, device.type),
                    needs=needs,
                    done=run.finished and test_set is not None and is_scored(run, test_set, device),
                    volumes=(
                        tests * made.recipe.draws
                        if test_set is None
                        else sum(len(case.frames) for case in evaluated_cases(test_set))
                    ),
                )
            )
    return jobs


def _corrupt(data: Path) -> None:
    Corrupting(RECIPE, 0, workers=0).make_set(data / "acdc", data / RECIPE)


def _evaluate(what: _Evaluation) -> None:
    evaluate(
        [open_run(what.run)],
        [read_dataset(what.dataset)],
        device=torch.device(what.device),
        workers=0,
    )
