"""``coopbench report``: tables, figures and the page."""

import sys
from pathlib import Path

import click

from benchmark.cli.options import (
    FILE,
    PRESETS,
    data_option,
    device_option,
    examples,
    locate_data,
    report_option,
    runs_option,
    split_repeats,
    workers_option,
)


@click.command(
    epilog=examples(
        "coopbench report",
        "coopbench report --data data --preset paper --out paper --compare poster",
        "coopbench report --repeats 0,1 --out first-two",
        "coopbench report --reference proposed --scores scores/nnU-Net.csv",
    )
)
@data_option
@runs_option
@click.option(
    "--preset", type=click.Choice(PRESETS), help="Which runs, where there are several presets."
)
@click.option(
    "--repeats", callback=split_repeats, help="Which repeats of the runs, as 0,1.  [default: all]"
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
    scores: tuple[Path, ...],
    device: str,
    workers: int | None,
) -> None:
    """Write the tables, the figures and the page.

    Evaluates what is not yet, then compares all methods, and the external models in --scores:

    \b
      OUT/report.html   all of it on one page; opens without a network
      OUT/tables/       Dice, intervals, tests, structures, distances, robustness
                        as .md, .tex (booktabs), .csv and .txt
      OUT/figures/      as .png and .pdf
      OUT/scores.csv    the scores behind them, one row per volume, structure and output;
                        the same in scores.parquet

    Differences are tested over subjects (Wilcoxon, Holm) against --reference.
    """
    from benchmark.core.device import find_device
    from benchmark.reporting.make_report import make_report
    from benchmark.reporting.report import ReportOptions

    options = ReportOptions(
        average_all=average_all,
        compare_poster=compare == "poster",
        pictures=pictures,
        reference=reference,
    )
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
        workers=workers,
        external=scores,
        repeats=repeats,
    )
    for line in lines:
        click.echo(line)
