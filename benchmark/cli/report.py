"""``coopbench report``: tables, figures and the page."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from benchmark.cli.options import (
    FILE,
    PRESETS,
    data_option,
    device_option,
    examples,
    listed,
    listed_repeats,
    listed_titles,
    locate_data,
    print_width,
    report_option,
    runs_option,
    workers_option,
)
from benchmark.core.errors import UsageError
from benchmark.core.streams import say, show

if TYPE_CHECKING:
    import torch

    from benchmark.reporting.report import ReportOptions

NO_RUNS = "none"
"""What ``--runs`` is given where a report is to be of external scores alone."""


@click.command(
    epilog=examples(
        "coopbench report",
        "coopbench report --data data --preset paper --out paper --compare poster",
        "coopbench report --repeats 0,1 --out first-two",
        "coopbench report --reference proposed --scores scores/nnU-Net.csv",
        "coopbench report --runs none --scores scores/nnU-Net.csv    # of this model alone",
        "coopbench report --margin 0.02 --family all",
        "coopbench report --methods standard,proposed,hard --title hard='Proposed, β = 1'",
    )
)
@data_option
@runs_option
@click.option(
    "--preset", type=click.Choice(PRESETS), help="Which runs, where there are several presets."
)
@click.option(
    "--repeats", callback=listed_repeats, help="Which repeats of the runs, as 0,1.  [default: all]"
)
@report_option
@click.option("--average-all", is_flag=True, help="Take further test sets into the averages.")
@click.option(
    "--compare",
    type=click.Choice(["poster"]),
    help="Also set the published numbers beside these.",
)
@click.option(
    "--pictures/--no-pictures",
    default=True,
    show_default=True,
    help="Draw segmentations; needs the runs' weights.",
)
@click.option(
    "--reference",
    metavar="METHOD",
    help="What every method is tested against.  [default: standard, else the first run or row]",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.01,
    show_default=True,
    help="Dice; a smaller difference is of no relevance, and methods that differ by less are "
    "called equivalent where two one-sided tests show it.",
)
@click.option(
    "--all-pairs",
    is_flag=True,
    help="Also compare every method with every other, in a table and a figure.",
)
@click.option(
    "--family",
    type=click.Choice(["output", "all"]),
    default="output",
    show_default=True,
    help="What Holm's correction is over: the comparisons of each output (FTN, FTN+STN) by itself, "
    "or all.",
)
@click.option(
    "--methods",
    callback=listed,
    metavar="NAME,…",
    help="Which rows, by name, and in this order.  [default: all]",
)
@click.option(
    "--title",
    "titles",
    multiple=True,
    callback=listed_titles,
    metavar='NAME="…"',
    help="What is printed for the row NAME, of any characters; may be repeated.",
)
@click.option(
    "--width",
    callback=print_width,
    default="lncs",
    show_default=True,
    metavar="column|lncs|page|MM",
    help="Of the LaTeX tables: a column of a page with two (86 mm), the text of Springer's LNCS "
    "(122), a page with two columns (178), or so many mm.",
)
@click.option(
    "--scores",
    type=FILE,
    multiple=True,
    help="Scores of an external model, by 'coopbench score'; may be repeated.",
)
@device_option
@workers_option
def report(
    data: Path | None,
    runs: Path,
    preset: str | None,
    repeats: tuple[int, ...],
    out: Path | None,
    average_all: bool,
    compare: str | None,
    pictures: bool,
    reference: str | None,
    margin: float,
    all_pairs: bool,
    family: str,
    methods: tuple[str, ...],
    titles: dict[str, str],
    width: float,
    scores: tuple[Path, ...],
    device: str,
    workers: int | None,
) -> None:
    """Write the tables, the figures and the page.

    Evaluates what is not yet, then compares all methods, and the external models in --scores:

    \b
      OUT/report.html   all of it on one page; opens without a network
      OUT/tables/       Dice, intervals, tests over subjects and over repeats, structures,
                        distances, robustness
                        as .md, .tex (booktabs; -tabular.tex without the float), .csv
                        and .txt; origins.txt says where the numbers come from
      OUT/figures/      as .png; for print as .pdf, with the caption as .tex
      OUT/scores.csv    the scores behind them, one row per volume, structure and output;
                        the same in scores.parquet

    Differences are tested over subjects (Wilcoxon, Holm) against --reference, and estimated over
    subjects and repeats; docs/statistics.md says what each can tell.
    """
    from benchmark.core.device import find_device
    from benchmark.reporting.report import ReportOptions

    options = ReportOptions(
        average_all=average_all,
        compare_poster=compare == "poster",
        pictures=pictures,
        reference=reference,
        margin=margin,
        all_pairs=all_pairs,
        joint=family == "all",
        methods=tuple(dict.fromkeys(methods)),
        titles=titles,
        width=width,
    )
    if scores and not runs.is_dir() and runs.name != NO_RUNS and _is_given("runs"):
        raise UsageError(
            f"--runs {runs}: is no folder; for a report of --scores alone, give --runs {NO_RUNS}"
        )
    where = find_device(device)
    make_report(
        locate_data(data),
        runs,
        preset,
        out,
        options,
        device=where,
        scored_on=where,
        workers=workers,
        external=scores,
        repeats=repeats,
    )


def _is_given(option: str) -> bool:
    """Whether an option was on the command line."""
    source = click.get_current_context().get_parameter_source(option)
    return source is ParameterSource.COMMANDLINE


def make_report(
    data: Path,
    runs: Path,
    preset: str | None,
    out: Path | None,
    options: "ReportOptions",
    *,
    device: "torch.device",
    scored_on: "torch.device",
    workers: int | None = None,
    external: Sequence[Path] = (),
    gather: bool = False,
    repeats: Sequence[int] = (),
) -> None:
    """Score what is not scored yet, write the report, and say where it is.

    Args:
        data: the folder of prepared sets.
        runs: the folder of runs.
        preset: which runs; None: there is only one.
        out: the folder to write to; None: named after data and preset.
        options: what is in it.
        device: where pictures are computed.
        scored_on: where scores are, or were, elsewhere.
        workers: processes; None: as fits the device.
        external: scores of external models.
        gather: whether the group's scores may have changed already; else they are gathered where
            something was scored here, so that of others' runs, complete and maybe not to be
            written into, a report can be made.
        repeats: of the runs; none: all.
    """
    from benchmark.corrupted_sets.code import code_notes
    from benchmark.evaluation.evaluate import evaluate as score
    from benchmark.evaluation.evaluate import gather_groups
    from benchmark.evaluation.external.rows import read_external_rows
    from benchmark.reporting.report import write_report
    from benchmark.runs.code import code_remarks
    from benchmark.runs.selection import all_datasets, select_runs

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
        say(f"{name}: {remark}; marked in the report. 'coopbench train --retrain' trains it anew")
    for line in code_notes(datasets):
        say(line)
    if score(selection.runs, datasets, device=scored_on, workers=workers) or gather:
        gather_groups(selection.runs, datasets)
    folder = out or Path("report") / selection.group
    written = write_report(
        selection,
        datasets,
        folder,
        options=options,
        ansi=sys.stdout.isatty(),
        device=device,
        external=rows,
        tell=lambda line: say(f"report: {line}"),
    )
    click.echo(written.text)
    for line in written.lines(folder):
        show(line)
