"""Plan a study: estimate the time and cost of its jobs before they run."""

import heapq
import itertools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tabulate import tabulate

from benchmark.core.device import keep_memory
from benchmark.core.environment import environment
from benchmark.core.errors import CoopbenchError
from benchmark.core.files import read_json
from benchmark.corrupted_sets.corrupt_volume import corrupt_slices
from benchmark.corrupted_sets.recipe import find_recipe
from benchmark.data.dataset import Dataset, evaluated_cases, read_dataset
from benchmark.data.field import FIELD, centre_field
from benchmark.data.prepared import read_frame
from benchmark.evaluation.metrics import score_volume
from benchmark.inference.prediction import predict_field
from benchmark.runs.run import find_runs
from benchmark.speed.floor import wait_for
from benchmark.speed.steps import TOTAL
from benchmark.study.engine import run_grid
from benchmark.study.grid import RECIPE
from benchmark.study.job import Job
from benchmark.study.study import Study
from benchmark.training.learner import Learner, training_slices
from benchmark.training.loop import total_steps

TRIAL_STEPS = 3


@dataclass(frozen=True)
class Estimate:
    """Estimated seconds on this machine, with one process.

    Attributes:
        training: seconds of a whole run, by method.
        evaluation: seconds of a volume.
        corruption: seconds of a volume.
        tried: methods whose step was timed now; the others' times are from recorded runs.
    """

    training: Mapping[str, float]
    evaluation: float
    corruption: float
    tried: tuple[str, ...]

    def seconds(self, job: Job) -> float:
        """The seconds of a job; 0 if it is done."""
        if job.done:
            return 0.0
        if job.kind == "train":
            return self.training[job.method]
        return job.volumes * (self.evaluation if job.kind == "evaluate" else self.corruption)


def methods_to_train(jobs: Sequence[Job]) -> list[str]:
    """The methods of the runs that are not trained yet, by name."""
    return sorted({job.method for job in jobs if job.kind == "train" and not job.done})


def estimate(study: Study, jobs: Sequence[Job], *, advance: Callable[[], None]) -> Estimate:
    """Estimate the time of a study's jobs, from runs of the same kind and short trials.

    Args:
        study: its finished runs, and others of the same method and harness beside them, are
            records.
        jobs: the jobs of the study.
        advance: called after each of the `methods_to_train`.
    """
    torch.set_num_threads(study.threads)
    keep_memory()
    first = study.configs[0]
    recorded = _recorded(study)
    slices = training_slices(first, study.dataset, study.device)
    training, tried = {}, []
    for method in methods_to_train(jobs):
        config = next(one for one in study.configs if one.method == method)
        if method not in recorded:
            tried.append(method)
        step = recorded.get(method) or _try_steps(Learner(config, slices))
        training[method] = step * total_steps(config.training, slices)
        advance()
    clean = read_dataset(study.data / study.corrupted[0])
    return Estimate(
        training=training,
        evaluation=_try_evaluation(Learner(first, slices), clean),
        corruption=_try_corruption(clean),
        tried=tuple(tried),
    )


def _recorded(study: Study) -> dict[str, float]:
    """Seconds per step of finished runs with the same harness on the same hardware, by method."""
    here = environment(study.device)["device_name"]
    found: dict[str, list[float]] = {}
    for run in find_runs(study.runs):
        try:
            record = read_json(run.folder / "environment.json")
            alike = record["device_name"] == here
            alike &= study.device.type == "cuda" or record["threads"] == study.threads
        except (CoopbenchError, KeyError, TypeError):
            continue
        if run.finished and alike and run.config.training == study.configs[0].training:
            found.setdefault(run.config.method, []).append(run.summary().seconds_per_step)
    return {method: statistics.median(seconds) for method, seconds in found.items()}


def _try_steps(learner: Learner) -> float:
    learner.learn(0, TOTAL)
    wait_for(learner.device)
    started = time.perf_counter()
    for step in range(1, TRIAL_STEPS + 1):
        learner.learn(step, TOTAL)
    wait_for(learner.device)
    return (time.perf_counter() - started) / TRIAL_STEPS


def _try_evaluation(learner: Learner, clean: Dataset) -> float:
    case = evaluated_cases(clean)[0]
    for _ in range(2):  # the first pass warms up
        started = time.perf_counter()
        volume = read_frame(clean, case, case.frames[0])
        predict_field(
            learner.network,
            volume.image,
            size=learner.config.training.crop,
            device=learner.device,
            precision=learner.precision,
        )
    label = centre_field(volume.label, FIELD)
    for axis in (1, 2):
        score_volume(np.roll(label, 1, axis=axis), label, volume.spacing)
    return time.perf_counter() - started


def _try_corruption(clean: Dataset) -> float:
    recipe, case = find_recipe(RECIPE), evaluated_cases(clean)[0]
    volume = read_frame(clean, case, case.frames[0])
    started = time.perf_counter()
    for kind in recipe.kinds:
        corrupt_slices(recipe, volume.image, kind, seed=0, spacing=volume.spacing)
    return (time.perf_counter() - started) / len(recipe.kinds)


def makespan(
    jobs: Sequence[Job],
    seconds: Callable[[Job], float],
    workers: int,
    *,
    overhead: float = 0.0,
) -> float:
    """Seconds until all jobs are done, if a free worker takes the first job that is ready.

    Args:
        jobs: the jobs, each after those that it needs.
        seconds: gives the seconds of a job.
        workers: number of workers.
        overhead: seconds that the scheduler needs to assign each job.
    """
    engine = _Clock(seconds, workers, overhead)
    run_grid(jobs, engine, _SilentWatcher())
    return engine.now


class _Clock:
    """An engine that does no work, but adds up the jobs' times."""

    def __init__(self, seconds: Callable[[Job], float], workers: int, overhead: float) -> None:
        self._seconds, self._workers, self._overhead = seconds, workers, overhead
        self._running: list[tuple[float, int, Job]] = []
        self._begun = itertools.count()
        self.now = self._handed_out = 0.0

    def has_room(self, job: Job) -> bool:
        return len(self._running) < self._workers

    def begin(self, job: Job) -> None:
        self._handed_out = max(self._handed_out, self.now) + self._overhead
        end = self._handed_out + self._seconds(job)
        heapq.heappush(self._running, (end, next(self._begun), job))

    def ended(self) -> list[tuple[Job, Exception | None]]:
        self.now, _, job = heapq.heappop(self._running)
        return [(job, None)]


class _SilentWatcher:
    """A watcher that ignores all progress."""

    def ended(self, job: Job, fault: CoopbenchError | None, lost: Sequence[Job]) -> None:
        pass


def describe_plan(
    jobs: Sequence[Job], found: Estimate, *, workers: int, worker: str, price: float | None
) -> str:
    """Describe the jobs, their time and cost as text.

    Args:
        jobs: the jobs of the study.
        found: the estimate of their times.
        workers: number of workers.
        worker: what a worker is, as "a core".
        price: price of a worker's hour, in any currency.
    """
    groups: dict[str, list[Job]] = {}
    for job in jobs:
        groups.setdefault(f"{job.kind} {job.method}".strip(), []).append(job)
    rows, total = [], 0.0
    for name, members in groups.items():
        todo = [job for job in members if not job.done]
        taken = sum(map(found.seconds, todo))
        total += taken
        each = _duration(taken / len(todo)) if todo else ""
        rows.append((name, len(members), len(members) - len(todo), each, _duration(taken)))
    headers = ["job", "number", "done", "each", "together"]
    table = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
    hours = total / 3600
    lines = [
        table,
        "",
        f"{hours:.2f} hours of one worker ({worker}); on {workers} about "
        f"{_duration(makespan(jobs, found.seconds, workers))}.",
    ]
    if price is not None:
        lines.append(f"At {price:g} an hour of {worker}: {hours * price:.2f}.")
    basis = "finished runs with the same settings on this machine"
    if found.tried:
        basis = f"trials of {TRIAL_STEPS} steps just now ({', '.join(found.tried)}), else {basis}"
    lines.append(f"Training is estimated by {basis}; the rest by trials on a volume.")
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
