"""Time an evaluation in volumes per second: ours, and plain code, slice by slice in float32."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.core.device import find_precision, on_device
from benchmark.core.seeding import derive_seed
from benchmark.data.dataset import Dataset, evaluated_cases
from benchmark.data.field import FIELD, centre_field
from benchmark.data.prepared import read_frame
from benchmark.evaluation.metrics import score_volume
from benchmark.inference.prediction import predict_field
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.runs.config import RunConfig
from benchmark.speed.floor import Machine, Work, best_of, measure_machine, measure_work, wait_for
from benchmark.speed.plain import plain_network, plain_prediction


@dataclass
class EvaluationTimes:
    """Seconds for a set, one number per round.

    Attributes:
        ours: seconds of the harness's prediction.
        plain: seconds of the plain prediction.
        scoring: seconds of reading and scoring, which both need.
        volumes: number of volumes.
        work: operations and bytes of the prediction.
    """

    ours: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    scoring: list[float] = field(default_factory=list)
    volumes: int = 0
    work: Work = field(default_factory=lambda: Work(0, 0))

    @property
    def speed_up(self) -> list[float]:
        """The plain time over ours, in each round."""
        return [a / b for a, b in zip(self.plain, self.ours, strict=True)]


def time_evaluation(
    config: RunConfig,
    dataset: Dataset,
    device: torch.device,
    *,
    rounds: int,
    advance: Callable[[], None],
) -> tuple[EvaluationTimes, Machine]:
    """Time the evaluation of the test subjects of ``dataset`` by one process.

    The network is untrained. Instead of its predictions, labels moved by a pixel are scored, since
    the time of distances depends on the shapes.

    Returns:
        The times, and the machine's speed in the network's precision.
    """
    precision = find_precision(config.training.precision, device)
    seed, size = derive_seed(config.seed, "weights"), config.training.crop
    network = on_device(DualThinkingNetwork(seed), device)
    plain = plain_network(seed).to(device)
    frames = [(case, frame) for case in evaluated_cases(dataset) for frame in case.frames]
    images = [read_frame(dataset, case, frame).image for case, frame in frames]

    def ours() -> None:
        for image in images:
            predict_field(network, image, size=size, device=device, precision=precision)

    def plainly() -> None:
        for image in images:
            plain_prediction(plain, image, size=size, device=device)

    def scoring() -> None:
        for case, frame in frames:
            volume = read_frame(dataset, case, frame)
            label = centre_field(volume.label, FIELD)
            for moved in _moved(label):
                score_volume(moved, label, volume.spacing)

    times = EvaluationTimes(volumes=len(frames), work=measure_work(ours))
    seen = [measure_machine(device, precision)]
    for _ in range(rounds):
        for kind, seconds in ((ours, times.ours), (plainly, times.plain), (scoring, times.scoring)):
            wait_for(device)
            started = time.perf_counter()
            kind()
            wait_for(device)
            seconds.append(time.perf_counter() - started)
        advance()
        seen.append(measure_machine(device, precision))
    return times, best_of(seen)


def _moved(label: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Two label maps that a network might give for ``label``: FTN's and FTN+STN's."""
    return [np.roll(label, 1, axis=1), np.roll(label, 1, axis=2)]
