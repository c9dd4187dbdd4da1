"""What a study is asked to do."""

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
        configs: of its runs.
        dataset: what they are trained on.
        data: the folder of prepared sets; runs are scored on all of them, corrupted ones included.
        runs: the folder of runs.
        device: where networks compute.
        threads: of a training. Sums depend on them, so that a resumed study has to have as many.
        deterministic: as `benchmark.training.loop.Trainer` has it.
        corrupted: names of the prepared sets whose test subjects are corrupted.
        keep_state: of finished runs, to train them further, as `Trainer` has it.
        on_change: what is done with runs that other code of their method has trained.
        patience: seconds that another process may take to let go of a run.
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
