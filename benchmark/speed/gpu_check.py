"""Check a machine with a GPU by one command (``make gpu-check``).

It runs the bench, times the training step eager and compiled, then trains `standard` and `proposed`
as far as the given time allows, scores them and exports them. The same command given again
continues from there.
"""

import io
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import click

from benchmark.core.errors import CoopbenchError
from benchmark.core.workers import process_context
from benchmark.speed.steps import PRELOAD
from coopbench_start import main

METHODS = ("standard", "proposed")
STEPS = 5
"""Training steps in each round of the variants."""

SAFETY = 0.8
"""Share of the time for training steps; the rest is for validation and scores."""


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Prepared sets.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Runs and results.")
@click.option("--minutes", type=click.FloatRange(0), required=True, help="For training both runs.")
@click.option("--device", default="cuda", show_default=True)
@click.option("--preset", default="paper", show_default=True)
@click.option("--variants", default="eager,compile,graphs", show_default=True)
@click.option(
    "--rounds", default=3, show_default=True, help="Rounds of the bench and of the variants."
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE")
def gpu_check(
    data: Path,
    out: Path,
    minutes: float,
    device: str,
    preset: str,
    variants: str,
    rounds: int,
    overrides: tuple[str, ...],
) -> None:
    """Bench this machine, train as far as the time allows, and export the results."""
    out.mkdir(parents=True, exist_ok=True)
    common = ["--data", str(data), "--device", device]
    sets = [word for one in overrides for word in ("--set", one)]
    told = ["--preset", preset, *sets]
    names = ",".join(METHODS)
    if not (out / "bench.txt").is_file():  # once is enough; training needs the time
        words = ["bench", "steps", "evaluation", "--methods", names, "--rounds", str(rounds)]
        (out / "bench.txt").write_text(_coopbench(*words, *common, *told), "utf-8")
    steps, lines = _plan(data, out / "runs", minutes, device, preset, variants, rounds, overrides)
    (out / "variants.txt").write_text("\n".join(lines) + "\n", "utf-8")
    click.echo("\n".join(lines))
    deadline = time.monotonic() + 60 * minutes
    runs = ["--runs", str(out / "runs")]
    for method in METHODS:
        _train(
            ["train", "--method", method, *common, *told, "--set", f"steps={steps}", *runs],
            deadline,
        )
    _coopbench("evaluate", *common, *runs)
    _coopbench("export", str(out / "exported"), *runs)
    click.echo(f"bring back {out / 'exported'}, {out / 'bench.txt'} and {out / 'variants.txt'}")


def _plan(
    data: Path,
    runs: Path,
    minutes: float,
    device: str,
    preset: str,
    variants: str,
    rounds: int,
    overrides: tuple[str, ...],
) -> tuple[int, list[str]]:
    """The number of steps that both runs can reach in the time, and a line on each variant's
    speed."""
    import torch

    from benchmark.core.device import find_device
    from benchmark.data.dataset import read_dataset
    from benchmark.runs.config import resolve
    from benchmark.runs.run import open_run
    from benchmark.speed.variants import time_variants
    from benchmark.training.learner import training_slices
    from benchmark.training.loop import total_steps

    dataset, where = read_dataset(data / "acdc"), find_device(device)
    lines, seconds, total, reached = [], 0.0, 0, []
    for method in METHODS:
        config = resolve(method, dataset, preset=preset, repeat=0, overrides=overrides)
        if not config.training.can_go_on:
            raise CoopbenchError(
                f"preset {preset}: runs with its schedule cannot be prolonged; "
                "add --set schedule=constant"
            )
        slices = training_slices(config, dataset, where)
        total = total_steps(config.training, slices)
        found = time_variants(config, slices, variants.split(","), rounds=rounds, steps=STEPS)
        for name, taken in found.items():
            shown = f"{taken:.4f} s per step" if isinstance(taken, float) else taken
            lines.append(f"{method}, {name}: {shown}")
        eager = found["eager"]  # the variant that the harness uses
        if not isinstance(eager, float):
            raise CoopbenchError(lines[-1])
        seconds += eager
        folder = runs / config.folder
        done = folder / "done.json"
        reached.append(open_run(folder).summary().steps if done.is_file() else 0)
        del slices
        if where.type == "cuda":
            torch.cuda.empty_cache()
    left = int(SAFETY * 60 * minutes / seconds)
    # Not fewer than a run has already, and not more than both can reach.
    steps = min(total, max(max(reached), min(reached) + left, 1))
    lines.append(f"steps: {steps} of {total}, after {min(reached)} before")
    return steps, lines


def _coopbench(*words: str) -> str:
    """Run a command in this process, which has imported its modules; returns the output.

    Raises:
        CoopbenchError: the command failed.
    """
    import torch

    click.echo(f"coopbench {' '.join(words)}", err=True)
    with redirect_stdout(io.StringIO()) as said:
        code = _run_coopbench(words)
    if code:
        raise CoopbenchError(f"coopbench {words[0]} ended with exit code {code}")
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()  # other processes need it
    click.echo(said.getvalue())
    return said.getvalue()


def _run_coopbench(words: Sequence[str]) -> int | str | None:
    """Run the console script's entry point; returns its exit code."""
    before, sys.argv = sys.argv, ["coopbench", *words]
    try:
        main()
    except SystemExit as end:
        return end.code
    finally:
        sys.argv = before
    return None


def _run_and_exit(words: Sequence[str]) -> None:
    """Run the command, then exit with its code; called in a new process."""
    sys.exit(_run_coopbench(words))


def _train(words: list[str], deadline: float) -> None:
    """Train until the deadline; an unfinished run saves its state.

    Raises:
        CoopbenchError: the training failed, or the time is over.
    """
    click.echo(f"coopbench {' '.join(words)}", err=True)
    process = process_context(PRELOAD).Process(target=_run_and_exit, args=(words,))
    process.start()
    process.join(timeout=max(60.0, deadline - time.monotonic()))
    if process.exitcode is None:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGINT)
        process.join()
        raise CoopbenchError(
            "the time is over; the state is saved: run the same command again to continue"
        )
    if process.exitcode:
        raise CoopbenchError(f"coopbench train ended with exit code {process.exitcode}")


if __name__ == "__main__":
    try:
        gpu_check(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except CoopbenchError as error:
        for line in error.lines:
            click.echo(f"Error: {line}", err=True)
        sys.exit(1)
