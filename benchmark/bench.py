"""Seconds per training step of each method, measured side by side in one process."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from benchmark.config import RunConfig
from benchmark.data.dataset import Dataset
from benchmark.data.slices import TrainingSlices
from benchmark.learner import Learner

TOTAL = 10**6
"""Steps of the training that the measured ones begin."""


class _Subject:
    """A network in training under one configuration."""

    def __init__(self, config: RunConfig, slices: TrainingSlices) -> None:
        self.learner = Learner(config, slices)
        self.step = 0

    def train(self, steps: int) -> float:
        """Seconds per step over the next ``steps`` steps, batches included."""
        self._wait()
        started = time.perf_counter()
        for _ in range(steps):
            self.learner.learn(self.step, total=TOTAL)
            self.step += 1
        self._wait()
        return (time.perf_counter() - started) / steps

    def _wait(self) -> None:
        if self.learner.device.type == "cuda":
            torch.cuda.synchronize(self.learner.device)


@dataclass
class StepTimes:
    """Seconds per step of a method, one number per round, rounds in one order for all methods."""

    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median over the rounds."""
        return statistics.median(self.seconds)

    def relative_to(self, other: "StepTimes") -> tuple[float, float, float]:
        """Median, least and greatest ratio to another method's time in the same round."""
        ratios = [a / b for a, b in zip(self.seconds, other.seconds, strict=True)]
        return statistics.median(ratios), min(ratios), max(ratios)


def time_steps(
    configs: Sequence[RunConfig],
    dataset: Dataset,
    device: torch.device,
    *,
    rounds: int,
    steps: int,
    advance: Callable[[], None],
) -> dict[str, StepTimes]:
    """Time the training step of each configuration, by name.

    The methods take turns within each round, so that what else the machine does meets all of them.
    A first round, which is not counted, warms up.

    Args:
        configs: one for each method, all with the same data and harness.
        dataset: what they are trained on.
        device: where to.
        rounds: how many times each method has its turn.
        steps: of a turn; methods that draw what they do per batch differ from step to step.
        advance: called after every round.
    """
    data, crop = configs[0].data, configs[0].training.crop
    cases = dataset.of_subjects(data.train)
    slices = TrainingSlices(dataset, cases, crop=crop, device=device)
    subjects = {config.name: _Subject(config, slices) for config in configs}
    times = {name: StepTimes() for name in subjects}
    for subject in subjects.values():
        subject.train(min(2, steps))
    for _ in range(rounds):
        for name, subject in subjects.items():
            times[name].seconds.append(subject.train(steps))
        advance()
    return times
