"""``coopbench corrupt`` and ``coopbench recipes``: corrupted sets, and the recipes that make
them."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmark.cli.debug import show_broken
from benchmark.cli.options import (
    FOLDER,
    RenamedOption,
    count_workers,
    data_option,
    examples,
    locate_data,
    skip_bad_option,
    workers_option,
)
from benchmark.core.errors import UsageError
from benchmark.core.streams import show

if TYPE_CHECKING:
    from benchmark.corrupted_sets.code import OnChange


@click.command(
    epilog=examples(
        "coopbench corrupt",
        "coopbench corrupt --recipe acdc-c-severity --preview",
        "coopbench corrupt --recipe mr-c pictures --preview  # pictures/preview.png",
        "coopbench corrupt --verify",
        "coopbench corrupt --replay acdc-c replayed      # from acdc-c/manifest.json alone",
        "coopbench corrupt --test-set acdc --test-set mnms   # M&Ms' test subjects as well",
        "coopbench corrupt --recipe mr-c imagesTs imagesTs-c",
        "coopbench corrupt --same-draw cine cine-c       # one artefact for all frames",
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
    help="A name from 'coopbench recipes', or a .toml file.",
)
@click.option(
    "--test-set",
    "sets",
    cls=RenamedOption,
    formerly="--set",
    multiple=True,
    metavar="NAME",
    help="Prepared set in DATA to corrupt; may be repeated.  [default: acdc]",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Other seeds draw other artefacts."
)
@click.option("--verify", is_flag=True, help="Check a set against its manifest; make nothing.")
@click.option(
    "--replay",
    type=FOLDER,
    metavar="SET",
    help="Make the corrupted set SET again in OUT, from the parameters in its manifest.",
)
@click.option("--preview", is_flag=True, help="Only draw a picture of the recipe, OUT/preview.png.")
@click.option(
    "--same-draw",
    is_flag=True,
    help="For 4D images in IMAGES: draw once for all frames, not once for each frame.",
)
@click.option(
    "--keep",
    "on_change",
    flag_value="keep",
    help="Keep a set made by an earlier version of a plug-in recipe; reports say so.",
)
@click.option(
    "--remake",
    "on_change",
    flag_value="remake",
    help="Make a set again where the code of its plug-in recipe has changed since.",
)
@skip_bad_option
@workers_option
def corrupt(
    images: Path | None,
    out: Path | None,
    data: Path | None,
    recipe: str,
    sets: tuple[str, ...],
    seed: int,
    verify: bool,
    replay: Path | None,
    preview: bool,
    same_draw: bool,
    on_change: "OnChange | None",
    skip_bad: bool,
    workers: int | None,
) -> None:
    """Make corrupted sets, such as ACDC-C.

    Without IMAGES, the test subjects of DATA/acdc are corrupted; --test-set names other sets. Each
    kind of artefact becomes a test set, DATA/<recipe>/<kind> (of another set,
    DATA/<recipe>-of-<set>/<kind>). With IMAGES and OUT, every NIfTI image below IMAGES is corrupted
    and written to OUT/<kind>; names, headers and the range of intensities are kept. A cine (4D) is
    corrupted frame by frame.

    The same seed gives the same voxels with any number of processes. A manifest beside the sets
    holds seeds, parameters and checksums: --verify checks it, --replay makes the set again. With
    --verify, --replay or --preview, a folder given alone is OUT.
    """
    from benchmark.corrupted_sets.actions import Corrupting, read_clean

    if sum((verify, replay is not None, preview)) > 1:
        raise UsageError("--verify, --replay, --preview: give one of them")
    if out is None and images is not None and (verify or replay is not None or preview):
        images, out = None, images
    if images is not None and out is None:
        raise UsageError(
            "corrupt IMAGES OUT: OUT is missing; give it, as in 'coopbench corrupt imagesTs out'"
        )
    if replay is not None and out is None:
        raise UsageError("--replay SET OUT: OUT is missing; give the folder to write to")
    if skip_bad and (images is None or verify or replay is not None or preview):
        raise UsageError(
            "--skip-bad: works with IMAGES OUT only; a prepared set is always made whole"
        )
    if same_draw and (images is None or verify or replay is not None or preview):
        raise UsageError("--same-draw: works with IMAGES OUT only, where images may be 4D")
    if sets and (images is not None or (verify and out is not None)):
        raise UsageError("--test-set: works with prepared sets in --data, not with IMAGES OUT")
    names = tuple(dict.fromkeys(sets)) or ("acdc",)
    if len(names) > 1 and (replay is not None or preview):
        raise UsageError("--test-set: give one set to --replay or --preview")
    done: Iterable[str]
    work = Corrupting(
        recipe,
        seed,
        count_workers(workers),
        skip_bad=skip_bad,
        same_draw=same_draw,
        on_change=on_change,
    )
    if verify and out is not None:
        done = work.verify(out, images)
    elif images is not None and out is not None:
        if replay is not None:
            done = work.replay_folder(replay, images, out)
        else:
            done = work.preview_folder(images, out) if preview else work.make_folder(images, out)
    else:
        folder = locate_data(data)
        if replay is not None and out is not None:
            done = work.replay_set(replay, folder, sets[0] if sets else None, out)
        elif preview:
            done = work.preview_set(folder, names[0], out)
        else:
            for name in names:  # check all before making the first
                read_clean(folder, name)
            do = work.verify_set if verify else work.make_set
            done = (line for name in names for line in do(folder, name))
    for line in done:
        show(line)


@click.command(epilog=examples("coopbench recipes"))
def recipes() -> None:
    """List the recipes of corruptions, and those that cannot be loaded, with the reason."""
    from tabulate import tabulate

    from benchmark.core.plugins import PluginError
    from benchmark.corrupted_sets.recipe import find_recipe, recipe_names

    rows, broken = [], []
    for name in recipe_names():
        try:
            recipe = find_recipe(name)
        except PluginError as error:
            broken.append(error)
            continue
        families = list(dict.fromkeys(recipe.family(kind)[0] for kind in recipe.kinds))
        grades = {recipe.family(kind)[1] for kind in recipe.kinds} - {None}
        severities = f"1 to {len(grades)}" if grades else "-"
        rows.append((name, recipe.version, recipe.draws, severities, ", ".join(families)))
    show(tabulate(rows, headers=["name", "version", "draws", "severities", "kinds"]))
    show_broken(broken)
