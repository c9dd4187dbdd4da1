"""Time the training step of each method: ours, and plain code with the same mathematics."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from benchmark.core.device import find_precision, keep_memory
from benchmark.core.errors import CoopbenchError
from benchmark.core.workers import process_context
from benchmark.data.dataset import Dataset, read_dataset
from benchmark.runs.config import RunConfig
from benchmark.speed import floor
from benchmark.speed.floor import Machine, Work, best_of, measure_machine, measure_work, wait_for
from benchmark.speed.plain import PlainLearner
from benchmark.training.learner import Learner, training_slices

TOTAL = 10**6
"""Length of the training whose first steps are measured."""
WARM_UP = 2
PRELOAD = (__name__, "torch._dynamo")
"""Modules to preload in processes that train; the first optimiser would import the second."""
COUNTED = 6
"""Number of steps to count operations in; steps of methods with random choices differ."""


@dataclass
class StepTimes:
    """Seconds per step of a method, one number per round, and the work of a step.

    Attributes:
        ours: seconds in the harness.
        plain: seconds of plain code, in the same rounds; empty if not measured.
        reference: seconds of the reference method in the harness, in the same rounds.
        work: operations and bytes of a step, the mean over several steps.
    """

    ours: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    reference: list[float] = field(default_factory=list)
    work: Work = field(default_factory=lambda: Work(0, 0))

    @property
    def median(self) -> float:
        """Our median over the rounds."""
        return statistics.median(self.ours)

    @property
    def relative(self) -> list[float]:
        """Our time over the reference method's, in each round."""
        return [a / b for a, b in zip(self.ours, self.reference, strict=True)]

    @property
    def speed_up(self) -> list[float]:
        """The plain time over ours, in each round."""
        return [a / b for a, b in zip(self.plain, self.ours, strict=True)] if self.plain else []


@dataclass(frozen=True)
class _Task:
    """A network to train in a process of its own."""

    config: RunConfig
    dataset: Path
    device: str
    plain: bool


def time_steps(
    configs: Sequence[RunConfig],
    dataset: Dataset,
    device: torch.device,
    *,
    rounds: int,
    steps: int,
    plain: bool,
    advance: Callable[[], None],
) -> tuple[dict[str, StepTimes], Machine]:
    """Time the training step of each configuration, by name.

    The harness and the plain code have a process each, since the harness keeps freed memory, and
    the plain code does not. They take turns in every round, so that other work on the machine
    affects both. The first steps are not counted, to warm up.

    Args:
        configs: one for each method, all with the same data and harness; the first one is the
            reference.
        dataset: the set to train on.
        device: the device to train on.
        rounds: number of turns of each.
        steps: steps of a turn; steps of methods with random choices differ.
        plain: whether to measure the plain code too.
        advance: called after every round of a method.

    Returns:
        The times by name, and the machine's speed in the networks' precision.
    """
    times = {}
    with _side(_Task(configs[0], dataset.root, device.type, plain=False)) as reference:
        seen: list[Machine] = []
        for config in configs:
            seen.append(reference("machine", floor.REPEATS))
            times[config.name] = taken = StepTimes()
            task = _Task(config, dataset.root, device.type, plain=False)
            with ExitStack() as sides:
                first = config is configs[0]
                ours = reference if first else sides.enter_context(_side(task))
                if plain:
                    plainly = sides.enter_context(_side(_Task(**{**vars(task), "plain": True})))
                taken.work = ours("work", COUNTED)
                for _ in range(rounds):
                    taken.ours.append(ours("train", steps))
                    taken.reference.append(taken.ours[-1] if first else reference("train", steps))
                    if plain:
                        taken.plain.append(plainly("train", steps))
                    advance()
    return times, best_of(seen)


@contextmanager
def _side(task: _Task) -> Iterator[Callable[[str, int], Any]]:
    """Start a task; yields a function that sends it a request and returns the answer."""
    context = process_context(PRELOAD)
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, task), daemon=True)
    process.start()
    there.close()

    def ask(what: str, times: int) -> Any:
        try:
            here.send((what, times))
            answer = here.recv()
        except (EOFError, ConnectionError) as error:
            raise CoopbenchError(
                f"{task.config.name}: its process ended, perhaps from a lack of memory; "
                "a smaller --set batch=… needs less"
            ) from error
        if isinstance(answer, Exception):
            raise answer
        return answer

    try:
        ask("train", WARM_UP)
        yield ask
    finally:
        here.close()
        process.join(timeout=10)
        process.kill()


def _serve(line: Connection, task: _Task) -> None:
    try:
        learner, device = _learner(task), torch.device(task.device)
        step = 0
        while True:
            what, times = line.recv()
            wait_for(device)
            started = time.perf_counter()
            if what == "machine":
                precision = find_precision(task.config.training.precision, device)
                line.send(measure_machine(device, precision, repeats=times))
                continue
            if what == "work":
                work = measure_work(partial(_take_first_steps, learner, times))
                line.send(Work(work.products / times, work.traffic / times))
                continue
            for _ in range(times):
                learner.learn(step, TOTAL)
                step += 1
            wait_for(device)
            line.send((time.perf_counter() - started) / times)
    except (EOFError, ConnectionError, KeyboardInterrupt):
        return  # the parent needs no more answers
    except Exception as error:
        line.send(CoopbenchError(f"{task.config.name}: {type(error).__name__}: {error}"))


def _take_first_steps(learner: Learner | PlainLearner, count: int) -> None:
    for step in range(count):
        learner.learn(step, TOTAL)


def _learner(task: _Task) -> Learner | PlainLearner:
    device, config = torch.device(task.device), task.config
    slices = training_slices(config, read_dataset(task.dataset), device)
    if task.plain:
        return PlainLearner(config, slices)
    keep_memory()
    return Learner(config, slices)
