"""Lock a run for one process that trains it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import removed_meanwhile, write_json
from benchmark.core.lock import folder_lock
from benchmark.runs.code import OnChange, changed_code, mark_mixed, refuse_changed, write_code
from benchmark.runs.config import RunConfig
from benchmark.runs.run import Run, find_run


@contextmanager
def own_run(
    runs: Path, config: RunConfig, *, patience: float = 0.0, on_change: OnChange = "refuse"
) -> Iterator[Run]:
    """Context in which only this process trains the run; its configuration is written.

    Files of a run that never came to a checkpoint are replaced, since it cannot be resumed.

    Args:
        runs: the folder of runs.
        config: the run's configuration.
        patience: seconds to wait for another process to end its work on the run.
        on_change: what to do if an earlier version of the method's code has trained the run so far.

    Raises:
        CoopbenchError: as `find_run`; or another process is training the run; or other code has
            trained it, and ``on_change`` refuses that.
    """
    folder = runs / config.folder
    with folder_lock(folder, "training", patience=patience, deep=False):
        run = find_run(runs, config)
        if run.begun and on_change == "refuse":
            refuse_changed([run])
        if run.begun and on_change == "retrain" and changed_code(run):
            _forget(run)
        elif run.begun and not run.finished and changed_code(run):
            mark_mixed(run)
        if run.finished and not config.training.can_go_on:
            run.resume.unlink(missing_ok=True)  # left if a process was killed in between
        elif not run.begun:
            write_json(folder / "config.json", config.model_dump(mode="json"))
            write_code(run)
        try:
            yield run
        except OSError as error:  # from the log or the events, which grow during training
            # TensorBoard's writer gives names as bytes.
            place = None if error.filename is None else Path(os.fsdecode(error.filename))
            if place is not None and not place.is_relative_to(folder):
                raise
            if not (folder / "config.json").is_file():
                raise removed_meanwhile(folder) from error
            raise CoopbenchError(
                f"{folder}: cannot write into it ({error.strerror or error}); the last saved "
                "state is kept; correct this, then run the same command to continue"
            ) from error


def _forget(run: Run) -> None:
    """Delete the files that the training of a run has left; the record of its code last.

    If killed in between, the run is still known to be of other code.
    """
    run.done.unlink(missing_ok=True)
    for name in ("tensorboard", "scores"):
        shutil.rmtree(run.folder / name, ignore_errors=True)
    others = [run.folder / name for name in ("environment.json", "log.txt", "last.safetensors")]
    for path in (run.weights, run.resume, run.exported, run.history, *others, run.code):
        path.unlink(missing_ok=True)
