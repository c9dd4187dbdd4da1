"""Make a report from the folders of data and runs; missing scores are made first."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.corrupted_sets.code import code_notes
from benchmark.data.dataset import all_datasets
from benchmark.evaluation.external.rows import read_external_rows
from benchmark.evaluation.gather import gather_groups
from benchmark.reporting.report import ReportOptions, write_report
from benchmark.runs.code import code_remarks
from benchmark.runs.selection import select_runs

if TYPE_CHECKING:
    import torch


def make_report(
    data: Path,
    runs: Path,
    preset: str | None,
    out: Path | None,
    options: ReportOptions,
    *,
    device: "torch.device | None",
    scored_on: "torch.device | None",
    ansi: bool,
    say: Callable[[str], None],
    workers: int | None = None,
    external: Sequence[Path] = (),
    gather: bool = False,
    repeats: Sequence[int] = (),
) -> list[str]:
    """Make missing scores, and write the report.

    Args:
        data: the folder of prepared sets.
        runs: the folder of runs.
        preset: the runs' preset; None: there is only one.
        out: the folder to write to; None: named after data and preset.
        options: the content of the report.
        device: the device to compute pictures on; None: there are no runs.
        scored_on: the device to compute scores on, also for scores made elsewhere; None: there are
            no runs.
        ansi: whether the main table may be marked with a terminal's escape codes.
        say: called with a line on the progress.
        workers: number of processes; None: a number that fits the device.
        external: scores of external models.
        gather: gather the group's scores always; else only if something was scored here, so that a
            report also works on others' complete runs in a folder without write access.
        repeats: repeats of the runs; empty: all.

    Returns:
        The text for the user: the main table, and where the files are.

    Raises:
        CoopbenchError: there is no finished run, or scores do not fit together.
    """
    datasets = all_datasets(data)
    selection = select_runs(
        runs,
        datasets,
        preset,
        repeats=repeats,
        names=options.methods,
        may_be_empty=bool(external),
    )
    names = {run.config.name for run in selection.runs}
    rows = read_external_rows(external, names, datasets)
    if len(selection.runs) > 1:
        say(f"report: {len(selection.runs)} runs on {len(datasets)} test sets")
    changed, _ = code_remarks(selection.runs)
    for name, remark in changed.items():
        say(f"{name}: {remark}; marked in the report. 'coopbench train --retrain' trains it again")
    for line in code_notes(datasets):
        say(line)
    if scored_on is not None:
        from benchmark.evaluation.evaluate import evaluate  # PyTorch, a second that others spare

        if evaluate(selection.runs, datasets, device=scored_on, workers=workers) or gather:
            gather_groups(selection.runs, datasets)
    folder = out or Path("report") / selection.group
    written = write_report(
        selection,
        datasets,
        folder,
        options=options,
        ansi=ansi,
        device=device,
        external=rows,
        tell=lambda line: say(f"report: {line}"),
    )
    return [written.text, *written.lines(folder)]
