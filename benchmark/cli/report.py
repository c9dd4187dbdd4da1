"""``coopbench report``: tables, figures and the page."""

import sys
from pathlib import Path

import click
from click.core import ParameterSource

from benchmark.cli.options import (
    FILE,
    PRESETS,
    data_option,
    device_option,
    examples,
    locate_data,
    print_width,
    report_option,
    runs_option,
    split_names,
    split_repeats,
    split_titles,
    workers_option,
)
from benchmark.core.errors import UsageError
from benchmark.core.streams import say, show

NO_RUNS = "none"
"""Value of ``--runs`` for a report of external scores only."""


@click.command(
    epilog=examples(
        "coopbench report",
        "coopbench report --data data --preset paper --out paper --compare poster",
        "coopbench report --repeats 0,1 --out first-two",
        "coopbench report --reference proposed --scores scores/nnU-Net.csv",
        "coopbench report --runs none --scores scores/nnU-Net.csv    # this model alone",
        "coopbench report --margin 0.02 --family all",
        "coopbench report --methods standard,proposed,hard --title hard='Proposed, β = 1'",
    )
)
@data_option
@runs_option
@click.option(
    "--preset", type=click.Choice(PRESETS), help="Preset of the runs, where there are several."
)
@click.option(
    "--repeats", callback=split_repeats, help="Which repeats of the runs, as 0,1.  [default: all]"
)
@report_option
@click.option("--average-all", is_flag=True, help="Include further test sets in the averages.")
@click.option(
    "--compare",
    type=click.Choice(["poster"]),
    help="Also show the published numbers beside these.",
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
    help="Method that every other is tested against.  [default: standard, else the first run or "
    "row]",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.01,
    show_default=True,
    help="Smallest relevant difference in Dice; methods are called equivalent where two one-sided "
    "tests show that they differ by less.",
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
    help="Comparisons that Holm's correction takes together: those of each output (FTN, FTN+STN), "
    "or all.",
)
@click.option(
    "--methods",
    callback=split_names,
    metavar="NAME,…",
    help="Rows to show, by name, in this order.  [default: all]",
)
@click.option(
    "--title",
    "titles",
    multiple=True,
    callback=split_titles,
    metavar='NAME="…"',
    help="Title to print for the row NAME, in any characters; may be repeated.",
)
@click.option(
    "--width",
    callback=print_width,
    default="lncs",
    show_default=True,
    metavar="column|lncs|page|MM",
    help="Width of the LaTeX tables: one column of a two-column page (86 mm), the text of "
    "Springer's LNCS (122 mm), a whole two-column page (178 mm), or a number of mm.",
)
@click.option(
    "--scores",
    type=FILE,
    multiple=True,
    help="Scores of an external model, written by 'coopbench score'; may be repeated.",
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

    Evaluates runs that have no scores yet, then compares all methods and the external models in
    --scores:

    \b
      OUT/report.html   everything on one page; opens without a network
      OUT/tables/       Dice, intervals, tests over subjects and over repeats, structures,
                        distances, robustness
                        as .md, .tex (booktabs; -tabular.tex without the float), .csv
                        and .txt; origins.txt says where the numbers come from
      OUT/figures/      as .png, and for print as .pdf with the caption as .tex
      OUT/scores.csv    the scores behind them, one row per volume, structure and output;
                        the same in scores.parquet

    Differences from --reference are tested over subjects (Wilcoxon, Holm), and estimated over
    subjects and repeats; docs/statistics.md says what each can show.
    """
    from benchmark.reporting.make_report import make_report
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
            f"--runs {runs}: is not a folder; for a report of --scores alone, give --runs {NO_RUNS}"
        )
    where = None
    if runs.is_dir():
        from benchmark.core.device import find_device  # PyTorch, a second that others spare

        where = find_device(device)
    lines = make_report(
        locate_data(data),
        runs,
        preset,
        out,
        options,
        device=where,
        scored_on=where,
        ansi=sys.stdout.isatty(),
        say=say,
        workers=workers,
        external=scores,
        repeats=repeats,
    )
    for line in lines:
        show(line)


def _is_given(option: str) -> bool:
    """Whether an option was on the command line."""
    source = click.get_current_context().get_parameter_source(option)
    return source is ParameterSource.COMMANDLINE
