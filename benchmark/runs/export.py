"""Runs without their weights: how their numbers came about, for others to see and build on."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import whole_folder, write_json
from benchmark.runs.run import CODE, Exported, Run

PARTS = ("config.json", "environment.json", "log.txt", "history.csv", "done.json")
"""What every finished run has."""


def copy_record(run: Run, target: Path) -> None:
    """Copy how a run was made, and by which code, where that was recorded; no weights."""
    for name in (*PARTS, *([CODE] if run.code.is_file() else [])):
        shutil.copyfile(run.folder / name, target / name)


def export(runs: Sequence[Run], out: Path) -> list[Path]:
    """Copy finished runs to ``out``, as ``<group>/<run>``, without weights, states and events.

    A report takes the copies as it takes the runs, and a study as done; only what needs weights,
    predictions and pictures, cannot be made from them. A copy that is there is replaced.

    Raises:
        CoopbenchError: a run is unfinished or lacks a file, or one with weights would be replaced
            by a copy.
    """
    made = []
    for run in runs:
        target = out / run.config.folder
        if not run.finished:
            raise CoopbenchError(f"{run.folder}: its training is not finished")
        if any(target.glob("*.safetensors")):
            raise CoopbenchError(f"{target}: holds a run with weights; export to another folder")
        for path in (run.folder / name for name in PARTS):
            if not path.is_file():
                raise CoopbenchError(
                    f"{path}: does not exist; train the run again, or leave it out"
                )
        about = Exported(weights=run.weights_checksum())
        with whole_folder(target) as partial:
            copy_record(run, partial)
            (partial / "scores").mkdir()
            for path in sorted((run.folder / "scores").glob("[!.]*")):
                shutil.copyfile(path, partial / "scores" / path.name)
            write_json(partial / run.exported.name, about.model_dump())
        made.append(target)
    return made
