"""Many runs: train what is not trained yet, several at once."""

import traceback
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmark.core.errors import CoopbenchError
from benchmark.core.parallel import run_parallel, tell
from benchmark.core.progress import make_progress
from benchmark.core.streams import say
from benchmark.data.dataset import read_dataset
from benchmark.runs.code import OnChange, is_due
from benchmark.runs.config import RunConfig
from benchmark.runs.own_run import own_run
from benchmark.runs.run import find_run
from benchmark.study.study import Study
from benchmark.training.loop import Trainer


@dataclass(frozen=True)
class TrainingJob:
    """A run to be trained, by whatever process."""

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


def train_all(study: Study, *, jobs: int) -> None:
    """Train each run in a folder of its own, ``jobs`` at once; finished ones are kept as they are.

    Raises:
        CoopbenchError: one or more runs failed, or are being trained by another process; the others
            are finished.
        KeyboardInterrupt: after every running one has saved its state.
    """
    runs = study.runs
    todo = [
        run for config in study.configs if is_due(run := find_run(runs, config), study.on_change)
    ]
    faults, details = [], []
    with make_progress() as progress:
        tasks = {
            run.folder.name: progress.add_task(run.folder.name, total=None, note="waiting")
            for run in todo
        }

        def show(message: tuple[str, int, int, str]) -> None:
            name, step, total, line = message
            progress.update(tasks[name], completed=step, total=total, note=line)

        with run_parallel(
            train_one,
            [
                TrainingJob(
                    runs,
                    run.config,
                    study.dataset.root,
                    study.device.type,
                    study.threads,
                    study.deterministic,
                    keep_state=study.keep_state,
                    on_change=study.on_change,
                )
                for run in todo
            ],
            title="train",
            workers=jobs,
            preload=[__name__],
            listen=show,
        ) as work:
            for job, result in work:
                if isinstance(result, CoopbenchError):
                    faults += result.lines
                    details.append(result.details)
                elif isinstance(result, Exception):
                    faults.append(f"{runs / job.config.folder}: {type(result).__name__}: {result}")
                    details.append("".join(traceback.format_exception(result)))
                elif progress.disable:
                    say(f"trained {runs / job.config.folder}")
    if faults:
        raise CoopbenchError(*faults, details="\n".join(filter(None, details)))


def train_one(job: TrainingJob) -> None:
    """Train a run, or go on with it; it tells how far it is (see `benchmark.core.parallel.tell`).

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
