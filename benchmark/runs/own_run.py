"""A run for one process alone, to be trained."""

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
    """The same run for this process alone, to be trained, with its configuration written.

    What a run left that never came to a checkpoint is nothing to go on from, and is replaced.

    Args:
        runs: the folder of runs.
        config: the run's.
        patience: seconds that another process may take to end its work on it.
        on_change: what to do where other code of the method has trained it so far.

    Raises:
        CoopbenchError: as `find_run`; or another process is training it; or other code has
            trained it, which ``on_change`` refuses.
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
            run.resume.unlink(missing_ok=True)  # where it was killed in between
        elif not run.begun:
            write_json(folder / "config.json", config.model_dump(mode="json"))
            write_code(run)
        try:
            yield run
        except OSError as error:  # of the log or the events, which are written bit by bit
            # TensorBoard's writer gives names as bytes.
            place = None if error.filename is None else Path(os.fsdecode(error.filename))
            if place is not None and not place.is_relative_to(folder):
                raise
            if not (folder / "config.json").is_file():
                raise removed_meanwhile(folder) from error
            raise CoopbenchError(
                f"{folder}: cannot be written into ({error.strerror or error}); the last saved "
                "state is kept, so the same command goes on with it once this is mended"
            ) from error


def _forget(run: Run) -> None:
    """Delete what the training of a run has left; the record of its code last.

    Killed in between, it is still known to be of other code.
    """
    run.done.unlink(missing_ok=True)
    for name in ("tensorboard", "scores"):
        shutil.rmtree(run.folder / name, ignore_errors=True)
    others = [run.folder / name for name in ("environment.json", "log.txt", "last.safetensors")]
    for path in (run.weights, run.resume, run.exported, run.history, *others, run.code):
        path.unlink(missing_ok=True)
