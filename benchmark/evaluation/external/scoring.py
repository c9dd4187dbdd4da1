"""Score predictions, and treat those that are missing or broken."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.core.environment import commit, versions
from benchmark.core.errors import CoopbenchError, first_lines
from benchmark.core.files import digest, sha256
from benchmark.core.parallel import run_parallel, split_errors
from benchmark.data.field import FIELD, centre_field
from benchmark.data.headers import doubt_lines
from benchmark.data.labels import STRUCTURES, implausible, remap
from benchmark.data.nifti import Volume, read_frames, read_volume
from benchmark.data.orientation import in_order_of
from benchmark.evaluation.external.label_space import Reference
from benchmark.evaluation.external.matching import ExpectedCase, TestSet
from benchmark.evaluation.external.record import COUNTED, ExternalRecord, Missing, ScoredSet
from benchmark.evaluation.metrics import IMPLEMENTATION, score_volume
from results.scores.score_table import COLUMNS

FaultKind = Literal["missing", "unreadable", "geometry", "values"]


@dataclass(frozen=True)
class Row:
    """The entries that describe the model in each score row."""

    name: str
    repeat: int
    seed: int
    output: str


@dataclass(frozen=True)
class _Fault:
    """Why a prediction cannot be scored."""

    kind: FaultKind
    line: str


@dataclass(frozen=True)
class _Outcome:
    """The rows of one volume, its fault if any, and the checksum of the prediction."""

    rows: list[dict[str, Any]]
    fault: _Fault | None
    checksum: str | None
    doubtful: tuple[str, ...] = ()
    """Which of "label" and "prediction" seem to have wrong numbers for the structures."""
    headers: tuple[str, ...] = ()
    """Contradictions in the headers of label and prediction."""


class _BrokenError(Exception):
    """A prediction that cannot be scored."""

    def __init__(self, kind: FaultKind, line: str) -> None:
        super().__init__(kind, line)
        self.fault = _Fault(kind, line)


@dataclass
class Scored:
    """Scores, their record, and lines on faults."""

    table: pd.DataFrame
    record: ExternalRecord
    faults: list[str] = field(default_factory=list)

    @property
    def summary(self) -> list[str]:
        """A line for each test set: volumes, mean Dice as in the tables, and broken cases."""
        lines = []
        for one in self.record.test_sets:
            rows = self.table[self.table["test_set"] == one.title]
            each = rows.groupby("structure", sort=False)["dice"].mean()
            broken = sum(one.faults.values())
            kinds = ", ".join(f"{kind} {count}" for kind, count in one.faults.items())
            means = ", ".join(f"{name} {mean:.4f}" for name, mean in each.items())
            lines.append(
                f"{one.title}: {len(rows) // len(STRUCTURES)} of {one.cases} volumes"
                + (f", mean Dice {rows['dice'].mean():.4f} ({means})" if len(rows) else "")
                + (f"; {broken} {COUNTED[self.record.missing]} ({kinds})" if broken else "")
            )
        return lines


def score_predictions(
    sets: Sequence[TestSet],
    predictions: Path,
    row: Row,
    *,
    numbering: Mapping[int, int],
    missing: Missing,
    options: Mapping[str, str | None],
    workers: int,
    probabilities: bool = False,
) -> Scored:
    """Score the predictions of every set.

    Args:
        sets: the result of `find_test_sets`.
        predictions: the folder of all predictions.
        row: the entries that describe the model.
        numbering: raw label values of the predictions to prepared ones.
        missing: how to treat a case whose prediction is missing or broken.
        options: the command's options, for the record.
        workers: number of processes.
        probabilities: predictions have a channel for each label value, from 0; the channel with the
            greatest value wins.

    Raises:
        CoopbenchError: a label is broken; a prediction is missing or broken, and ``missing`` is
            "fail"; or nothing is left to score.
    """
    cases = [(place, case) for place, one in enumerate(sets) for case in one.cases]
    read = _most_probable if probabilities else read_volume
    outcomes = _score_all([case for _, case in cases], row, numbering, missing, workers, read)
    lines = _fault_lines(sets, outcomes, missing)
    broken = sum(outcome.fault is not None for outcome in outcomes)
    if broken and missing == "fail":
        raise CoopbenchError(
            f"{broken} of {len(cases)} cases cannot be scored, so nothing was written; "
            "--missing zero counts them as Dice 0, --missing skip leaves them out:",
            *lines,
        )
    rows = [score for outcome in outcomes for score in outcome.rows]
    if not rows:
        raise CoopbenchError("no case is left to score:", *lines)
    scored = []
    for place, one in enumerate(sets):
        own = [outcome for (at, _), outcome in zip(cases, outcomes, strict=True) if at == place]
        scored.append(_scored_set(one, own))
    checksums = {
        f"{case.test_set}/{case.key}": outcome.checksum
        for (_, case), outcome in zip(cases, outcomes, strict=True)
        if outcome.checksum is not None
    }
    record = ExternalRecord(
        **asdict(row),
        missing=missing,
        options=dict(options),
        predictions=predictions.resolve().name,
        predictions_fingerprint=digest(checksums),
        test_sets=tuple(scored),
        faults={
            f"{case.test_set}/{case.key}": outcome.fault.kind
            for (_, case), outcome in zip(cases, outcomes, strict=True)
            if outcome.fault is not None
        },
        metrics=IMPLEMENTATION,
        software=versions(),
        commit=commit(),
    )
    lines += _doubts(outcomes)
    lines += doubt_lines(doubt for outcome in outcomes for doubt in outcome.headers)
    return Scored(pd.DataFrame(rows, columns=list(COLUMNS)), record, lines)


def _doubts(outcomes: Sequence[_Outcome]) -> list[str]:
    """Warnings if most labels, or most predictions, seem to have wrong numbers for the
    structures."""
    good = [outcome for outcome in outcomes if outcome.fault is None]
    lines = []
    for what, option, reason in (
        ("label", "--label-map", "MYO does not border LV in them"),
        ("prediction", "--map", "their structures fit others of the labels better"),
    ):
        count = sum(what in outcome.doubtful for outcome in good)
        if count > len(good) / 2:
            lines.append(
                f"{count} of {len(good)} {what}s look wrongly numbered, since {reason}; say what "
                f"their values mean by {option}"
            )
    return lines


def _score_all(
    cases: Sequence[ExpectedCase],
    row: Row,
    numbering: Mapping[int, int],
    missing: Missing,
    workers: int,
    read: Callable[[Path], Volume],
) -> list[_Outcome]:
    """Each case's outcome, in the order of the cases.

    Raises:
        CoopbenchError: labels are broken; the message names the first ones.
    """
    place = {id(case): number for number, case in enumerate(cases)}
    with run_parallel(
        partial(_score_case, row=row, numbering=numbering, missing=missing, read=read),
        cases,
        title="score",
        workers=workers,
        preload=[__name__],
    ) as work:
        done, faults = split_errors(work)
    if faults:
        raise CoopbenchError(*first_lines(list(dict.fromkeys(faults))))
    return [outcome for _, outcome in sorted(done, key=lambda one: place[id(one[0])])]


def _score_case(
    case: ExpectedCase,
    *,
    row: Row,
    numbering: Mapping[int, int],
    missing: Missing,
    read: Callable[[Path], Volume],
) -> _Outcome:
    """Score one volume; a broken prediction counts as empty."""
    reference = case.label.read()
    fault, checksum, headers = None, None, [reference.doubt]
    try:
        prediction, doubt = _read_prediction(case, reference, numbering, read)
        headers.append(doubt)
        assert case.prediction is not None
        checksum = sha256(case.prediction)
    except _BrokenError as broken:
        fault = broken.fault
        if missing != "zero":
            return _Outcome([], fault, None)
        prediction = np.zeros_like(reference.label)
    ours, theirs = prediction.T, reference.label.T
    if reference.field is not None:
        ours, theirs = (centre_field(one, reference.field) for one in (ours, theirs))
    about = {
        "method": row.name,
        "repeat": row.repeat,
        "seed": row.seed,
        "test_set": case.test_set,
        "subject": case.subject,
        "draw": case.draw,
        "frame": case.frame,
        "output": row.output,
    }
    scores = score_volume(ours, theirs, reference.spacing[::-1])
    found = {"label": _misnumbered(theirs), "prediction": _fits_otherwise(ours, theirs)}
    doubtful = tuple(what for what, doubt in found.items() if doubt)
    rows = [about | asdict(score) for score in scores]
    return _Outcome(rows, fault, checksum, doubtful, tuple(headers))


def _most_probable(path: Path) -> Volume:
    """The label map of a file with a channel for each label value.

    Raises:
        CoopbenchError: the file cannot be read, or has a single channel.
    """
    volume = read_frames(path)
    channels = volume.data.shape[3]
    if not 2 <= channels <= 256:
        raise CoopbenchError(
            f"{path}: holds {channels} {'channel' if channels == 1 else 'channels'} on its fourth "
            "axis; --probabilities needs one for each label value, the background's first"
        )
    if volume.data.dtype.kind == "f" and np.isnan(volume.data).any():
        raise CoopbenchError(f"{path}: holds NaN")
    return replace(volume, data=volume.data.argmax(axis=3).astype(np.uint8))


def _misnumbered(label: NDArray[np.uint8]) -> bool:
    """Whether a label map of (slices, y, x) with LV and MYO looks wrongly numbered."""
    return bool((label == 1).any() and (label == 2).any() and implausible(label.T) is not None)


def _fits_otherwise(prediction: NDArray[np.uint8], label: NDArray[np.uint8]) -> bool:
    """Whether a prediction would overlap more with its label if its structures were exchanged.

    The overlap decides, not the look: a weak model's prediction may look implausible, but have the
    right numbers.
    """
    values = len(STRUCTURES) + 1
    pairs = np.bincount((prediction * np.uint8(values) + label).ravel(), minlength=values**2)
    shared = pairs.reshape(values, values)[1:, 1:]
    orders = permutations(range(len(STRUCTURES)))
    return bool(
        max(shared[list(order), range(len(order))].sum() for order in orders) > shared.trace()
    )


def _read_prediction(
    case: ExpectedCase,
    reference: Reference,
    numbering: Mapping[int, int],
    read: Callable[[Path], Volume],
) -> tuple[NDArray[np.uint8], str]:
    """Prepared label values (x, y, slices) in the label's space, and contradictions in the header.

    Raises:
        _BrokenError: the prediction cannot be scored.
    """
    path = case.prediction
    if path is None:
        raise _BrokenError("missing", f"{case.test_set}: no prediction of case {case.key}")
    try:
        volume = read(path)
    except CoopbenchError as error:
        raise _BrokenError("unreadable", str(error)) from error
    try:
        data = in_order_of(volume, reference.affine, reference.label.shape, "label").data
    except ValueError as error:
        raise _BrokenError("geometry", f"{path}: {error}") from error
    try:
        return remap(data, numbering), volume.doubt
    except ValueError as error:
        raise _BrokenError("values", f"{path}: {error}; name it by --map") from error


def _scored_set(one: TestSet, outcomes: Sequence[_Outcome]) -> ScoredSet:
    kinds = Counter(outcome.fault.kind for outcome in outcomes if outcome.fault is not None)
    return ScoredSet(
        title=one.title,
        labels=one.labels,
        fingerprint=one.fingerprint,
        prepared=one.prepared,
        phantom=one.phantom,
        field=f"centre {FIELD} × {FIELD}" if one.prepared else "whole volume",
        cases=len(outcomes),
        faults=dict(sorted(kinds.items())),
        unmatched=len(one.unmatched),
        corruption=one.corruption,
        kind=one.kind,
    )


def _fault_lines(
    sets: Sequence[TestSet], outcomes: Sequence[_Outcome], missing: Missing
) -> list[str]:
    """A line for each set without any prediction to score, and one for each fault in other sets.

    Only the first lines of each kind; so a whole missing set is not hidden among single cases.
    """
    whole, single, start = [], [], 0
    for one in sets:
        own = outcomes[start : start + len(one.cases)]
        start += len(one.cases)
        faults = [outcome.fault for outcome in own if outcome.fault is not None]
        nothing = all(case.prediction is None for case in one.cases)
        if nothing and missing == "skip":
            whole.append(f"{one.title}: no prediction at all; left out ({_absent(one)})")
        elif nothing:
            whole.append(
                f"{_absent(one)}, so all {len(own)} cases of {one.title} are missing; "
                f"{_where_to_put(one)}"
            )
        else:
            if missing == "skip" and len(faults) == len(own):
                whole.append(f"{one.title}: no prediction that can be scored; left out")
            single += [fault.line for fault in faults]
    return [*first_lines(whole), *first_lines(single)]


def _absent(one: TestSet) -> str:
    what = "no such folder" if one.without_folder else "holds no prediction"
    return f"{one.predictions}: {what}"


def _where_to_put(one: TestSet) -> str:
    """Advice for a set that has no folder of predictions."""
    if one.prepared:
        return "to score one set, give its own folder as LABELS"
    return f"its predictions belong in a folder called {one.predictions.name}"
