"""``coopbench train``: one run."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmark.cli.options import (
    data_option,
    deterministic_option,
    device_option,
    examples,
    keep_state_option,
    on_change_option,
    preset_option,
    printable_title,
    runs_option,
    set_option,
)
from benchmark.core.streams import say, show

if TYPE_CHECKING:
    from benchmark.runs.code import OnChange
    from benchmark.runs.run import Summary


@click.command(
    epilog=examples(
        "coopbench train --method proposed",
        "coopbench train --method standard --preset paper --repeat 1 --device cuda",
        "coopbench train --method standard --preset paper --repeat 1 --set epochs=900",
        "coopbench train --method proposed --set separate=true --name proposed-separate",
        "coopbench train --method proposed --set image_masks=channel --set soft=false --name hard",
    )
)
@click.option("--method", required=True, help="See 'coopbench methods'.")
@data_option
@preset_option
@click.option("--repeat", type=int, default=0, show_default=True, help="Split to train on.")
@click.option("--seed", type=int, help="Seed of everything random.  [default: the repeat's own]")
@device_option
@set_option
@click.option("--name", help="Name of the run, and of its row in tables.  [default: the method]")
@click.option("--title", help="Title in tables.  [default: the method's, or --name]")
@runs_option
@deterministic_option
@on_change_option
@keep_state_option
def train(
    method: str,
    data: Path | None,
    preset: str | None,
    repeat: int,
    seed: int | None,
    device: str,
    overrides: tuple[str, ...],
    name: str | None,
    title: str | None,
    runs: Path,
    deterministic: bool,
    on_change: "OnChange | None",
    keep_state: bool,
) -> None:
    """Train one run, or resume it.

    The same command given again continues where a run was stopped, unless the method's code has
    changed since: then choose --retrain or --keep. The run's folder
    RUNS/<data>-<preset>/<name>-r<repeat>-s<seed> holds the configuration, the log, TensorBoard
    events, the losses as CSV, and the weights with the best validation score.

    A finished run with a constant learning rate can be trained for more steps (--set steps=…) from
    its last state, which lies in its folder (30 MB).
    """
    from benchmark.cli.request import read_request
    from benchmark.core.progress import make_progress
    from benchmark.runs.code import changed_code
    from benchmark.runs.own_run import own_run
    from benchmark.training.loop import Trainer

    asked = read_request(
        [method],
        data=data,
        preset=preset,
        device=device,
        overrides=overrides,
        repeats=[repeat],
        seed=seed,
        name=name,
        title=None if title is None else printable_title(title, "--title"),
    )
    with own_run(runs, asked.configs[0], on_change=on_change or "refuse") as run:
        if run.begun and (change := changed_code(run)):
            say(f"{run.folder}: {change}; kept, as asked")
        if run.finished:
            if not keep_state:
                run.resume.unlink(missing_ok=True)
            show(f"{run.folder}: already trained ({_outcome(run.summary())})")
            return
        trainer = Trainer(
            run, asked.dataset, asked.device, deterministic=deterministic, keep_state=keep_state
        )
        with make_progress() as progress:
            task = progress.add_task(run.folder.name, total=trainer.total, note="")

            def watch(step: int, total: int, line: str) -> None:
                progress.update(task, completed=step, note=line)
                if progress.disable and (step % max(1, total // 10) == 0 or step == total):
                    say(f"{run.folder.name}: step {step} of {total}: {line}")

            trainer.train(watch)
        show(f"{run.folder}: trained ({_outcome(run.summary())})")


def _outcome(summary: "Summary") -> str:
    return (
        f"{summary.steps} steps, {summary.seconds_per_step:.2f} s each; best validation IoU "
        f"{summary.best_validation_iou:.3f} at step {summary.best_step}"
    )
