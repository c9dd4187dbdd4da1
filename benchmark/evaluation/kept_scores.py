"""The score files in the folders of runs: where they are, and which are missing or outdated."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import sha256
from benchmark.core.parsing import parse_json
from benchmark.data.dataset import Dataset, evaluated_cases
from benchmark.evaluation.metrics import EARLIER, IMPLEMENTATION
from benchmark.runs.run import Run


def scores_path(run: Run, dataset: Dataset) -> Path:
    """The file for a run's scores on a set."""
    return run.folder / "scores" / f"{dataset.name}.csv"


def kept_scores(run: Run, dataset: Dataset) -> Path:
    """The file that holds a run's scores on a set, perhaps under a former name of the set.

    A file under the former name counts only if it is of the same data. Scores on another version of
    a corrupted set are not touched.
    """
    own = scores_path(run, dataset)
    before = own.with_name(f"{dataset.kind}.csv")
    if before != own and _record_of(own).get("data") != dataset.fingerprint:
        return before if _record_of(before).get("data") == dataset.fingerprint else own
    return own


def made_from(run: Run, dataset: Dataset) -> dict[str, Any]:
    """The record of a run's scores on a set; empty if the scores are missing or incomplete."""
    return _record_of(kept_scores(run, dataset))


def _record_of(path: Path) -> dict[str, Any]:
    """The record of a score file; empty if the file is incomplete."""
    try:
        record = parse_json(path.with_suffix(".json").read_bytes())
        made_from: dict[str, Any] = record["made_from"]
        return made_from if record["sha256"] == sha256(path) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def out_of_reach(run: Run, datasets: Sequence[Dataset]) -> list[Dataset]:
    """The sets that a run without weights has no scores on, except its training set."""
    if run.weights.is_file():
        return []
    further = [one for one in datasets if one.fingerprint != run.config.data.fingerprint]
    return [one for one in further if made_from(run, one).get("data") != one.fingerprint]


@dataclass(frozen=True)
class MissingScores:
    """A finished run to be scored on a set, and the record for its scores."""

    run: Path
    dataset: Dataset
    made_from: dict[str, Any]


def missing_scores(
    runs: Sequence[Run], datasets: Sequence[Dataset], device: str, *, predictions: bool = False
) -> list[MissingScores]:
    """List what is to be scored, on a device of this type, so that every run has all scores.

    Sets that are `out_of_reach` are left out.

    Raises:
        CoopbenchError: a run is unfinished, or has neither the scores nor the weights.
    """
    missing: list[MissingScores] = []
    for run in runs:
        if not run.finished:
            raise CoopbenchError(
                f"{run.folder}: its training is not finished; run the same 'train' command again"
            )
        unreachable = [] if predictions else out_of_reach(run, datasets)
        reachable = [dataset for dataset in datasets if dataset not in unreachable]
        found = unscored(run, reachable, device, predictions=predictions)
        if found and not run.weights.is_file():
            lacks = "label maps" if predictions else "scores"
            raise CoopbenchError(
                f"{run.folder}: was exported without its weights, and has no {lacks} on "
                f"this {found[0].dataset.title}; train it here, or move it away"
            )
        missing += found
    return missing


def unscored(
    run: Run, datasets: Sequence[Dataset], device: str, *, predictions: bool = False
) -> list[MissingScores]:
    """The sets that a finished run still has to be scored on.

    ``device`` is the type of the device to score on: ``cpu`` or ``cuda``.
    """
    weights = run.weights_checksum()
    found = []
    for dataset in datasets:
        there = made_from(run, dataset)
        wanted = {
            "weights": weights,
            "data": dataset.fingerprint,
            "cases": [case.folder for case in evaluated_cases(dataset)],
            "metrics": IMPLEMENTATION,
            "device": device,
            "predictions": predictions,
        }
        if not run.weights.is_file():  # exported without weights: cannot be scored again
            wanted["device"] = there.get("device", device)
            if there.get("metrics") in EARLIER:
                wanted["metrics"] = there["metrics"]
        if not is_up_to_date(there, wanted):
            found.append(MissingScores(run.folder, dataset, wanted))
    return found


def is_up_to_date(there: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether scores with the record ``there`` are valid where ``wanted`` is asked for."""
    # Scores with saved predictions are also valid where no predictions are needed.
    same = {**there, "predictions": None} == {**wanted, "predictions": None}
    return same and (there["predictions"] or not wanted["predictions"])
