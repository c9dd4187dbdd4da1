"""Select the runs of a table, and the prepared sets that they are scored on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.data.dataset import Dataset
from benchmark.runs.run import Run, find_runs


@dataclass(frozen=True)
class Selection:
    """The runs of one table, and lines on runs left out."""

    runs: list[Run]
    left_out: list[str]

    @property
    def group(self) -> str:
        """The group that the table is named after."""
        return self.runs[0].config.group if self.runs else "external"


def finished_runs(
    runs: Path,
    datasets: Sequence[Dataset],
    preset: str | None = None,
    *,
    repeats: Sequence[int] = (),
    names: Sequence[str] = (),
    may_be_empty: bool = False,
) -> Selection:
    """Find the finished runs that were trained on one of these sets.

    ``preset``, ``repeats`` and ``names`` (of rows) select among them; by default, all count.

    Raises:
        UsageError: there is no run for one of the ``repeats`` or ``names``.
        CoopbenchError: there is no run at all, unless the selection ``may_be_empty``.
    """
    fingerprints = {dataset.fingerprint for dataset in datasets}
    chosen, left_out, there, on_others = [], [], set(), False
    for run in find_runs(runs):
        if preset is not None and run.config.preset != preset:
            continue
        if repeats and run.config.repeat not in repeats:
            continue
        there.add(run.config.name)
        if names and run.config.name not in names:
            continue
        if run.config.data.fingerprint not in fingerprints:
            on_others = True
            left_out.append(f"{run.folder}: left out, trained on other data")
        elif not run.finished:
            left_out.append(f"{run.folder}: left out, its training is not finished")
        else:
            chosen.append(run)
    if there and not may_be_empty and (unknown := sorted(set(names) - there)):
        raise UsageError(
            f"--methods {','.join(unknown)}: no run in {runs} has this name; there are "
            f"{', '.join(sorted(there))}"
        )
    if not chosen and not may_be_empty and (on_others or not repeats):
        advice = "give those of its runs by --data" if on_others else "see 'coopbench train'"
        raise CoopbenchError(f"{runs}: holds no finished run on these data; {advice}", *left_out)
    absent = set(repeats) - {run.config.repeat for run in chosen}
    if absent:
        named = ", ".join(map(str, sorted(absent)))
        raise UsageError(f"--repeats: {runs} holds no finished run on these data of repeat {named}")
    return Selection(chosen, left_out)


def select_runs(
    runs: Path,
    datasets: Sequence[Dataset],
    preset: str | None,
    *,
    repeats: Sequence[int] = (),
    names: Sequence[str] = (),
    may_be_empty: bool = False,
) -> Selection:
    """Select the finished runs of one table: trained on these data, all of one preset.

    ``repeats`` and ``names`` (of rows) select among them; by default, all count.

    Raises:
        CoopbenchError: there is no run, unless the selection ``may_be_empty``; or two runs would
            fill one cell.
        UsageError: there are several presets, which do not belong in one table; or there is no run
            for one of the repeats or names.
    """
    selection = finished_runs(
        runs, datasets, preset, repeats=repeats, names=names, may_be_empty=may_be_empty
    )
    chosen = selection.runs
    groups = sorted({run.config.group for run in chosen})
    if len(groups) > 1:
        found = sorted({run.config.preset for run in chosen})
        raise UsageError(
            f"{runs}: runs of {', '.join(groups)} do not belong in one table; "
            f"choose by --preset {'|'.join(found)}"
        )
    _check_alike(chosen)
    return selection


def _check_alike(runs: Sequence[Run]) -> None:
    """Check that the repeats of one row differ only in the repeat and its seed."""
    first: dict[str, Run] = {}
    cells: dict[tuple[str, int], Run] = {}
    for run in runs:
        twin = cells.setdefault((run.config.name, run.config.repeat), run)
        if twin is not run:
            raise CoopbenchError(
                f"{run.folder}: is repeat {run.config.repeat} of {run.config.name}, like "
                f"{twin.folder}; a table takes one seed per repeat, so move one of them away"
            )
        other = first.setdefault(run.config.name, run)
        varied = {"repeat", "seed", "data"}
        if run.config.model_dump(exclude=varied) != other.config.model_dump(exclude=varied):
            raise CoopbenchError(
                f"{run.folder}: has other settings than {other.folder}, which is the same row; "
                "train one of them under another --name"
            )
