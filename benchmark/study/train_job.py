"""A run of a study, trained by whatever process."""

from dataclasses import dataclass
from pathlib import Path

import torch

from benchmark.core.messages import tell
from benchmark.data.dataset import read_dataset
from benchmark.runs.code import OnChange
from benchmark.runs.config import RunConfig
from benchmark.runs.own_run import own_run
from benchmark.training.loop import Trainer


@dataclass(frozen=True)
class TrainingJob:
    """A run to be trained."""

    runs: Path
    config: RunConfig
    dataset: Path
    device: str
    threads: int
    deterministic: bool
    patience: float = 0.0
    """Seconds that another process may take to end its work on the run."""
    keep_state: bool = True
    on_change: OnChange = "refuse"
    """What is done where other code of the method has trained it so far."""

    @property
    def name(self) -> str:
        """The run's, among those of its group."""
        return Path(self.config.folder).name


def train_run(job: TrainingJob, workers: int = 0) -> None:
    """Train a run, or go on with it; it tells how far it is (see `benchmark.core.messages.tell`).

    Args:
        job: the run.
        workers: none are started.

    Raises:
        CoopbenchError: the run failed, or is being trained by another process.
    """
    torch.set_num_threads(job.threads)
    with own_run(job.runs, job.config, patience=job.patience, on_change=job.on_change) as run:
        if run.finished:  # by another process, while this one waited for its turn
            return
        dataset, device = read_dataset(job.dataset), torch.device(job.device)
        trainer = Trainer(
            run, dataset, device, deterministic=job.deterministic, keep_state=job.keep_state
        )
        trainer.train(lambda step, total, line: tell((job.name, step, total, line)))
    if device.type == "cuda":  # the process may score next, beside another that trains
        del trainer
        torch.cuda.empty_cache()
