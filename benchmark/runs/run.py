"""A run's folder, and the files in it.

RUNS/acdc-compact/proposed-r0-s40/
    config.json            everything that its numbers depend on
    code.json              the method's package, version and checksums of its source files
    environment.json       versions, commit, hardware, precision
    log.txt                what happened, with times
    history.csv            losses, learning rate and validation score over the steps
    tensorboard/           the same as TensorBoard events
    resume.safetensors     the state to resume from; kept after the end if the run can be prolonged
    weights.safetensors    the checkpoint with the best validation score
    last.safetensors       the last step's weights
    done.json              written last: the run is finished
    scores/                per test set, by `coopbench evaluate`
    exported.json          instead of weights, by `coopbench export`: their checksum
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import PARTIAL, sha256
from benchmark.data.dataset import read_record
from benchmark.runs.config import RunConfig

WEIGHTS = "weights.safetensors"
RESUME = "resume.safetensors"
EXPORTED = "exported.json"
CODE = "code.json"
LENGTH = {"training.steps", "training.epochs", "training.max_steps"}
"""Settings of the length of a training."""


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
    """SHA-256 of the weights behind the scores."""


@dataclass(frozen=True)
class Run:
    """A run's folder and its configuration."""

    folder: Path
    config: RunConfig
    prolonged: bool = False
    """Whether the folder holds a run of another length, which can be prolonged to this one."""

    @property
    def weights(self) -> Path:
        """The checkpoint with the best validation score."""
        return self.folder / WEIGHTS

    @property
    def resume(self) -> Path:
        """The state that an unfinished run resumes from."""
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
        """The record of the method's code that trains the run (`benchmark.runs.code`)."""
        return self.folder / CODE

    @property
    def begun(self) -> bool:
        """Whether there is a state, checkpoint or export to resume from or to keep."""
        return any((self.folder / name).is_file() for name in (RESUME, WEIGHTS, EXPORTED))

    @property
    def finished(self) -> bool:
        """Whether training has ended, and its weights exist or were exported."""
        there = self.weights.is_file() or self.exported.is_file()
        return self.done.is_file() and there and not self.prolonged

    @property
    def exported(self) -> Path:
        """The file that replaces the weights of an exported run."""
        return self.folder / EXPORTED

    def weights_checksum(self) -> str:
        """SHA-256 of the weights, of an exported run from its record.

        Raises:
            CoopbenchError: ``exported.json`` is broken.
        """
        if self.weights.is_file():
            return sha256(self.weights)
        return read_record(self.exported, Exported).weights

    def summary(self) -> Summary:
        """The summary of the training.

        Raises:
            CoopbenchError: ``done.json`` is broken.
        """
        return read_record(self.done, Summary)


def open_run(folder: Path) -> Run:
    """Open the run in ``folder``.

    Raises:
        CoopbenchError: there is no run, or its ``config.json`` is not valid.
    """
    if not (folder / "config.json").is_file():
        raise CoopbenchError(
            f"{folder}: holds no run (no config.json); give a run's folder, "
            f"written by 'coopbench train'"
        )
    return Run(folder, read_record(folder / "config.json", RunConfig))


def find_run(runs: Path, config: RunConfig) -> Run:
    """Find the run of a configuration, begun or not; writes nothing.

    Raises:
        CoopbenchError: the folder holds a run of another configuration (the message names the
            differences), or a run of another length that cannot be prolonged (the message says
            why).
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
            f"{folder}: was trained for another length ({said}), which sets every learning rate "
            f"of its {config.training.schedule} schedule, so it cannot be prolonged; {way_out}, "
            f"or train "
            "with --set schedule=constant"
        )
    if not (folder / RESUME).is_file():
        raise CoopbenchError(
            f"{folder}: was trained for another length ({said}) and cannot be prolonged, since "
            f"its last "
            f"state was not kept ({RESUME}); {way_out}"
        )
    return Run(folder, config, prolonged=True)


def _differences(there: dict[str, Any], here: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """The differences of two configurations in words, by key."""
    found: dict[str, str] = {}
    for key in sorted(there.keys() | here.keys()):
        a, b = there.get(key), here.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found |= _differences(a, b, f"{prefix}{key}.")
        elif a != b:
            found[f"{prefix}{key}"] = f"{prefix}{key}: {a} there, {b} now"
    return found


def find_runs(runs: Path) -> Iterator[Run]:
    """Find every run in ``runs``, the folder of all runs or of one group, ordered by path."""
    yield from _runs_at([*runs.glob("*/config.json"), *runs.glob("*/*/config.json")])


def runs_of_group(group: Path) -> list[Run]:
    """The runs directly in a folder, ordered by path."""
    return list(_runs_at(group.glob("*/config.json")))


def _runs_at(configs: Iterable[Path]) -> Iterator[Run]:
    """The runs of these files; a copy that a killed process has not finished is no run."""
    for path in sorted(configs):
        if not path.parent.name.startswith(PARTIAL):
            yield open_run(path.parent)
