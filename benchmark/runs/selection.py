"""Which runs belong together in one table, and which prepared sets they are scored on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.data.dataset import Dataset
from benchmark.runs.run import Run, find_runs


@dataclass(frozen=True)
class Selection:
    """The runs of one table, and lines on those left out."""

    runs: list[Run]
    left_out: list[str]

    @property
    def group(self) -> str:
        """What the table is called after."""
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
    """The finished runs that were trained on one of these sets, of one preset or of all.

    Of the rows of these ``names``, or of all.

    Raises:
        UsageError: there is none of one of the ``repeats``, or of the ``names``.
        CoopbenchError: there is none, unless it ``may_be_empty``.
    """
    fingerprints = {dataset.fingerprint for dataset in datasets}
    chosen, left_out, there = [], [], set()
    for run in find_runs(runs):
        if preset is not None and run.config.preset != preset:
            continue
        if repeats and run.config.repeat not in repeats:
            continue
        there.add(run.config.name)
        if names and run.config.name not in names:
            continue
        if run.config.data.fingerprint not in fingerprints:
            left_out.append(f"{run.folder}: left out, trained on other data")
        elif not run.finished:
            left_out.append(f"{run.folder}: left out, its training is not finished")
        else:
            chosen.append(run)
    if there and not may_be_empty and (unknown := sorted(set(names) - there)):
        raise UsageError(
            f"--methods {','.join(unknown)}: no run in {runs} is called so; there are "
            f"{', '.join(sorted(there))}"
        )
    absent = set(repeats) - {run.config.repeat for run in chosen}
    if absent:
        named = ", ".join(map(str, sorted(absent)))
        raise UsageError(f"--repeats: {runs} holds no finished run on these data of repeat {named}")
    if not chosen and not may_be_empty:
        raise CoopbenchError(
            f"{runs}: holds no finished run on these data; see 'coopbench train'", *left_out
        )
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
    """The finished runs of one table: trained on these data, all of one preset.

    Of these ``repeats`` and rows of these ``names``, or of all.

    Raises:
        CoopbenchError: there is none, unless it ``may_be_empty``, or two would fill one cell.
        UsageError: there are several presets, which do not belong in one table, or there is no run
            of one of the repeats or names.
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
    """The repeats of one row must differ in nothing but the repeat and its seed."""
    first: dict[str, Run] = {}
    cells: dict[tuple[str, int], Run] = {}
    for run in runs:
        twin = cells.setdefault((run.config.name, run.config.repeat), run)
        if twin is not run:
            raise CoopbenchError(
                f"{run.folder}: is repeat {run.config.repeat} of {run.config.name}, as is "
                f"{twin.folder}; a table takes one seed per repeat, so move one of them away"
            )
        other = first.setdefault(run.config.name, run)
        varied = {"repeat", "seed", "data"}
        if run.config.model_dump(exclude=varied) != other.config.model_dump(exclude=varied):
            raise CoopbenchError(
                f"{run.folder}: has other settings than {other.folder}, which is the same row; "
                "train one of them under another --name"
            )
