"""Read score files of external models as rows of a report."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.conversion.record import cases_fingerprint
from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.core.files import sha256
from benchmark.data.dataset import Dataset, read_record
from benchmark.data.set_names import RENAMED
from benchmark.evaluation.external.record import (
    CorruptedBy,
    ExternalRecord,
    ScoredSet,
)
from results.scores.score_table import read_scores


@dataclass(frozen=True)
class ExternalRows:
    """Rows of external models: their files and footnotes."""

    files: tuple[Path, ...] = ()
    remarks: dict[str, str] = field(default_factory=dict)
    """The footnote of each row, by its name."""
    phantom: bool = False
    corrupted: dict[str, CorruptedBy] = field(default_factory=dict)
    """The sets of corrupted folders, by title."""
    prepared: frozenset[str] = frozenset()
    """The titles of prepared sets."""
    renamed: dict[Path, dict[str, str]] = field(default_factory=dict)
    """For each file, current titles of sets that have been renamed since they were scored."""

    def replaces(self, dataset: Dataset) -> bool:
        """Whether a corrupted folder's sets replace a prepared set that no row is scored on."""
        recipes = {(one.recipe, one.version) for one in self.corrupted.values()}
        made_by = dataset.corruption.made_by if dataset.corruption else None
        of_one = made_by is not None and (made_by.recipe, made_by.version) in recipes
        alike = dataset.title in self.corrupted or of_one
        return alike and dataset.title not in self.prepared


def read_external_rows(
    files: Sequence[Path], runs: Iterable[str], datasets: Sequence[Dataset]
) -> ExternalRows:
    """Read and check score files of external models for a table.

    Args:
        files: files written by 'coopbench score', or any files with the same columns.
        runs: names of the runs in the table.
        datasets: the prepared sets of the table.

    Raises:
        UsageError: a file's row has the name of a run.
        CoopbenchError: a file is broken, or was scored on other data than these or another file.
    """
    taken = set(runs)
    remarks: dict[str, list[str]] = {}
    scored: list[tuple[Path, ScoredSet]] = []
    renamed: dict[Path, dict[str, str]] = {}
    if files:
        _names(files)  # refuses duplicate scores
    for path in files:
        for name in _names([path]):
            if name in taken:
                raise UsageError(
                    f"--scores {path}: its row is called {name}, like a run in the table; score "
                    "it again under another --name"
                )
            record = _read_record(path)
            said = "external scores" if record is None else record.remark
            if said not in remarks.setdefault(name, []):
                remarks[name].append(said)
            if record is not None:
                titles = _titles_today(path, record, datasets)
                renamed[path] = {old: new for old, new in titles.items() if old != new}
                scored += [
                    (path, one.model_copy(update={"title": titles[one.title]}))
                    for one in record.test_sets
                ]
    return ExternalRows(
        tuple(files),
        {name: "; ".join(lines) for name, lines in remarks.items()},
        phantom=any(one.phantom for _, one in scored),
        corrupted=_corrupted(scored),
        prepared=frozenset(one.title for _, one in scored if one.prepared),
        renamed=renamed,
    )


def _titles_today(
    path: Path, record: ExternalRecord, datasets: Sequence[Dataset]
) -> dict[str, str]:
    """The current titles of a record's test sets, by their recorded titles.

    Raises:
        CoopbenchError: a prepared set differs from the set with its title here.
    """
    here = {dataset.title: dataset for dataset in datasets}
    of_data = {cases_fingerprint(dataset): dataset.title for dataset in datasets}
    titles = {}
    for one in record.test_sets:
        titles[one.title] = of_data.get(one.fingerprint, one.title_today)
        if one.prepared and one.fingerprint not in of_data and one.title in here:
            other = here[one.title]
            hint = ""
            if other.corruption is not None:
                hint = ", or make the set that they were scored on beside these"
                if formerly := _former_command(other):
                    hint += f" ({formerly})"
            raise CoopbenchError(
                f"{path}: was scored on another {one.title} than {other.root}, and scores on "
                f"both must not be mixed; run 'coopbench score' again with these labels{hint}"
            )
    return titles


def _former_command(dataset: Dataset) -> str:
    """The command to make the set that had this recipe's name before; empty if there is none."""
    assert dataset.corruption is not None
    made_by = dataset.corruption.made_by
    return next(
        (
            f"'coopbench corrupt --recipe {today}'"
            for (name, _), (today, _) in RENAMED.items()
            if name == made_by.recipe
        ),
        "",
    )


def _corrupted(scored: Sequence[tuple[Path, ScoredSet]]) -> dict[str, CorruptedBy]:
    """The corrupted sets among those of score files, by title.

    A plain folder's set and a prepared set may share a title, as with the same labels; the row's
    footnote says so.

    Raises:
        CoopbenchError: two files have different images or labels under one title.
    """
    found: dict[tuple[str, bool], tuple[Path, ScoredSet]] = {}
    for path, one in scored:
        before, same = found.setdefault((one.title, one.prepared), (path, one))
        kinds = (other.corruption and other.corruption.called_today() for other in (same, one))
        if len(set(kinds)) > 1 or same.fingerprint != one.fingerprint:
            raise CoopbenchError(
                f"{path}: its {one.title} is not the one of {before}, by its images, labels or "
                "--test-set, and their scores must not be mixed; make a report of each"
            )
    return {
        title: one.corruption.called_today()
        for (title, _), (_, one) in found.items()
        if one.corruption
    }


def _names(files: Sequence[Path]) -> list[str]:
    return sorted(read_scores(files)["method"].astype(str).unique())


def _read_record(path: Path) -> ExternalRecord | None:
    """Read the record of a score file; None if there is no record.

    Raises:
        CoopbenchError: the record is broken, or of other scores.
    """
    beside = path.with_suffix(".json")
    if not beside.is_file():
        return None
    record = read_record(beside, ExternalRecord)
    if record.sha256 != sha256(path):
        raise CoopbenchError(
            f"{path}: does not fit the record {beside.name} beside it; run the same "
            "'coopbench score' again, or move the record away"
        )
    return record
