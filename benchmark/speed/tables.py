"""Run the parts of the bench, and write a table for each."""

import statistics
from collections.abc import Sequence

import torch
from tabulate import tabulate

from benchmark.core.environment import environment
from benchmark.core.progress import progress_bar
from benchmark.corrupted_sets.recipe import Recipe
from benchmark.data.dataset import Dataset
from benchmark.runs.config import RunConfig
from benchmark.speed.corrupt import time_corrupt, watched_memory
from benchmark.speed.evaluation import time_evaluation
from benchmark.speed.floor import Machine, Work
from benchmark.speed.report import StudySize
from benchmark.speed.report_goals import GOALS, take_apart
from benchmark.speed.steps import time_steps


def bench_steps(
    configs: Sequence[RunConfig],
    dataset: Dataset,
    device: torch.device,
    *,
    rounds: int,
    steps: int,
    plain: bool,
) -> str:
    """Time the training step of each configuration, relative to the first."""
    with progress_bar("bench steps", rounds * len(configs)) as advance:
        times, machine = time_steps(
            configs, dataset, device, rounds=rounds, steps=steps, plain=plain, advance=advance
        )
    reference, training = configs[0].name, configs[0].training
    rows = [
        (
            name,
            f"{taken.median:.3f}",
            spread(taken.relative),
            f"{statistics.median(taken.plain):.2f}" if plain else "not measured",
            spread(taken.speed_up) if plain else "not measured",
            *floor_cells(taken.work, machine, taken.median),
        )
        for name, taken in times.items()
    ]
    headers = ["method", "s per step", f"over {reference}", "plain, s", "plain over ours"]
    return "\n".join(
        [
            "Training steps",
            "",
            table(rows, [*headers, *FLOOR_HEADERS]),
            "",
            f"Preset {configs[0].preset}: {training.crop} × {training.crop}, batch "
            f"{training.batch}; median (least to greatest) of {rounds} rounds of {steps} steps. "
            "plain: the same mathematics in float32, contiguous, eager, an optimiser for each "
            "part, slices augmented one by one on the CPU.",
            describe(machine),
        ]
    )


def bench_evaluation(
    config: RunConfig, dataset: Dataset, device: torch.device, *, rounds: int
) -> str:
    """Time the evaluation of the test subjects."""
    with progress_bar("bench evaluation", rounds) as advance:
        times, machine = time_evaluation(config, dataset, device, rounds=rounds, advance=advance)
    ours, count = statistics.median(times.ours), times.volumes
    row = (
        f"{count / ours:.1f}",
        f"{count / statistics.median(times.plain):.1f}",
        spread(times.speed_up),
        f"{count / statistics.median(times.scoring):.1f}",
        *floor_cells(times.work, machine, ours),
    )
    headers = ["predicted per s", "plain", "plain over ours", "read and scored per s"]
    return "\n".join(
        [
            "Evaluation, volumes per second by one process",
            "",
            table([row], [*headers, *FLOOR_HEADERS]),
            "",
            f"{count} volumes, {config.training.crop} × {config.training.crop}, FTN and FTN+STN; "
            f"{rounds} rounds. plain: float32, one slice after the other. floor: of the "
            "prediction of all volumes.",
            describe(machine),
        ]
    )


def bench_corrupt(dataset: Dataset, recipe: Recipe, *, workers: int, rounds: int) -> str:
    """Time a corrupted set, beside a plain loop that writes the same files."""
    with watched_memory() as largest:
        times = time_corrupt(dataset, recipe, workers=workers, rounds=rounds)
    rows = [
        (f"{plain:.1f}", f"{ours:.1f}", f"{ratio:.0%}")
        for plain, ours, ratio in zip(times.plain, times.ours, times.ratios, strict=True)
    ]
    held = largest()
    memory = "memory not measured" if held is None else f"the largest held {held / 2**20:.0f} MiB"
    return "\n".join(
        [
            "Corruption",
            "",
            table(rows, ["plain loop, s", "corrupt, s", "share"]),
            "",
            f"{times.volumes} volumes of {recipe.name}, {workers} processes; {memory}. floor: "
            f"{times.voxel_bytes / 1e6:.0f} MB of voxels are read and written, in "
            f"{times.copied:.2f} s where they are only copied through the file format.",
        ]
    )


def bench_report(size: StudySize | None) -> str:
    """Time a report from random scores, for a study of a given size, or for all goals."""
    if size is None:
        return bench_goals()
    taken = take_apart(size)
    rows = [(one.name, f"{one.seconds:.1f}", f"{one.gib:.2f}") for one in taken.stages]
    return "\n".join(
        [
            "Report",
            "",
            table(rows, ["stage", "s", "GiB held at most"]),
            "",
            f"{size.rows:,} scores: {taken.wall:.1f} s, {taken.cpu:.1f} s of processor time, "
            f"{taken.gb:.2f} GB",
        ]
    )


def bench_goals() -> str:
    """Time the reports of `benchmark.speed.report_goals.GOALS`, beside their goals."""
    rows = []
    for case in GOALS:
        taken = take_apart(case.size)
        rows.append(
            (
                case.name,
                str(case.size),
                f"{case.size.rows:,}",
                f"{taken.wall:.1f}",
                f"{taken.cpu:.1f}",
                f"{case.seconds:g}",
                f"{taken.gb:.2f}",
                "none" if case.gb is None else f"{case.gb:g}",
                "yes" if taken.meets(case) else "no",
            )
        )
    headers = ["study", "size", "scores", "s", "CPU s", "goal", "GB", "goal, GB", "met"]
    return "\n".join(
        [
            "Report",
            "",
            table(rows, headers),
            "",
            "size: methods, repeats, test sets, subjects. CPU s: processor time, which other work "
            "on the machine changes less; the goal is met if processor time and memory are "
            "not above their goals.",
        ]
    )


FLOOR_HEADERS = ["GFLOP", "GB moved", "floor, s", "ours over floor"]


def floor_cells(work: Work, machine: Machine, seconds: float) -> tuple[str, ...]:
    """The cells under `FLOOR_HEADERS`."""
    floor = work.floor(machine)
    return (
        f"{work.products / 1e9:.0f}",
        f"{work.traffic / 1e9:.1f}",
        f"{floor:.3f}",
        f"{seconds / floor:.1f}",
    )


def spread(ratios: Sequence[float]) -> str:
    """The median of ratios, with the smallest and the largest."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    """Write a table in Markdown."""
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)


def describe(machine: Machine) -> str:
    """Describe how the floors are computed."""
    return (
        "floor: the greater of the products over the machine's measured "
        f"{machine.products / 1e9:,.0f} GFLOP/s (a matrix product in the same precision) and the "
        "bytes that the operators, each on its own, read and write over its measured "
        f"{machine.bandwidth / 1e9:,.0f} GB/s (a copy)."
    )


def describe_hardware(device: torch.device) -> str:
    """Describe the hardware and software of the measurement."""
    about = environment(device)
    return (
        f"{about['device_name']}, {about['threads']} threads, torch {about['packages']['torch']}, "
        f"coopbench at commit {about['commit'] or 'unknown'}."
    )
