"""The actions of ``coopbench corrupt``: make, verify, replay or preview a set. Each returns the
lines to print."""

from pathlib import Path

from benchmark.core.errors import CoopbenchError, UsageError, first_lines
from benchmark.core.files import read_json
from benchmark.core.validation import nearest
from benchmark.corrupted_sets.code import CHOICE, OnChange, other_code
from benchmark.corrupted_sets.corrupt_folder import corrupt_folder, find_images
from benchmark.corrupted_sets.corrupt_set import corrupt, made_by
from benchmark.corrupted_sets.manifest import (
    MANIFEST,
    Manifest,
    compare,
    earlier_format,
    read_manifest,
    verify,
)
from benchmark.corrupted_sets.preview import Example, preview
from benchmark.corrupted_sets.recipe import Recipe, find_recipe, recipe_again
from benchmark.corrupted_sets.set_folder import held, set_folder
from benchmark.data.dataset import Dataset, evaluated_cases, find_datasets, read_dataset
from benchmark.data.nifti import read_image
from benchmark.data.prepared import read_frame
from benchmark.data.set_names import CLEAN


class Corrupting:
    """A recipe with its options, ready to make, verify, replay or preview sets.

    Args:
        recipe: its name, or a file.
        seed: seed of all random parameters.
        workers: number of processes.
        skip_bad: leave out images of a folder that cannot be used.
        same_draw: give all frames of a 4D image one artefact.
        on_change: what to do with a set made by an earlier version of the recipe's code; None:
            refuse.

    Raises:
        UsageError: the recipe does not exist.
        CoopbenchError: the file holds no recipe.
    """

    def __init__(
        self,
        recipe: str,
        seed: int,
        workers: int,
        *,
        skip_bad: bool = False,
        same_draw: bool = False,
        on_change: OnChange | None = None,
    ) -> None:
        self.recipe = find_recipe(recipe)
        self.seed, self.workers = seed, workers
        self.skip_bad, self.same_draw = skip_bad, same_draw
        self.on_change = on_change

    def folder(self, data: Path, clean: Dataset) -> Path:
        """The folder for the recipe's sets of a clean set, existing or new."""
        return set_folder(data, made_by(self.recipe, clean))

    def make_set(self, data: Path, name: str = CLEAN) -> list[str]:
        """Corrupt the test subjects of a prepared set; other sets stay as they are."""
        clean = read_clean(data, name)
        out = self.folder(data, clean)
        if kept := self._kept(out):
            return kept
        made = corrupt(clean, self.recipe, out, seed=self.seed, workers=self.workers)
        lines = [f"{one.root}: {len(one.cases)} cases" for one in made.datasets]
        return [*self.left_alone(data, name), *lines, *_news(out, made.made)]

    def left_alone(self, data: Path, name: str = CLEAN) -> list[str]:
        """A line on another recipe version in the set's usual folder, if there is one."""
        clean = read_clean(data, name)
        known_by, out = made_by(self.recipe, clean), self.folder(data, clean)
        usual = data / known_by.folder
        there = None if out == usual else held(usual)
        if there is None or there.same_as(known_by):
            return []
        return [f"{usual}: holds {there.words}, left as it is; {known_by.words} goes to {out}"]

    def make_folder(self, images: Path, out: Path) -> list[str]:
        """Corrupt every image in a folder."""
        if kept := self._kept(out):
            return kept
        made = corrupt_folder(
            images,
            self.recipe,
            out,
            seed=self.seed,
            workers=self.workers,
            skip_bad=self.skip_bad,
            same_draw=self.same_draw,
        )
        lines = [f"left out: {fault}" for fault in first_lines(made.faults)]
        lines.append(
            f"{out}: {len(made.manifest.volumes)} volumes of {len(self.recipe.kinds)} kinds"
        )
        if made.faults:
            lines.append(f"left out, broken: {len(made.faults)} images")
        if made.labels:
            lines.append(f"left out, label maps by their names: {len(made.labels)}")
        lines += made.notes
        return [*lines, *_news(out, made.made)]

    def _kept(self, out: Path) -> list[str]:
        """A line if a set made by an earlier version of the recipe's code is kept.

        Raises:
            CoopbenchError: the set is such a set, and the user has not chosen what to do.
        """
        if self.on_change == "remake" or not (out / MANIFEST).is_file() or earlier_format(out):
            return []  # an earlier manifest is always replaced
        other = other_code(read_manifest(out).software, self.recipe)
        if other and self.on_change is None:
            raise CoopbenchError(f"{out}: {other}; {CHOICE}")
        return [f"{out}: kept, as asked; {other}"] if other else []

    def verify_set(self, data: Path, name: str = CLEAN) -> list[str]:
        """Check the recipe's set of a clean one against its manifest, and the clean images.

        Raises:
            CoopbenchError: something differs (the message names all differences), or the set does
                not exist.
        """
        clean = read_clean(data, name)
        out = self.folder(data, clean)
        if not (out / MANIFEST).is_file():
            lacking = f"{out}: holds no {MANIFEST}; make the set with 'coopbench corrupt'"
            raise CoopbenchError(lacking, *self.left_alone(data, name))
        return self.verify(out, clean.root)

    def verify(self, out: Path, clean: Path | None) -> list[str]:
        """Check a set against its manifest.

        Raises:
            CoopbenchError: something differs; the message names all differences.
        """
        manifest = read_manifest(out)
        try:
            recipe: Recipe | None = recipe_again(manifest.recipe.name, manifest.recipe.definition)
        except CoopbenchError:
            recipe = None
        manifest, faults = verify(out, recipe, clean, workers=self.workers)
        if faults:
            raise CoopbenchError(
                *faults,
                f"{out}: differs from its manifest ({len(faults)} faults); "
                "'coopbench corrupt' replaces wrong files, --replay makes the set from the "
                "manifest",
            )
        return [f"{out}: {len(manifest.volumes)} volumes, all as in {MANIFEST}"]

    def replay_set(self, made: Path, data: Path, name: str | None, out: Path) -> list[str]:
        """Make a prepared set's corruptions again, from a manifest's parameters.

        Args:
            made: the set, or its manifest.
            data: folder of prepared sets.
            name: name of the clean set; None: the one in the manifest.
            out: the folder to write to.
        """
        manifest = _manifest_of(made, out, "prepared")
        recipe = _recipe_of(manifest, made)
        again = corrupt(
            read_clean(data, name or manifest.clean or CLEAN),
            recipe,
            out,
            seed=manifest.seed,
            workers=self.workers,
            replayed=manifest,
        )
        return _replayed(out, again.manifest, manifest)

    def replay_folder(self, made: Path, images: Path, out: Path) -> list[str]:
        """Make a folder's corruptions again, from a manifest's parameters."""
        manifest = _manifest_of(made, out, "folder")
        recipe = _recipe_of(manifest, made)
        again = corrupt_folder(
            images, recipe, out, seed=manifest.seed, workers=self.workers, replayed=manifest
        )
        return _replayed(out, again.manifest, manifest)

    def preview_set(self, data: Path, name: str, out: Path | None) -> list[str]:
        """Show the recipe on the first test subject of a prepared set."""
        dataset = read_clean(data, name)
        case = evaluated_cases(dataset)[0]
        frame = read_frame(dataset, case, case.frames[0])
        title = f"{dataset.title} {case.subject} {case.frames[0]}"
        target = out or self.folder(data, dataset)
        example = Example(frame.image, frame.spacing, title, dataset.phantom)
        return self._preview(example, target)

    def preview_folder(self, images: Path, out: Path) -> list[str]:
        """Show the recipe on the first image of a folder; for a 4D image, on its first frame."""
        (first, *_), _ = find_images(images)
        volume = read_image(images / first)
        slices = volume.data.T.astype("float32")
        stack = slices[0] if slices.ndim == 4 else slices
        phantom = _of_the_phantom(images / first)
        return self._preview(Example(stack, volume.spacing[::-1], first.as_posix(), phantom), out)

    def _preview(self, example: Example, out: Path) -> list[str]:
        path = out / "preview.png"
        preview(self.recipe, example, path, seed=self.seed)
        return [f"wrote {path}"]


def read_clean(data: Path, name: str, *, option: str = "--test-set") -> Dataset:
    """Read the prepared set of a name in a folder of data, as given by an option.

    Raises:
        UsageError: the set does not exist; the message names those that do, and the most similar
            name.
        CoopbenchError: the set is broken.
    """
    folder = data / name
    if not (folder / "dataset.json").is_file():
        found = sorted(one.root.name for one in find_datasets(data) if one.corruption is None)
        if found or name != CLEAN:
            raise UsageError(
                f"{option} {name}: {data} holds no prepared set of this name; there are "
                f"{', '.join(found) or 'none'}{nearest(name, found)}; others by 'coopbench prepare'"
            )
    return read_dataset(folder)


def _of_the_phantom(image: Path) -> bool:
    """Whether an image lies in a prepared set of synthetic hearts."""
    for folder in image.resolve().parents:
        if (folder / "dataset.json").is_file():
            record = read_json(folder / "dataset.json")  # maybe another framework's
            return isinstance(record, dict) and record.get("phantom") is True
    return False


def _news(out: Path, made: int) -> list[str]:
    return (
        [f"{out / MANIFEST}: how to make and to check them"]
        if made
        else ["all already existed, intact"]
    )


def _manifest_of(made: Path, out: Path, layout: str) -> Manifest:
    folder = made.parent if made.name == MANIFEST else made
    if folder.resolve() == out.resolve():
        raise CoopbenchError(f"{out}: is the set itself; give another folder to make it again in")
    manifest = read_manifest(folder)
    if manifest.layout != layout:
        wanted = "IMAGES OUT" if manifest.layout == "folder" else "OUT alone, and --data"
        raise CoopbenchError(f"{folder}: was made from {manifest.source}; give {wanted}")
    return manifest


def _recipe_of(manifest: Manifest, made: Path) -> Recipe:
    """The recipe that made a set, in the same version.

    Raises:
        CoopbenchError: the recipe is not installed, has another version, or lacks a kind of the
            set.
    """
    recipe = recipe_again(manifest.recipe.name, manifest.recipe.definition)
    if recipe.version != manifest.recipe.version:
        raise CoopbenchError(
            f"{made}: was made by version {manifest.recipe.version} of {recipe.name}; here is "
            f"version {recipe.version}, which makes other voxels from the same parameters"
        )
    for kind in dict.fromkeys(volume.kind for volume in manifest.volumes):
        if kind not in recipe.kinds:
            raise CoopbenchError(
                f"{made}: has the kind {kind}, which {recipe.name} lacks"
                f"{nearest(kind, recipe.kinds)}; there are {', '.join(recipe.kinds)}"
            )
    return recipe


def _replayed(out: Path, again: Manifest, wanted: Manifest) -> list[str]:
    faults = compare(again, wanted)
    if faults:
        raise CoopbenchError(
            *first_lines(faults),
            f"{out}: {len(faults)} of {len(wanted.volumes)} volumes differ from the manifest's; "
            "compare the versions of the libraries by --verify",
        )
    return [f"{out}: {len(again.volumes)} volumes, replayed to the same voxels"]
