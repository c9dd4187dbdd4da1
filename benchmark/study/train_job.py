"""Train a run of a study, in any process."""

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
    """A run to train."""

    runs: Path
    config: RunConfig
    dataset: Path
    device: str
    threads: int
    deterministic: bool
    patience: float = 0.0
    """Seconds to wait for another process to end its work on the run."""
    keep_state: bool = True
    on_change: OnChange = "refuse"
    """What to do if an earlier version of the method's code has trained the run so far."""

    @property
    def name(self) -> str:
        """The run's name within its group."""
        return Path(self.config.folder).name


def train_run(job: TrainingJob, workers: int = 0) -> None:
    """Train or resume a run; reports its progress by `benchmark.core.messages.tell`.

    Args:
        job: the run.
        workers: not used; no processes are started.

    Raises:
        CoopbenchError: the run failed, or is being trained by another process.
    """
    torch.set_num_threads(job.threads)
    with own_run(job.runs, job.config, patience=job.patience, on_change=job.on_change) as run:
        if run.finished:  # another process has trained it, while this one waited
            return
        dataset, device = read_dataset(job.dataset), torch.device(job.device)
        trainer = Trainer(
            run, dataset, device, deterministic=job.deterministic, keep_state=job.keep_state
        )
        trainer.train(lambda step, total, line: tell((job.name, step, total, line)))
    if device.type == "cuda":  # the process may score next, while another one trains
        del trainer
        torch.cuda.empty_cache()
