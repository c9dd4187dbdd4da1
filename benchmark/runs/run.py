"""A run's folder, and what lies where in it.

RUNS/acdc-compact/proposed-r0-s40/
    config.json            everything that its numbers depend on
    code.json              the method's package, version and checksums of its source files
    environment.json       versions, commit, hardware, precision
    log.txt                what happened, with times
    history.csv            losses, learning rate and validation score over the steps
    tensorboard/           the same as TensorBoard events
    resume.safetensors     all that is needed to go on; once finished, kept where that may be asked
    weights.safetensors    the checkpoint with the best validation score
    last.safetensors       the last step's weights
    done.json              written last: the run is finished
    scores/                per test set, by `coopbench evaluate`
    exported.json          in the place of weights, by `coopbench export`: their checksum
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import sha256
from benchmark.data.dataset import read_record
from benchmark.runs.config import RunConfig

WEIGHTS = "weights.safetensors"
RESUME = "resume.safetensors"
EXPORTED = "exported.json"
CODE = "code.json"
LENGTH = {"training.steps", "training.epochs", "training.max_steps"}
"""Settings that say how long a run is trained."""


class Summary(BaseModel):
    """The content of ``done.json``."""

    steps: int
    best_step: int
    best_validation_iou: float
    seconds: float
    seconds_per_step: float
    deterministic: bool = False
    """Whether the same command gives the same bytes again, on the same machine."""


class Exported(BaseModel):
    """The content of ``exported.json``."""

    format: Literal["coopbench-exported-1"] = "coopbench-exported-1"
    weights: str
    """Checksum of the weights that the scores are of (SHA-256)."""


@dataclass(frozen=True)
class Run:
    """A run's folder and its configuration."""

    folder: Path
    config: RunConfig
    prolonged: bool = False
    """What lies there was trained for another length, and can go on to this one."""

    @property
    def weights(self) -> Path:
        """The checkpoint with the best validation score."""
        return self.folder / WEIGHTS

    @property
    def resume(self) -> Path:
        """What an unfinished run goes on from."""
        return self.folder / RESUME

    @property
    def history(self) -> Path:
        """Losses, learning rate and validation score over the steps."""
        return self.folder / "history.csv"

    @property
    def done(self) -> Path:
        """The mark of a finished run, and its summary."""
        return self.folder / "done.json"

    @property
    def code(self) -> Path:
        """Which code of the method it is trained by (`benchmark.runs.code`)."""
        return self.folder / CODE

    @property
    def begun(self) -> bool:
        """Whether there is anything to go on from, or to keep."""
        return any((self.folder / name).is_file() for name in (RESUME, WEIGHTS, EXPORTED))

    @property
    def finished(self) -> bool:
        """Whether training has come to its end, and its weights are there or were exported."""
        there = self.weights.is_file() or self.exported.is_file()
        return self.done.is_file() and there and not self.prolonged

    @property
    def exported(self) -> Path:
        """What stands in the place of weights where the run was exported."""
        return self.folder / EXPORTED

    def weights_checksum(self) -> str:
        """Of the weights, be they here or where the run was exported.

        Raises:
            CoopbenchError: ``exported.json`` is broken.
        """
        if self.weights.is_file():
            return sha256(self.weights)
        return read_record(self.exported, Exported).weights

    def summary(self) -> Summary:
        """How the training went.

        Raises:
            CoopbenchError: ``done.json`` is broken.
        """
        return read_record(self.done, Summary)


def open_run(folder: Path) -> Run:
    """The run in ``folder``.

    Raises:
        CoopbenchError: there is none, or its ``config.json`` is not valid.
    """
    if not (folder / "config.json").is_file():
        raise CoopbenchError(f"{folder}: holds no run (no config.json); give a folder of 'train'")
    return Run(folder, read_record(folder / "config.json", RunConfig))


def find_run(runs: Path, config: RunConfig) -> Run:
    """The run of a configuration, begun or not; nothing is written.

    Raises:
        CoopbenchError: the folder holds a run of another configuration, the differences are named;
            or one of another length that cannot go on to this one, and why.
    """
    folder = runs / config.folder
    if not Run(folder, config).begun:
        return Run(folder, config)
    there, here = (one.model_dump(mode="json") for one in (open_run(folder).config, config))
    differences = _differences(there, here)
    if not differences:
        return Run(folder, config)
    said = "; ".join(differences.values())
    way_out = "give this one a --name, or another --runs folder"
    if not differences.keys() <= LENGTH:
        raise CoopbenchError(f"{folder}: was made by another configuration ({said}); {way_out}")
    if not config.training.can_go_on:
        raise CoopbenchError(
            f"{folder}: was trained for another length ({said}), which shaped every learning rate "
            f"of its {config.training.schedule} schedule, so it cannot go on; {way_out}, or train "
            "with --set schedule=constant"
        )
    if not (folder / RESUME).is_file():
        raise CoopbenchError(
            f"{folder}: was trained for another length ({said}) and cannot go on, since its last "
            f"state was not kept ({RESUME}); {way_out}"
        )
    return Run(folder, config, prolonged=True)


def _differences(there: dict[str, Any], here: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """What two configurations have unlike, by key, in words."""
    found: dict[str, str] = {}
    for key in sorted(there.keys() | here.keys()):
        a, b = there.get(key), here.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found |= _differences(a, b, f"{prefix}{key}.")
        elif a != b:
            found[f"{prefix}{key}"] = f"{prefix}{key}: {a} there, {b} now"
    return found


def find_runs(runs: Path) -> Iterator[Run]:
    """Every run under ``runs``, the folder of all or of one group, ordered by path."""
    for path in sorted([*runs.glob("*/config.json"), *runs.glob("*/*/config.json")]):
        yield open_run(path.parent)
