"""The definition of a study."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmark.data.dataset import Dataset
from benchmark.data.set_names import CLEAN
from benchmark.runs.code import OnChange
from benchmark.runs.config import RunConfig


@dataclass(frozen=True)
class Study:
    """The runs of a study, and how they are trained and scored.

    Attributes:
        configs: configurations of its runs.
        dataset: the set to train on.
        data: the folder of prepared sets; runs are scored on all of them, corrupted ones included.
        runs: the folder of runs.
        device: where networks compute.
        threads: threads of a training. Sums depend on their number, so a resumed study must use the
            same.
        deterministic: as in `benchmark.training.loop.Trainer`.
        corrupted: names of the prepared sets whose test subjects are corrupted.
        keep_state: keep the state of finished runs, to train them further, as in `Trainer`.
        on_change: what to do with runs trained by an earlier version of their method's code.
        patience: seconds to wait for another process to release a run.
    """

    configs: Sequence[RunConfig]
    dataset: Dataset
    data: Path
    runs: Path
    device: torch.device
    threads: int
    deterministic: bool
    corrupted: tuple[str, ...] = (CLEAN,)
    keep_state: bool = True
    on_change: OnChange = "refuse"
    patience: float = 0.0
