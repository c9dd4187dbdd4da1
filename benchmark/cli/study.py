"""``coopbench study``: the whole experiment, for many methods and repeats."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from benchmark.cli.options import (
    data_option,
    deterministic_option,
    device_option,
    examples,
    keep_state_option,
    methods_option,
    on_change_option,
    preset_option,
    report_option,
    runs_option,
    set_option,
    split_repeats,
)
from benchmark.core.errors import UsageError, join_errors
from benchmark.core.streams import say, show

if TYPE_CHECKING:
    from benchmark.runs.code import OnChange
    from benchmark.study.study import Study


@click.command(
    epilog=examples(
        "coopbench study",
        "coopbench study --data data --methods standard,proposed --repeats 0,1,2",
        "coopbench study --corrupt acdc --corrupt mnms",
        "coopbench study --repeats 0,1,2 --plan --jobs 8 --price 2.50",
        "coopbench study --plan --target-difference 0.02",
        "coopbench study --repeats 0,1,2 --engine dask --scheduler tcp://head-node:8786",
    )
)
@methods_option
@click.option("--repeats", callback=split_repeats, default="0", show_default=True, help="As 0,1,2.")
@data_option
@click.option(
    "--corrupt",
    multiple=True,
    metavar="SET",
    help="Prepared set to corrupt by ACDC-C; may be repeated.  [default: acdc; without it, the "
    "training set]",
)
@preset_option
@device_option
@set_option
@runs_option
@report_option
@click.option(
    "--jobs",
    type=click.IntRange(1),
    help="Number of runs to train at once.  [default: one per core; one on a GPU]",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "dask"]),
    default="local",
    show_default=True,
    help="What runs the jobs: processes of this command, or the workers of a Dask cluster.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Address of Dask's scheduler, as tcp://HOST:8786.  [default: one on this machine, with "
    "--jobs workers]",
)
@click.option("--plan", is_flag=True, help="Only say what remains to do, and how long it takes.")
@click.option(
    "--target-difference",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="DICE",
    help="With --plan: say how many repeats would show this difference from standard training, "
    "estimated from the spread over finished repeats, and how many hours they take.",
)
@click.option(
    "--price", type=click.FloatRange(0), help="With --plan: price of an hour of one worker."
)
@deterministic_option
@on_change_option
@keep_state_option
def study(
    methods: tuple[str, ...],
    repeats: tuple[int, ...],
    data: Path | None,
    corrupt: tuple[str, ...],
    preset: str | None,
    device: str,
    overrides: tuple[str, ...],
    runs: Path,
    out: Path | None,
    jobs: int | None,
    engine: Literal["local", "dask"],
    scheduler: str | None,
    plan: bool,
    target_difference: float | None,
    price: float | None,
    deterministic: bool,
    on_change: "OnChange | None",
    keep_state: bool,
) -> None:
    """Corrupt, train, evaluate and report.

    Makes ACDC-C (with --corrupt, of other prepared sets too), trains the chosen methods and
    repeats, scores them on every prepared set and writes the report. Finished work is skipped.
    Where the code of a method has changed since its runs were trained, choose --retrain or --keep.
    With --engine dask, each corruption, training and evaluation is a job of a Dask cluster, whose
    machines must see the folders of data and runs; the report is made here. --plan only says what
    would be done, with times from trials on this machine.
    """
    if scheduler is not None and engine != "dask":
        raise UsageError("--scheduler works only with --engine dask")
    if scheduler is not None and jobs is not None and not plan:
        raise UsageError(
            "--jobs does not work with --scheduler: the cluster has its own number of workers"
        )
    if price is not None and not plan:
        raise UsageError("--price works only with --plan")
    if target_difference is not None and not plan:
        raise UsageError("--target-difference works only with --plan")
    from benchmark.core.workers import begin_imports, default_workers
    from benchmark.study.preload import PRELOAD

    if engine == "local" and not plan:
        begin_imports(PRELOAD)
    from benchmark.cli.request import read_request
    from benchmark.corrupted_sets.actions import read_clean
    from benchmark.data.set_names import CLEAN
    from benchmark.methods.registry import method_names
    from benchmark.runs.code import refuse_changed
    from benchmark.runs.run import find_run
    from benchmark.study.run_study import Crew, run_and_report
    from benchmark.study.study import Study

    # Workers elsewhere may have a GPU where this machine has none; a plan times trials here.
    elsewhere = scheduler is not None and device != "auto" and not plan
    asked = read_request(
        tuple(dict.fromkeys(methods)) or tuple(method_names()),
        data=data,
        preset=preset,
        device=device,
        overrides=overrides,
        repeats=repeats,
        elsewhere=elsewhere,
        without_broken=True,
    )
    cores = default_workers()
    at_once = jobs or (1 if asked.device.type == "cuda" else min(cores, len(asked.configs)))
    usual = CLEAN if (asked.data / CLEAN / "dataset.json").is_file() else asked.dataset.name
    corrupted = tuple(dict.fromkeys(corrupt)) or (usual,)
    for one in corrupted:
        read_clean(asked.data, one, option="--corrupt")
    whole = Study(
        asked.configs,
        asked.dataset,
        asked.data,
        runs,
        asked.device,
        # Include finished jobs, so that a resumed study gives the same bytes.
        threads=1 if engine == "dask" else max(1, cores // at_once),
        deterministic=deterministic,
        corrupted=corrupted,
        keep_state=keep_state,
        on_change=on_change or "refuse",
    )
    if whole.on_change == "refuse":
        refuse_changed([find_run(runs, config) for config in whole.configs])
    if plan:
        if target_difference is not None:
            _plan_repeats(whole, target_difference)
        else:
            _plan(whole, at_once, price)
        return
    crew = Crew(engine, at_once, scheduler, elsewhere=elsewhere)
    lines, faults = run_and_report(
        whole, crew, out, ansi=sys.stdout.isatty(), say=say, faults=asked.broken
    )
    for line in lines:
        show(line)
    if faults:
        raise join_errors(faults)


def _plan(study: "Study", workers: int, price: float | None) -> None:
    from benchmark.core.progress import progress_bar
    from benchmark.study.grid import make_grid
    from benchmark.study.planning import describe_plan, estimate, methods_to_train

    jobs = make_grid(study)
    with progress_bar("trials", len(methods_to_train(jobs))) as advance:
        found = estimate(study, jobs, advance=advance)
    cores = "a core" if study.threads == 1 else f"{study.threads} cores"
    worker = "a GPU" if study.device.type == "cuda" else cores
    show(describe_plan(jobs, found, workers=workers, worker=worker, price=price))


def _plan_repeats(study: "Study", target: float) -> None:
    from benchmark.reporting.report import REFERENCE
    from benchmark.study.needed_repeats import describe_needs, needed_repeats

    names = [config.name for config in study.configs]
    reference = REFERENCE if REFERENCE in names else names[0]
    show(describe_needs(needed_repeats(study, target, reference), target))
