"""Export runs without their weights: the record of their numbers, for other groups."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import whole_folder, write_json
from benchmark.runs.run import CODE, Exported, Run

PARTS = ("config.json", "environment.json", "log.txt", "history.csv", "done.json")
"""Files that every finished run has."""


def copy_record(run: Run, target: Path) -> None:
    """Copy the record of a run and of its code, where it exists; no weights."""
    for name in (*PARTS, *([CODE] if run.code.is_file() else [])):
        shutil.copyfile(run.folder / name, target / name)


def export(runs: Sequence[Run], out: Path) -> list[Path]:
    """Copy finished runs to ``out``, as ``<group>/<run>``, without weights, states and events.

    Reports accept the copies like runs, and studies count them as done. Only predictions and
    pictures cannot be made from copies, since they need weights. Existing copies are replaced.

    Raises:
        CoopbenchError: a run is unfinished or lacks a file, or the copy would replace a run with
            weights.
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
