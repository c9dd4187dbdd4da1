"""The command ``coopbench``.

Everything heavy is imported inside the commands, so that ``coopbench --help`` answers at once.
"""

import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from benchmark import __version__
from benchmark.errors import CoopbenchError, UsageError, printable

if TYPE_CHECKING:
    import torch

    from benchmark.bench_report import StudySize
    from benchmark.config import RunConfig
    from benchmark.data.dataset import Dataset
    from benchmark.data.prepare import Prepared
    from benchmark.external import Missing
    from benchmark.grid import Job
    from benchmark.report import ReportOptions
    from benchmark.run import Summary

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
PRESETS = ("demo", "compact", "paper")
KEEPING = ("prepare", "phantom", "corrupt", "train", "evaluate", "report", "study")
"""The commands that go on where they were stopped."""


class _Fault(click.ClickException):
    """A fault in one line, without a traceback."""

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"coopbench: {self.format_message()}", err=True)


class _UsageFault(_Fault):
    exit_code = 2


class _Interruption(_Fault):
    exit_code = 130  # as shells have it


class _Commands(click.Group):
    """Turns a user's mistakes into one line: exit code 2 for usage, 1 for failure."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise _UsageFault(str(error)) from error
        except CoopbenchError as error:
            raise _Fault(str(error)) from error
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            place = f"{error.filename}: " if error.filename else ""
            raise _Fault(printable(f"{place}{error.strerror or error}")) from error
        except MemoryError as error:
            raise _Fault("out of memory; try fewer --workers, or a smaller batch") from error
        except KeyboardInterrupt as error:
            keeps = ctx.invoked_subcommand in KEEPING
            kept = "what is done is kept, and this goes on with it"
            truth = kept if keeps else "nothing of it is kept, and this begins it again"
            command = printable(" ".join(["coopbench", *sys.argv[1:]]))
            raise _Interruption(f"interrupted; {truth}: {command}") from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the work, which is the order of definition."""
        return list(self.commands)


def _say(line: str) -> None:
    """A line on what is going on; results go to standard output, this to standard error."""
    click.echo(printable(line), err=True)


def _examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def _workers(option: int | None) -> int:
    from benchmark.workers import default_workers

    return option or default_workers()


def _data(option: Path | None) -> Path:
    """Find the data, and say in one line what they are."""
    from benchmark.data.location import find_data

    location = find_data(option, workers=_workers(None))
    _say(location.line)
    return location.folder


def _preset(option: str | None, dataset: "Dataset", device: str) -> str:
    """The preset asked for, else the one that fits data and device; said in one line."""
    if option is not None:
        return option
    if dataset.phantom:
        preset, why = "demo", "the data are the phantom"
    elif device == "cuda":
        preset, why = "paper", "there is a GPU"
    else:
        preset, why = "compact", "there is no GPU"
    _say(f"preset: {preset}, since {why}; choose by --preset")
    return preset


data_option = click.option(
    "--data",
    type=FOLDER,
    help="Folder of prepared sets.  [default: $COOPBENCH_DATA, else ./data, else the phantom]",
)
runs_option = click.option(
    "--runs", type=FOLDER, default=Path("runs"), show_default=True, help="Folder of runs."
)
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to compute; auto takes a GPU where there is one.",
)
preset_option = click.option(
    "--preset",
    type=click.Choice(PRESETS),
    help="paper: the protocol; compact: for a CPU; demo: for the phantom.  "
    "[default: demo on the phantom, else paper on a GPU, else compact]",
)
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting of the harness or of the method; may be repeated.",
)
deterministic_option = click.option(
    "--deterministic",
    is_flag=True,
    help="Same bytes again on a GPU as well, at the cost of speed; on a CPU it is so anyway.",
)
workers_option = click.option(
    "--workers", type=click.IntRange(1), help="Processes.  [default: one per core]"
)
skip_bad_option = click.option(
    "--skip-bad", is_flag=True, help="Leave out what is broken, name and count it, and go on."
)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_examples(
        "coopbench train --method proposed      # on the built-in phantom, if there are no data",
        "coopbench corrupt",
        "coopbench report",
        "coopbench prepare acdc ~/ACDC          # the same on ACDC, into ./data",
        "coopbench study --methods standard,proposed --repeats 0,1,2",
    ),
)
@click.version_option(__version__, prog_name="coopbench")
def cli() -> None:
    """Benchmark cardiac MR segmentation: training, corrupted test sets, scores, tables."""


@cli.group()
def prepare() -> None:
    """Prepare a challenge's raw download."""


def _finish_preparing(prepared: "Prepared") -> None:
    dataset = prepared.dataset
    for warning in prepared.warnings:
        _say(f"warning: {warning}")
    kept = len(dataset.cases) - prepared.made
    click.echo(
        f"{dataset.root}: {len(dataset.cases)} subjects of {dataset.title}"
        + (f" ({kept} were there and intact)" if kept else "")
        + (f"; {dataset.left_out} left out, broken" if dataset.left_out else "")
    )


_raw_argument = click.argument("raw", type=click.Path(exists=True, file_okay=False, path_type=Path))
_out_option = click.option(
    "--out", type=FOLDER, default=Path("data"), show_default=True, help="Folder of prepared sets."
)


@prepare.command(
    "acdc",
    epilog=_examples("coopbench prepare acdc ~/ACDC", "coopbench prepare acdc ~/ACDC --out data"),
)
@_raw_argument
@_out_option
@skip_bad_option
@workers_option
def prepare_acdc(raw: Path, out: Path, skip_bad: bool, workers: int | None) -> None:
    """Prepare ACDC.

    RAW holds training/patient001/Info.cfg and so on.

    ACDC is for research use, CC BY-NC-SA 4.0, which also covers what is made from it. Cite Bernard
    et al., IEEE TMI 37(11), 2018.
    """
    from benchmark.data.acdc import read_acdc
    from benchmark.data.acdc_splits import acdc_splits
    from benchmark.data.prepare import prepare

    _say("ACDC: research use, CC BY-NC-SA 4.0, also of what is made from it; cite Bernard et al.")
    splits = acdc_splits()
    prepared = prepare(
        read_acdc(raw), out, workers=_workers(workers), splits=splits, skip_bad=skip_bad
    )
    there = {case.subject for case in prepared.dataset.cases}
    missing = [subject for subject in splits.test if subject not in there]
    if missing:
        _say(f"warning: {raw}: lacks the test subjects {' '.join(missing)}")
    _finish_preparing(prepared)


@prepare.command("mnms", epilog=_examples("coopbench prepare mnms ~/OpenDataset"))
@_raw_argument
@_out_option
@skip_bad_option
@workers_option
def prepare_mnms(raw: Path, out: Path, skip_bad: bool, workers: int | None) -> None:
    """Prepare M&Ms.

    RAW holds the CSV of subjects and Training/Labeled/CODE/CODE_sa.nii.gz.
    """
    from benchmark.data.mnms import read_mnms
    from benchmark.data.prepare import prepare

    _finish_preparing(prepare(read_mnms(raw), out, workers=_workers(workers), skip_bad=skip_bad))


@prepare.command("mscmr", epilog=_examples("coopbench prepare mscmr ~/MSCMR --sequence LGE"))
@_raw_argument
@_out_option
@click.option(
    "--sequence",
    type=click.Choice(["C0", "LGE", "T2"]),
    default="C0",
    show_default=True,
    help="C0 is bSSFP.",
)
@skip_bad_option
@workers_option
def prepare_mscmr(raw: Path, out: Path, sequence: str, skip_bad: bool, workers: int | None) -> None:
    """Prepare MS-CMRSeg 2019.

    RAW holds patient1_C0.nii.gz, patient1_C0_manual.nii.gz and so on, in whatever folders.
    """
    from benchmark.data.mscmr import read_mscmr
    from benchmark.data.prepare import prepare

    _finish_preparing(
        prepare(read_mscmr(raw, sequence), out, workers=_workers(workers), skip_bad=skip_bad)
    )


@cli.command(epilog=_examples("coopbench phantom", "coopbench phantom --out phantom-data"))
@click.option("--out", type=FOLDER, help="Folder of prepared sets.  [default: the user's cache]")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other hearts.")
@workers_option
def phantom(out: Path | None, seed: int, workers: int | None) -> None:
    """Make the built-in phantom.

    Synthetic hearts of one site, and of others, so that all can be tried without data. It is
    written in the challenges' raw layouts (OUT/raw) and prepared like real data. Commands
    without --data, where there is no ./data, use the one in the cache, and make it if need be.
    """
    from benchmark.data.location import phantom_folder
    from benchmark.data.phantom_set import make_phantom

    if out is None and seed:
        raise UsageError("--seed goes with --out: the phantom in the cache is that of seed 0")
    folder = out or phantom_folder()
    make_phantom(folder, seed=seed, workers=_workers(workers))
    click.echo(f"{folder}: the phantom, prepared as acdc (single site) and mnms (other sites)")


@cli.command(
    epilog=_examples(
        "coopbench corrupt",
        "coopbench corrupt --recipe acdc-c-severity --preview",
        "coopbench corrupt --recipe mr-c pictures --preview  # pictures/preview.png",
        "coopbench corrupt --verify",
        "coopbench corrupt --replay acdc-c replayed      # from acdc-c/manifest.json alone",
        "coopbench corrupt --recipe mr-c imagesTs imagesTs-c",
        "coopbench corrupt --recipe my.toml imagesTs imagesTs-mine",
    )
)
@click.argument("images", required=False, type=FOLDER)
@click.argument("out", required=False, type=FOLDER)
@data_option
@click.option(
    "--recipe",
    default="acdc-c",
    show_default=True,
    help="See 'coopbench recipes'; or a .toml file.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other draws.")
@click.option("--verify", is_flag=True, help="Check a set against its manifest; make nothing.")
@click.option(
    "--replay",
    type=FOLDER,
    metavar="SET",
    help="Make SET again into OUT, from the parameters in its manifest.",
)
@click.option("--preview", is_flag=True, help="Only draw a picture of the recipe, OUT/preview.png.")
@skip_bad_option
@workers_option
def corrupt(
    images: Path | None,
    out: Path | None,
    data: Path | None,
    recipe: str,
    seed: int,
    verify: bool,
    replay: Path | None,
    preview: bool,
    skip_bad: bool,
    workers: int | None,
) -> None:
    """Make corrupted sets, such as ACDC-C.

    Without IMAGES, the test subjects in DATA are corrupted, and each kind of artefact becomes a
    test set DATA/<recipe>/<kind>. With IMAGES and OUT, every NIfTI image below IMAGES is, into
    OUT/<kind>; names, headers and the range of intensities are kept.

    The same seed gives the same voxels, whatever the number of processes. A manifest beside the
    sets holds seeds, parameters and checksums: --verify checks it, --replay makes the set again.
    With --verify, --replay or --preview, a single folder is OUT.
    """
    from benchmark.corrupting import Corrupting

    if sum((verify, replay is not None, preview)) > 1:
        raise UsageError("--verify, --replay, --preview: give one of them")
    if out is None and images is not None and (verify or replay is not None or preview):
        images, out = None, images
    if images is not None and out is None:
        raise UsageError("corrupt IMAGES OUT: say where to, as in 'coopbench corrupt imagesTs out'")
    if replay is not None and out is None:
        raise UsageError("--replay SET OUT: say where to make it again")
    if skip_bad and (images is None or verify or replay is not None or preview):
        raise UsageError("--skip-bad: goes with IMAGES OUT; all of a prepared set is made")
    work = Corrupting(recipe, seed, _workers(workers), skip_bad=skip_bad)
    if verify and out is not None:
        done = work.verify(out, images)
    elif images is not None and out is not None:
        if replay is not None:
            done = work.replay_folder(replay, images, out)
        else:
            done = work.preview_folder(images, out) if preview else work.make_folder(images, out)
    else:
        folder = _data(data)
        if verify:
            done = work.verify(folder / work.name, folder / "acdc")
        elif replay is not None and out is not None:
            done = work.replay_set(replay, folder / "acdc", out)
        else:
            target = out or folder / work.name
            done = (work.preview_set if preview else work.make_set)(folder / "acdc", target)
    for line in done:
        click.echo(line)


@cli.command(epilog=_examples("coopbench recipes"))
def recipes() -> None:
    """List the recipes of corruptions."""
    from tabulate import tabulate

    from benchmark.recipe import find_recipe, recipe_names

    rows = []
    for name in recipe_names():
        recipe = find_recipe(name)
        families = list(dict.fromkeys(recipe.family(kind)[0] for kind in recipe.kinds))
        grades = {recipe.family(kind)[1] for kind in recipe.kinds} - {None}
        severities = f"1 to {len(grades)}" if grades else "-"
        rows.append((name, recipe.version, recipe.draws, severities, ", ".join(families)))
    click.echo(tabulate(rows, headers=["name", "version", "draws", "severities", "kinds"]))


@cli.command(epilog=_examples("coopbench methods", "coopbench methods proposed"))
@click.argument("name", required=False)
def methods(name: str | None) -> None:
    """List what can be trained here.

    With NAME, list every setting that 'coopbench train --method NAME --set KEY=VALUE' takes.
    """
    from tabulate import tabulate

    from benchmark.config import describe_settings
    from benchmark.methods.registry import find_method, method_names

    if name is not None:
        headers = ["key", "default (preset paper)", "meaning"]
        click.echo(tabulate(describe_settings(find_method(name)), headers=headers))
        return
    rows = []
    for found in method_names():
        try:
            method = find_method(found)
            rows.append((found, method.title, method.summary, method.reference))
        except CoopbenchError as error:
            rows.append((found, "(broken)", str(error), ""))
    click.echo(tabulate(rows, headers=["name", "in tables", "what it does", "reference"]))


@cli.command(
    "new-method",
    epilog=_examples(
        "coopbench new-method my-mix my-mix",
        "pip install -e my-mix && coopbench train --method my-mix",
    ),
)
@click.argument("name")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def new_method(name: str, folder: Path) -> None:
    """Write a method of your own to start from.

    DIR becomes a Python package with a working method NAME, a test, and a README. Once installed
    beside coopbench, it trains, is evaluated and stands in tables like any other.
    """
    from benchmark.new_method import new_method as write

    for path in write(name, folder):
        click.echo(f"wrote {path}")
    click.echo(f"next: pip install -e {folder}, then: coopbench train --method {name}")


@cli.command(
    epilog=_examples(
        "coopbench train --method proposed",
        "coopbench train --method standard --preset paper --repeat 1 --device cuda",
        "coopbench train --method proposed --set separate=true --name proposed-separate",
        "coopbench train --method proposed --set image_masks=dropout --set soft=false --name hard",
    )
)
@click.option("--method", required=True, help="See 'coopbench methods'.")
@data_option
@preset_option
@click.option("--repeat", type=int, default=0, show_default=True, help="Which split.")
@click.option("--seed", type=int, help="Of everything random.  [default: the repeat's own]")
@device_option
@set_option
@click.option("--name", help="The run's name, and its row in tables.  [default: the method]")
@runs_option
@deterministic_option
def train(
    method: str,
    data: Path | None,
    preset: str | None,
    repeat: int,
    seed: int | None,
    device: str,
    overrides: tuple[str, ...],
    name: str | None,
    runs: Path,
    deterministic: bool,
) -> None:
    """Train one run, or resume it.

    The same command again goes on where a run was stopped. Its folder
    RUNS/<data>-<preset>/<name>-r<repeat>-s<seed> holds the configuration, the log, TensorBoard
    events, the losses as CSV, and the weights with the best validation score.
    """
    from benchmark.config import resolve
    from benchmark.device import find_device
    from benchmark.methods.registry import find_method

    find_method(method)  # a misspelt name is said before anything long begins
    where = find_device(device)
    dataset = _training_set(_data(data), overrides)
    config = resolve(
        method,
        dataset,
        preset=_preset(preset, dataset, where.type),
        repeat=repeat,
        seed=seed,
        name=name,
        overrides=overrides,
    )
    from benchmark.progress import make_progress
    from benchmark.run import own_run
    from benchmark.training import Trainer

    with own_run(runs, config) as run:
        if run.finished:
            click.echo(f"{run.folder}: already trained ({_outcome(run.summary())})")
            return
        trainer = Trainer(run, dataset, where, deterministic=deterministic)
        with make_progress() as progress:
            task = progress.add_task(run.folder.name, total=trainer.total, note="")

            def watch(step: int, total: int, line: str) -> None:
                progress.update(task, completed=step, note=line)
                if progress.disable and (step % max(1, total // 10) == 0 or step == total):
                    _say(f"{run.folder.name}: step {step} of {total}: {line}")

            trainer.train(watch)
        click.echo(f"{run.folder}: trained ({_outcome(run.summary())})")


def _outcome(summary: "Summary") -> str:
    return (
        f"{summary.steps} steps, {summary.seconds_per_step:.2f} s each; best validation IoU "
        f"{summary.best_validation_iou:.3f} at step {summary.best_step}"
    )


def _training_set(data: Path, overrides: Sequence[str]) -> "Dataset":
    """The prepared set that is trained on: ``acdc`` unless ``--set train_set=…`` says otherwise."""
    from benchmark.data.dataset import read_dataset

    chosen = [o.partition("=")[2] for o in overrides if o.startswith("train_set=")]
    return read_dataset(data / (chosen[-1].strip("\"'") if chosen else "acdc"))


@cli.command(
    epilog=_examples(
        "coopbench evaluate",
        "coopbench evaluate runs/acdc-compact/proposed-r0-s40 --save-predictions",
    )
)
@click.argument("run", nargs=-1, type=FOLDER)
@data_option
@runs_option
@device_option
@click.option("--save-predictions", is_flag=True, help="Also write label maps, as NIfTI.")
@workers_option
def evaluate(
    run: tuple[Path, ...],
    data: Path | None,
    runs: Path,
    device: str,
    save_predictions: bool,
    workers: int | None,
) -> None:
    """Score runs on every test set.

    RUN is the folder of a run, or of several (default: all in RUNS that were trained on DATA).
    Each is scored on every prepared set in DATA. Scores of FTN and FTN+STN go to
    RUNS/<data>-<preset>/scores.csv, and per set into each run's folder. What is scored already is
    kept.
    """
    from benchmark.data.dataset import evaluated_cases
    from benchmark.device import find_device
    from benchmark.evaluation import evaluate as score
    from benchmark.evaluation import gather_groups
    from benchmark.run import find_runs, open_run
    from benchmark.selection import all_datasets, finished_runs

    datasets = all_datasets(_data(data))
    if run:
        chosen = [one for folder in run for one in list(find_runs(folder)) or [open_run(folder)]]
        known = {dataset.fingerprint for dataset in datasets}
        for one in chosen:
            if one.config.data.fingerprint not in known:
                raise CoopbenchError(
                    f"{one.folder}: was trained on other data than these, and scores on both do "
                    "not mix; prepare further test sets beside its training data"
                )
    else:
        selection = finished_runs(runs, datasets)
        chosen = selection.runs
        for line in selection.left_out:
            _say(line)
    for dataset in datasets:
        if not evaluated_cases(dataset):
            raise CoopbenchError(f"{dataset.root}: holds none of its test subjects")
    score(
        chosen,
        datasets,
        device=find_device(device),
        save_predictions=save_predictions,
        workers=workers,
    )
    for out, scored in gather_groups(chosen, datasets):
        click.echo(f"{out}: {scored} runs on {', '.join(one.title for one in datasets)}")
    if save_predictions:
        click.echo("label maps: predictions/ in each run's folder")


@cli.command(epilog=_examples("coopbench predict runs/acdc-compact/proposed-r0-s40 my_scan.nii.gz"))
@click.argument("run", type=FOLDER)
@click.argument("image", type=FILE)
@click.option("--out", type=FILE, help="Label map.  [default: IMAGE_seg.nii.gz beside IMAGE]")
@click.option("--overwrite", is_flag=True, help="Replace a label map that is there already.")
@click.option("--frame", type=click.IntRange(0), help="Frame, from 0, of a 4D image.")
@click.option(
    "--output",
    type=click.Choice(["FTN", "FTN+STN"]),
    default="FTN+STN",
    show_default=True,
    help="The first prediction, or the refined one.",
)
@device_option
def predict(
    run: Path,
    image: Path,
    out: Path | None,
    overwrite: bool,
    frame: int | None,
    output: str,
    device: str,
) -> None:
    """Segment your own short-axis image.

    The weights of RUN label IMAGE in its own space. Any spacing and size: the image is prepared
    like the training data, its centre segmented (262 mm wide for preset paper, 175 mm for
    compact), and the result brought back. Labels: 1 LV, 2 MYO, 3 RV.
    """
    from benchmark.data.labels import STRUCTURES
    from benchmark.data.nifti import stem
    from benchmark.device import find_device
    from benchmark.prediction import trained_network
    from benchmark.run import open_run
    from benchmark.volume import segment_file

    opened = open_run(run)
    where = find_device(device)
    network, precision = trained_network(opened, where)
    target = out or image.with_name(f"{stem(image)}_seg.nii.gz")
    if not target.name.endswith((".nii", ".nii.gz")):
        raise UsageError(f"--out {target}: give a name that ends in .nii.gz")
    if target.resolve() == image.resolve():
        raise UsageError(f"--out {target}: is the image itself")
    if target.exists() and not overwrite:
        raise UsageError(f"{target}: is there already; give another --out, or --overwrite")
    if not opened.finished:
        _say(f"warning: {run}: its training is not finished; its best weights so far are used")
    label = segment_file(
        image,
        target,
        network,
        size=opened.config.training.crop,
        frame=frame,
        output=output,
        device=where,
        precision=precision,
    )
    counts = ", ".join(f"{name} {(label == value).sum()}" for value, name in STRUCTURES.items())
    click.echo(f"{target}: voxels of {counts}")


@cli.command(
    epilog=_examples(
        "coopbench score predictions data --name mine          # predictions/acdc/007/ED.nii.gz …",
        "coopbench score nnunet-out data/acdc --name nnU-Net --map 1=RV,2=MYO,3=LV",
        "coopbench score nnunet-out labelsTs --set ACDC --map 1=RV,2=MYO,3=LV "
        "--label-map 1=RV,2=MYO,3=LV",
        "coopbench score nnunet-out labelsTs --corrupted imagesTs-c    # nnunet-out/Noise-1/ …",
        "coopbench report --scores scores/nnU-Net.csv",
    )
)
@click.argument("predictions", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("labels", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--name", help="The row in tables.  [default: the name of PREDICTIONS]")
@click.option(
    "--map",
    "values",
    default="1=LV,2=MYO,3=RV",
    show_default=True,
    metavar="VALUE=STRUCTURE,…",
    help="What the values of predictions mean; also =background.",
)
@click.option(
    "--label-map",
    metavar="VALUE=STRUCTURE,…",
    help="The same of a plain folder of labels.  [default: 1=LV,2=MYO,3=RV]",
)
@click.option(
    "--missing",
    type=click.Choice(["fail", "zero", "skip"]),
    default="fail",
    show_default=True,
    help="Predictions missing or broken: write nothing, count Dice 0, or leave them out.",
)
@click.option(
    "--set", "title", help="Test set of a plain folder of labels.  [default: the folder's name]"
)
@click.option(
    "--corrupted",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="OUT",
    help="Of 'coopbench corrupt IMAGES OUT': score each kind in it against the same labels.",
)
@click.option(
    "--case",
    metavar="REGEX",
    help="Groups 'subject' and 'frame' in the cases of a plain folder.  "
    "[default: SUBJECT_FRAME, frame ED, ES or frame<N>, or SUBJECT alone]",
)
@click.option(
    "--output",
    type=click.Choice(["FTN", "FTN+STN"]),
    default="FTN",
    show_default=True,
    help="Whose columns the row stands in.",
)
@click.option("--repeat", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Goes with the repeat."
)
@click.option("--out", type=FILE, help="Scores, as CSV.  [default: scores/<name>.csv]")
@workers_option
def score(
    predictions: Path,
    labels: Path,
    name: str | None,
    values: str,
    label_map: str | None,
    missing: "Missing",
    title: str | None,
    corrupted: Path | None,
    case: str | None,
    output: str,
    repeat: int,
    seed: int,
    out: Path | None,
    workers: int | None,
) -> None:
    """Score label maps of any framework.

    PREDICTIONS holds NIfTI label maps of nnU-Net, MONAI or your own. LABELS is a data folder (of
    each set NAME in it, PREDICTIONS/NAME is scored), one prepared set, or a plain folder of label
    files. Prepared sets are scored on the centre 192 × 192, as our own runs are; plain folders on
    whole volumes.

    Files are matched by case: 007/draw1/ED_seg.nii.gz, 007_draw1_ED.nii.gz and
    draw1/007_ED.nii.gz are the same; _0000, _img, _seg, _gt, _label, _pred, _prediction, _dseg
    and _mask at the end of a name do not count. A label without a draw serves all draws.

    With --corrupted, LABELS is a plain folder, and PREDICTIONS holds a folder for each kind, named
    as in OUT, and one for the clean images: clean, or named as --set. Recipe, kinds and severities
    then go with the scores, so that the report has their tables of robustness.

    The scores are tidy like those of 'coopbench evaluate', with their provenance as .json beside
    them. 'coopbench report --scores FILE' takes them into the table.
    """
    from benchmark.config import check_name
    from benchmark.external import (
        Row,
        check_target,
        find_test_sets,
        parse_numbering,
        score_predictions,
        unmatched_line,
        write_scores,
    )
    from benchmark.lock import only_one

    row = Row(check_name(name or predictions.resolve().name), repeat, seed, output)
    numbering = parse_numbering("--map", values)
    sets = find_test_sets(
        predictions,
        labels,
        output=output,
        title=title,
        label_map=label_map,
        case=case,
        corrupted=corrupted,
    )
    target = out or Path("scores") / f"{row.name}.csv"
    check_target(target, row, [one.title for one in sets])
    for line in filter(None, map(unmatched_line, sets)):
        _say(line)
    scored = score_predictions(
        sets,
        predictions,
        row,
        numbering=numbering,
        missing=missing,
        options={
            "map": values,
            "label_map": label_map,
            "set": title,
            "case": case,
            "corrupted": corrupted.resolve().name if corrupted else None,
        },
        workers=_workers(workers),
    )
    for line in scored.faults:
        _say(f"warning: {line}")
    with only_one(target.parent, "writing scores in", of=target.stem):
        write_scores(scored, target)
    for line in scored.summary:
        click.echo(line)
    click.echo(f"wrote {target}; next: coopbench report --scores {target}")


@cli.command(
    epilog=_examples(
        "coopbench report",
        "coopbench report --data data --preset paper --out paper --compare poster",
        "coopbench report --reference proposed --scores scores/nnU-Net.csv",
    )
)
@data_option
@runs_option
@click.option(
    "--preset", type=click.Choice(PRESETS), help="Which runs, where there are several presets."
)
@click.option("--out", type=FOLDER, help="Folder to write to.  [default: report/<data>-<preset>]")
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
    help="What every method is tested against.  [default: standard]",
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
      OUT/scores.csv    the scores behind them, one row per volume, structure and output

    Differences are tested over subjects (Wilcoxon, Holm) against --reference.
    """
    from benchmark.report import ReportOptions

    options = ReportOptions(
        average_all=average_all,
        compare_poster=compare == "poster",
        pictures=pictures,
        reference=reference,
    )
    _report(_data(data), runs, preset, out, options, device, workers, scores)


def _report(
    data: Path,
    runs: Path,
    preset: str | None,
    out: Path | None,
    options: "ReportOptions",
    device: str,
    workers: int | None,
    external: Sequence[Path] = (),
) -> None:
    from benchmark.device import find_device
    from benchmark.evaluation import evaluate as score
    from benchmark.evaluation import gather_groups
    from benchmark.external_rows import read_external_rows
    from benchmark.report import write_report
    from benchmark.selection import all_datasets, select_runs

    datasets = all_datasets(data)
    selection = select_runs(runs, datasets, preset, may_be_empty=bool(external))
    names = {run.config.name for run in selection.runs}
    rows = read_external_rows(external, names, datasets)
    where = find_device(device)
    score(selection.runs, datasets, device=where, workers=workers)
    gather_groups(selection.runs, datasets)
    folder = out or Path("report") / selection.group
    written = write_report(
        selection,
        datasets,
        folder,
        options=options,
        ansi=sys.stdout.isatty(),
        device=where,
        external=rows,
    )
    click.echo(written.text)
    for line in written.lines(folder):
        click.echo(line)


def _listed(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if value else ()


@cli.command(
    epilog=_examples(
        "coopbench export shared",
        "coopbench export shared --runs runs/acdc-paper",
        "coopbench report --runs shared",
    )
)
@click.argument("out", type=FOLDER)
@runs_option
def export(out: Path, runs: Path) -> None:
    """Copy finished runs to OUT without their weights, for others.

    Configuration, versions and hardware, log, loss curves and scores of every run, some hundred
    kilobytes each. Who has the same prepared data can make a report of them, or put them among
    runs of their own, where a study takes them as done.
    """
    from benchmark.export import export as copy
    from benchmark.run import find_runs

    found = list(find_runs(runs))
    finished = [run for run in found if run.finished]
    if not finished:
        raise CoopbenchError(f"{runs}: holds no finished run; see 'coopbench train'")
    for path in copy(finished, out):
        click.echo(f"wrote {path}")
    for run in found:
        if not run.finished:
            _say(f"{run.folder}: left out, its training is not finished")


@cli.command(
    epilog=_examples(
        "coopbench study",
        "coopbench study --data data --methods standard,proposed --repeats 0,1,2",
        "coopbench study --repeats 0,1,2 --plan --jobs 8 --price 2.50",
        "coopbench study --repeats 0,1,2 --engine dask --scheduler tcp://head-node:8786",
    )
)
@click.option("--methods", callback=_listed, help="Names, with commas between.  [default: all]")
@click.option("--repeats", callback=_listed, default="0", show_default=True, help="As 0,1,2.")
@data_option
@preset_option
@device_option
@set_option
@runs_option
@click.option("--out", type=FOLDER, help="Folder to write to.  [default: report/<data>-<preset>]")
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
@click.option("--price", type=click.FloatRange(0), help="Of a worker's hour, for --plan.")
@deterministic_option
def study(
    methods: tuple[str, ...],
    repeats: tuple[str, ...],
    data: Path | None,
    preset: str | None,
    device: str,
    overrides: tuple[str, ...],
    runs: Path,
    out: Path | None,
    jobs: int | None,
    engine: str,
    scheduler: str | None,
    plan: bool,
    price: float | None,
    deterministic: bool,
) -> None:
    """Corrupt, train, evaluate and report.

    All of the above for the chosen methods and repeats, skipping what is done. With --engine dask,
    each corruption, training and evaluation is a job of a Dask cluster, whose machines have to see
    the folders of data and runs; the report is made here. --plan only says what would be done.
    """
    from benchmark.config import resolve
    from benchmark.corrupting import Corrupting
    from benchmark.device import find_device
    from benchmark.grid import RECIPE, make_grid
    from benchmark.methods.registry import find_method, method_names
    from benchmark.report import ReportOptions
    from benchmark.study import train_all

    chosen = tuple(dict.fromkeys(methods)) or tuple(method_names())
    for method in chosen:
        find_method(method)
    wrong = [repeat for repeat in repeats if not repeat.isdecimal()]
    if scheduler is not None and engine != "dask":
        raise UsageError("--scheduler goes with --engine dask")
    if price is not None and not plan:
        raise UsageError("--price goes with --plan")
    if wrong or not repeats:
        raise UsageError(f"--repeats {','.join(repeats)}: give whole numbers, as 0,1,2")
    where = find_device(device)
    folder = _data(data)
    dataset = _training_set(folder, overrides)
    preset = _preset(preset, dataset, where.type)
    configs = [
        resolve(method, dataset, preset=preset, repeat=repeat, overrides=overrides)
        for repeat in dict.fromkeys(int(repeat) for repeat in repeats)
        for method in chosen
    ]
    cores, gpu = _workers(None), where.type == "cuda"
    at_once = jobs or (1 if gpu else min(cores, len(configs)))
    grid = partial(
        make_grid,
        configs,
        dataset,
        folder,
        runs,
        device=where,
        threads=max(1, cores // at_once),
        deterministic=deterministic,
    )
    if plan:
        _plan(grid(), configs, dataset, folder, runs, where, at_once, cores, price)
        return
    if out is not None:  # before hours are spent, not after
        out.mkdir(parents=True, exist_ok=True)
    if engine == "dask":
        _study_on_dask(grid(threads=1), [folder, runs], scheduler, at_once, gpu=gpu)
    else:
        Corrupting(RECIPE, 0, cores).make_set(folder / "acdc", folder / RECIPE)
        train_all(configs, dataset, runs, device=where, jobs=jobs, deterministic=deterministic)
    _report(folder, runs, preset, out, ReportOptions(), device, None)


def _plan(
    grid: "Sequence[Job]",
    configs: "Sequence[RunConfig]",
    dataset: "Dataset",
    data: Path,
    runs: Path,
    device: "torch.device",
    workers: int,
    cores: int,
    price: float | None,
) -> None:
    from benchmark.planning import describe_plan, estimate
    from benchmark.progress import progress_bar

    todo = {job.method for job in grid if job.kind == "train" and not job.done}
    with progress_bar("trials", len(todo)) as advance:
        found = estimate(
            grid,
            configs,
            dataset,
            data,
            runs,
            device=device,
            threads=max(1, cores // workers),
            advance=advance,
        )
    click.echo(describe_plan(grid, found, workers=workers, device=device.type, price=price))


def _study_on_dask(
    grid: "Sequence[Job]",
    folders: Sequence[Path],
    scheduler: str | None,
    workers: int,
    *,
    gpu: bool,
) -> None:
    try:
        from benchmark.dask_engine import check_workers, cluster, run_on_cluster
    except ImportError as error:
        raise UsageError(
            f"--engine dask: {error.name} is not installed; pip install 'coopbench[dask]'"
        ) from error
    from benchmark.progress import make_progress

    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    with cluster(scheduler, workers=workers, gpu=gpu) as client, make_progress() as progress:
        for line in check_workers(client, [folder.resolve() for folder in folders]):
            _say(line)
        whole = progress.add_task("study", total=sum(job.due for job in grid), note="")
        tasks: dict[str, Any] = {}

        def listen(message: tuple[str, int, int, str]) -> None:
            name, step, total, line = message
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total, note="")
            progress.update(tasks[name], completed=step, total=total, note=line)

        def advance(job: "Job") -> None:
            progress.advance(whole)
            name = job.name.removeprefix("train ")
            if name in tasks:
                progress.remove_task(tasks.pop(name))
            if progress.disable and job.kind == "train":
                _say(f"trained {name}")

        faults = run_on_cluster(client, grid, gpu=gpu, listen=listen, advance=advance)
    if faults:
        raise CoopbenchError(*faults)


@cli.command(
    epilog=_examples(
        "coopbench bench",
        "coopbench bench steps --methods proposed-x,adv-noise --preset compact --rounds 5",
        "coopbench bench steps --methods proposed --device cuda --preset paper",
        "coopbench bench corrupt --recipe mr-c --rounds 2",
        "coopbench bench report --study 30,5,30,150",
    )
)
@click.argument("parts", nargs=-1, type=click.Choice(["steps", "evaluation", "corrupt", "report"]))
@click.option("--methods", callback=_listed, help="Names, with commas between.  [default: all]")
@data_option
@preset_option
@device_option
@set_option
@click.option("--reference", default="standard", show_default=True, help="What steps relate to.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--steps", type=click.IntRange(1), default=3, show_default=True, help="Per round.")
@click.option("--plain/--no-plain", default=True, help="Time plain steps too.  [default: plain]")
@click.option("--recipe", default="acdc-c", show_default=True, help="Of 'corrupt'.")
@click.option(
    "--study",
    "study_size",
    default="30,5,30,150",
    show_default=True,
    help="Of 'report': methods, repeats, test sets, subjects.",
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
    study_size: str,
    workers: int | None,
) -> None:
    """Measure the speed of this machine's harness, side by side with plain code.

    \b
    steps       the training step of each method, beside the same mathematics
                written plainly
    evaluation  volumes per second, beside one slice after the other
    corrupt     a recipe on the test subjects, beside a loop in one process
                that writes the same files
    report      tables, figures and page from drawn scores of a study of
                8 million rows

    The first three unless others are named. The sides take turns within each round, and ratios are
    taken within it. Steps and evaluation are also set against their floor: what they compute and
    move, over what the machine was measured to compute and move.
    """
    chosen = parts or ("steps", "evaluation", "corrupt")
    size = _study_size(study_size)
    if set(chosen) == {"report"}:
        from benchmark.bench import bench_report

        click.echo(bench_report(size))
        return
    from benchmark import bench as measure
    from benchmark.config import resolve
    from benchmark.data.dataset import read_dataset
    from benchmark.device import find_device
    from benchmark.methods.registry import find_method, method_names
    from benchmark.recipe import find_recipe

    names = tuple(dict.fromkeys((reference, *(methods or method_names()))))
    for method in names:
        find_method(method)
    found, where, folder = find_recipe(recipe), find_device(device), _data(data)
    dataset = _training_set(folder, overrides)
    preset = _preset(preset, dataset, where.type)
    configs = [
        resolve(method, dataset, preset=preset, repeat=0, overrides=overrides) for method in names
    ]
    test_set = read_dataset(folder / "acdc")
    for part in dict.fromkeys(chosen):
        if part == "steps":
            said = measure.bench_steps(
                configs, dataset, where, rounds=rounds, steps=steps, plain=plain
            )
        elif part == "evaluation":
            said = measure.bench_evaluation(configs[0], test_set, where, rounds=rounds)
        elif part == "corrupt":
            said = measure.bench_corrupt(test_set, found, workers=_workers(workers), rounds=rounds)
        else:
            said = measure.bench_report(size)
        click.echo(said + "\n")
    click.echo(measure.describe_hardware(where))


def _study_size(text: str) -> "StudySize":
    from benchmark.bench_report import StudySize

    parts = text.split(",")
    if len(parts) != 4 or not all(part.isdecimal() and int(part) for part in parts):
        raise UsageError(f"--study {text}: give four whole numbers, as 30,5,30,150")
    return StudySize(*map(int, parts))


def main() -> None:
    """Entry point of the console script."""
    # Schedulers end a job by SIGTERM; it is to stop as it does on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cli(prog_name="coopbench")


if __name__ == "__main__":
    main()
