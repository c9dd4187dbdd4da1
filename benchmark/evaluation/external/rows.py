"""Score files of external models as rows of a report."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.conversion.record import cases_fingerprint
from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.core.files import sha256
from benchmark.data.dataset import Dataset, read_record
from benchmark.evaluation.external.record import (
    CorruptedBy,
    ExternalRecord,
    ScoredSet,
)
from results.scores.score_table import read_scores


@dataclass(frozen=True)
class ExternalRows:
    """Rows of external models: their files, and what has to be said of each."""

    files: tuple[Path, ...] = ()
    remarks: dict[str, str] = field(default_factory=dict)
    """By name of the row."""
    phantom: bool = False
    corrupted: dict[str, CorruptedBy] = field(default_factory=dict)
    """By title, the sets of corrupted folders."""
    prepared: frozenset[str] = frozenset()
    """The titles of prepared sets."""

    def replaces(self, dataset: Dataset) -> bool:
        """Whether a corrupted folder's sets stand for a prepared one, which no row is of."""
        recipes = {one.recipe for one in self.corrupted.values()}
        alike = dataset.title in self.corrupted or dataset.preparation.get("recipe") in recipes
        return alike and dataset.title not in self.prepared


def read_external_rows(
    files: Sequence[Path], runs: Iterable[str], datasets: Sequence[Dataset]
) -> ExternalRows:
    """Check score files of external models that are to join a table.

    Args:
        files: of 'coopbench score', or any of the same columns.
        runs: names of the runs in the table.
        datasets: the prepared sets of the table.

    Raises:
        UsageError: a file's row has the name of a run.
        CoopbenchError: a file is broken, or was scored on other data than these or another file.
    """
    taken = set(runs)
    remarks: dict[str, list[str]] = {}
    scored: list[tuple[Path, ScoredSet]] = []
    if files:
        _names(files)  # no score is given twice
    for path in files:
        for name in _names([path]):
            if name in taken:
                raise UsageError(
                    f"--scores {path}: its row is called {name}, as a run of the table is; score "
                    "it again under another --name"
                )
            record = _read_record(path, datasets)
            said = "external scores" if record is None else record.remark
            if said not in remarks.setdefault(name, []):
                remarks[name].append(said)
            scored += [(path, one) for one in (record.test_sets if record else ())]
    return ExternalRows(
        tuple(files),
        {name: "; ".join(lines) for name, lines in remarks.items()},
        phantom=any(one.phantom for _, one in scored),
        corrupted=_corrupted(scored),
        prepared=frozenset(one.title for _, one in scored if one.prepared),
    )


def _corrupted(scored: Sequence[tuple[Path, ScoredSet]]) -> dict[str, CorruptedBy]:
    """The corrupted ones among the sets of score files, by title.

    A plain folder's set and a prepared one may share a title, as of the same labels; a remark on
    the row says it.

    Raises:
        CoopbenchError: two files have other images or labels under one title.
    """
    found: dict[tuple[str, bool], tuple[Path, ScoredSet]] = {}
    for path, one in scored:
        before, same = found.setdefault((one.title, one.prepared), (path, one))
        if (same.corruption, same.fingerprint) != (one.corruption, one.fingerprint):
            raise CoopbenchError(
                f"{path}: its {one.title} is not the one of {before}, by its images, labels or "
                "--set, and scores on both do not mix; make a report of each"
            )
    return {title: one.corruption for (title, _), (_, one) in found.items() if one.corruption}


def _names(files: Sequence[Path]) -> list[str]:
    return sorted(read_scores(files)["method"].astype(str).unique())


def _read_record(path: Path, datasets: Sequence[Dataset]) -> ExternalRecord | None:
    """The record of a score file, or None where it has none.

    Raises:
        CoopbenchError: it is broken or of other scores, or the data are not those of the table.
    """
    beside = path.with_suffix(".json")
    if not beside.is_file():
        return None
    record = read_record(beside, ExternalRecord)
    if record.sha256 != sha256(path):
        raise CoopbenchError(
            f"{path}: is not what {beside.name} beside it was written with; run the same "
            "'coopbench score' again, or move that file away"
        )
    here = {dataset.title: dataset for dataset in datasets}
    for one in record.test_sets:
        dataset = here.get(one.title)
        if one.prepared and dataset and cases_fingerprint(dataset) != one.fingerprint:
            raise CoopbenchError(
                f"{path}: was scored on another {one.title} than {dataset.root}, and scores on "
                "both do not mix; run 'coopbench score' again with these labels"
            )
    return record
