"""``coopbench study``: all of it, for many methods and repeats."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmark.cli.options import (
    choose_preset,
    count_workers,
    data_option,
    deterministic_option,
    device_option,
    examples,
    keep_state_option,
    listed_repeats,
    locate_data,
    methods_option,
    on_change_option,
    preset_option,
    read_training_set,
    report_option,
    runs_option,
    set_option,
)
from benchmark.cli.report import make_report
from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.core.streams import say, show

if TYPE_CHECKING:
    from benchmark.runs.code import OnChange
    from benchmark.study.grid import Job
    from benchmark.study.study import Study


PROCESSES = (
    *("benchmark.corrupted_sets.corrupt_set", "corruptions.acdc_c"),
    *("benchmark.study.training", "benchmark.evaluation.evaluate", "benchmark.reporting.examples"),
)
"""What the processes of a study work with."""


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
@click.option(
    "--repeats", callback=listed_repeats, default="0", show_default=True, help="As 0,1,2."
)
@data_option
@click.option(
    "--corrupt",
    multiple=True,
    metavar="SET",
    help="Which prepared set is corrupted by ACDC-C; may be repeated.  [default: acdc]",
)
@preset_option
@device_option
@set_option
@runs_option
@report_option
@click.option(
    "--jobs",
    type=click.IntRange(1),
    help="Runs trained at once.  [default: one per core; one on a GPU]",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "dask"]),
    default="local",
    show_default=True,
    help="Who does the jobs: processes of this command, or the workers of a Dask cluster.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Dask's, as tcp://HOST:8786.  [default: one on this machine, with --jobs workers]",
)
@click.option(
    "--plan", is_flag=True, help="Say what there is to do, and what it takes; do nothing."
)
@click.option(
    "--target-difference",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="DICE",
    help="With --plan: how many repeats would show such a difference from standard training, by "
    "the spread of the finished ones, and the hours.",
)
@click.option("--price", type=click.FloatRange(0), help="Of a worker's hour, for --plan.")
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
    engine: str,
    scheduler: str | None,
    plan: bool,
    target_difference: float | None,
    price: float | None,
    deterministic: bool,
    on_change: "OnChange | None",
    keep_state: bool,
) -> None:
    """Corrupt, train, evaluate and report.

    Makes ACDC-C, of other prepared sets as well by --corrupt, trains the chosen methods and
    repeats, scores them on every prepared set and writes the report, skipping what is done; where
    the code of a method has changed since its runs were trained, choose --retrain or --keep. With
    --engine dask, each corruption, training and evaluation is a job of a Dask cluster, whose
    machines have to see the folders of data and runs; the report is made here. --plan only says
    what would be done, by trials on this machine.
    """
    import torch

    from benchmark.core.device import find_device
    from benchmark.core.parallel import begin_imports
    from benchmark.core.plugins import PluginError
    from benchmark.corrupted_sets.actions import Corrupting, read_clean
    from benchmark.data.set_names import CLEAN
    from benchmark.methods.registry import find_method, method_names
    from benchmark.reporting.report import ReportOptions
    from benchmark.runs.code import refuse_changed
    from benchmark.runs.config import resolve
    from benchmark.runs.run import find_run
    from benchmark.study.grid import RECIPE
    from benchmark.study.study import Study
    from benchmark.study.training import train_all

    chosen = tuple(dict.fromkeys(methods)) or tuple(method_names())
    broken: dict[str, PluginError] = {}
    for method in chosen:
        try:
            find_method(method)
        except PluginError as error:  # the others go on; it is said now, and again at the end
            broken[method] = error
    if scheduler is not None and engine != "dask":
        raise UsageError("--scheduler goes with --engine dask")
    if scheduler is not None and jobs is not None and not plan:
        raise UsageError("--jobs goes without --scheduler, whose workers are as many as there are")
    if price is not None and not plan:
        raise UsageError("--price goes with --plan")
    if target_difference is not None and not plan:
        raise UsageError("--target-difference goes with --plan")
    # Workers elsewhere may have the GPU that this machine has not; a plan is made of trials here.
    elsewhere = scheduler is not None and device != "auto" and not plan
    where = torch.device(device) if elsewhere else find_device(device)
    if engine == "local" and not plan:
        begin_imports(PROCESSES)
    folder = locate_data(data)
    dataset = read_training_set(folder, overrides)
    preset = choose_preset(preset, dataset, where.type)
    configs = []
    for repeat in repeats:
        for method in chosen:
            if method in broken:
                continue
            try:
                configs.append(
                    resolve(method, dataset, preset=preset, repeat=repeat, overrides=overrides)
                )
            except PluginError as error:
                broken[method] = error
    fault = _merged(list(broken.values())) if broken else None
    if fault is not None:
        if not configs:
            raise fault
        for line in fault.lines:
            say(f"left out: {line}")
    cores = count_workers(None)
    at_once = jobs or (1 if where.type == "cuda" else min(cores, len(configs)))
    # Whatever is finished already, so that a study that goes on gives the same bytes.
    threads = 1 if engine == "dask" else max(1, cores // at_once)
    corrupted = tuple(dict.fromkeys(corrupt)) or (CLEAN,)
    for name in corrupted:
        read_clean(folder, name, option="--corrupt")
    asked = Study(
        configs,
        dataset,
        folder,
        runs,
        where,
        threads,
        deterministic,
        corrupted,
        keep_state,
        on_change or "refuse",
    )
    if asked.on_change == "refuse":
        refuse_changed([find_run(runs, config) for config in configs])
    if plan:
        if target_difference is not None:
            _plan_repeats(asked, target_difference)
        else:
            _plan(asked, at_once, price)
        return
    if out is not None:  # before hours are spent, not after
        out.mkdir(parents=True, exist_ok=True)
    if engine == "local":
        work = Corrupting(RECIPE, 0, cores)
        for name in asked.corrupted:
            work.make_set(folder, name)
            for line in work.left_alone(folder, name):
                say(line)
    try:
        if engine == "dask":
            _study_on_dask(asked, scheduler, at_once)
        else:
            train_all(asked, jobs=at_once)
    except CoopbenchError as error:  # what is finished is to be seen all the same
        fault = _merged([*broken.values(), error])
        if elsewhere or not any(find_run(runs, config).finished for config in configs):
            raise fault from error
    here = find_device("auto") if elsewhere else where
    try:
        make_report(
            folder,
            runs,
            preset,
            out,
            ReportOptions(),
            device=here,
            scored_on=where,
            gather=True,
        )
    except CoopbenchError as error:
        raise (_merged([fault, error]) if fault else error) from error
    if fault is not None:
        raise fault


def _merged(errors: Sequence[CoopbenchError]) -> CoopbenchError:
    """All lines of several faults, and their details, in one."""
    lines = [line for error in errors for line in error.lines]
    return CoopbenchError(*lines, details="\n".join(e.details for e in errors if e.details))


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


def _study_on_dask(study: "Study", scheduler: str | None, workers: int) -> None:
    try:
        from benchmark.study.dask_engine import check_workers, cluster, run_on_cluster
    except ImportError as error:
        raise UsageError(
            f"--engine dask: {error.name} is not installed; pip install 'coopbench[dask]'"
        ) from error
    from benchmark.core.progress import make_progress
    from benchmark.study.grid import make_grid

    gpu, jobs, folders = study.device.type == "cuda", make_grid(study), (study.data, study.runs)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    with (
        cluster(scheduler, workers=workers, gpu=gpu, say=say) as client,
        make_progress() as progress,
    ):
        for line in check_workers(client, [folder.resolve() for folder in folders]):
            say(line)
        whole = progress.add_task("study", total=sum(job.due for job in jobs), note="")
        tasks: dict[str, Any] = {}

        def listen(message: tuple[str, int, int, str]) -> None:
            name, step, total, line = message
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total, note="")
            progress.update(tasks[name], completed=step, total=total, note=line)

        def advance(job: "Job", done: bool) -> None:
            progress.advance(whole)
            name = job.name.removeprefix("train ")
            if name in tasks:
                progress.remove_task(tasks.pop(name))
            if progress.disable and job.kind == "train":
                say(f"trained {name}" if done else f"not trained: {name}")

        faults = run_on_cluster(client, jobs, gpu=gpu, listen=listen, advance=advance, say=say)
    if faults:
        raise CoopbenchError(*faults)
