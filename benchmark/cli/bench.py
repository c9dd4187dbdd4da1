"""``coopbench bench``: the speed of this machine."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmark.cli.options import (
    count_workers,
    data_option,
    device_option,
    examples,
    methods_option,
    preset_option,
    set_option,
    workers_option,
)
from benchmark.core.errors import UsageError
from benchmark.core.streams import show

if TYPE_CHECKING:
    from benchmark.speed.report import StudySize


@click.command(
    epilog=examples(
        "coopbench bench",
        "coopbench bench steps --methods proposed-x,adv-noise --preset compact --rounds 5",
        "coopbench bench steps --methods proposed --device cuda --preset paper",
        "coopbench bench corrupt --recipe mr-c --rounds 2",
        "coopbench bench report",
        "coopbench bench report --study 30,5,30,150",
    )
)
@click.argument("parts", nargs=-1, type=click.Choice(["steps", "evaluation", "corrupt", "report"]))
@methods_option
@data_option
@preset_option
@device_option
@set_option
@click.option(
    "--reference", default="standard", show_default=True, help="Method to compare the steps with."
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="How often to measure; in each round, the harness and the plain code take turns.",
)
@click.option(
    "--steps", type=click.IntRange(1), default=3, show_default=True, help="Steps in each round."
)
@click.option("--plain/--no-plain", default=True, help="Also time plain code.  [default: plain]")
@click.option("--recipe", default="acdc-c", show_default=True, help="For 'corrupt'.")
@click.option(
    "--study",
    "study_size",
    metavar="M,R,T,S",
    help="For 'report': the numbers of methods, repeats, test sets and subjects of the study.  "
    "[default: the four sizes that have goals]",
)
@workers_option
def bench(
    parts: tuple[str, ...],
    methods: tuple[str, ...],
    data: Path | None,
    preset: str | None,
    device: str,
    overrides: tuple[str, ...],
    reference: str,
    rounds: int,
    steps: int,
    plain: bool,
    recipe: str,
    study_size: str | None,
    workers: int | None,
) -> None:
    """Measure the speed of this machine's harness, side by side with plain code.

    \b
    steps       the training step of each method, beside the same mathematics
                written plainly
    evaluation  volumes per second, beside one slice after the other
    corrupt     a recipe on the test subjects, beside a loop in one process
                that writes the same files
    report      tables, figures and page from drawn scores: of many methods,
                many test sets, 8 million scores, and as few as were measured

    Without arguments, the first three run. In each round the harness and the plain code take turns,
    and ratios are taken within a round. Steps and evaluation are also compared with their floor:
    the operations and bytes that they need, divided by the measured speed of this machine.
    """
    chosen = parts or ("steps", "evaluation", "corrupt")
    size = None if study_size is None else _study_size(study_size)
    if set(chosen) == {"report"}:
        from benchmark.speed.tables import bench_report

        show(bench_report(size))
        return
    from benchmark.cli.request import read_request
    from benchmark.corrupted_sets.recipe import find_recipe
    from benchmark.data.dataset import read_dataset
    from benchmark.methods.registry import method_names
    from benchmark.speed import tables as measure

    found = find_recipe(recipe) if "corrupt" in chosen else None  # only 'corrupt' needs TorchIO
    names = tuple(dict.fromkeys((reference, *(methods or method_names()))))
    asked = read_request(names, data=data, preset=preset, device=device, overrides=overrides)
    test_set = read_dataset(asked.data / "acdc")
    for part in dict.fromkeys(chosen):
        if part == "steps":
            said = measure.bench_steps(
                asked.configs,
                asked.dataset,
                asked.device,
                rounds=rounds,
                steps=steps,
                plain=plain,
            )
        elif part == "evaluation":
            said = measure.bench_evaluation(asked.configs[0], test_set, asked.device, rounds=rounds)
        elif found is not None and part == "corrupt":
            said = measure.bench_corrupt(
                test_set, found, workers=count_workers(workers), rounds=rounds
            )
        else:
            said = measure.bench_report(size)
        show(said + "\n")
    show(measure.describe_hardware(asked.device))


def _study_size(text: str) -> "StudySize":
    from benchmark.speed.report import StudySize

    parts = text.split(",")
    if len(parts) != 4 or not all(part.isdecimal() and int(part) for part in parts):
        raise UsageError(f"--study {text}: give four whole numbers, as 30,5,30,150")
    return StudySize(*map(int, parts))
