"""What ``coopbench corrupt`` does: make, verify, replay or show a set; each returns what to say."""

from pathlib import Path

from benchmark.core.errors import CoopbenchError, first_lines
from benchmark.corrupted_sets.corrupt_folder import corrupt_folder, find_images
from benchmark.corrupted_sets.corrupt_set import corrupt
from benchmark.corrupted_sets.manifest import MANIFEST, Manifest, compare, read_manifest, verify
from benchmark.corrupted_sets.preview import Example, preview
from benchmark.corrupted_sets.recipe import Recipe, find_recipe, recipe_again
from benchmark.data.dataset import evaluated_cases, read_dataset
from benchmark.data.nifti import read_volume
from benchmark.data.prepared import read_frame


class Corrupting:
    """A recipe at work.

    Args:
        recipe: its name, or a file.
        seed: of what is drawn.
        workers: processes.
        skip_bad: leave out images of a folder that cannot be used.

    Raises:
        UsageError: there is no such recipe.
        CoopbenchError: the file holds none.
    """

    def __init__(self, recipe: str, seed: int, workers: int, *, skip_bad: bool = False) -> None:
        self.recipe = find_recipe(recipe)
        self.seed, self.workers, self.skip_bad = seed, workers, skip_bad

    @property
    def name(self) -> str:
        """The recipe's name, and that of the folder of its sets."""
        return self.recipe.name

    def make_set(self, clean: Path, out: Path) -> list[str]:
        """Corrupt the test subjects of a prepared set."""
        dataset = read_dataset(clean)
        made = corrupt(dataset, self.recipe, out, seed=self.seed, workers=self.workers)
        lines = [f"{one.root}: {len(one.cases)} cases" for one in made.datasets]
        return [*lines, *_news(out, made.made)]

    def make_folder(self, images: Path, out: Path) -> list[str]:
        """Corrupt every image in a folder."""
        made = corrupt_folder(
            images,
            self.recipe,
            out,
            seed=self.seed,
            workers=self.workers,
            skip_bad=self.skip_bad,
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

    def verify(self, out: Path, clean: Path | None) -> list[str]:
        """Check a set against its manifest.

        Raises:
            CoopbenchError: something differs; all of it is named.
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
                "'coopbench corrupt' mends what it made, --replay makes it from the manifest",
            )
        return [f"{out}: {len(manifest.volumes)} volumes, all as in {MANIFEST}"]

    def replay_set(self, made: Path, clean: Path, out: Path) -> list[str]:
        """Make a prepared set's corruptions again, from a manifest's parameters."""
        manifest = _manifest_of(made, out, "prepared")
        recipe = recipe_again(manifest.recipe.name, manifest.recipe.definition)
        again = corrupt(
            read_dataset(clean),
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
        recipe = recipe_again(manifest.recipe.name, manifest.recipe.definition)
        again = corrupt_folder(
            images, recipe, out, seed=manifest.seed, workers=self.workers, replayed=manifest
        )
        return _replayed(out, again.manifest, manifest)

    def preview_set(self, clean: Path, out: Path) -> list[str]:
        """Show the recipe on the first test subject of a prepared set."""
        dataset = read_dataset(clean)
        case = evaluated_cases(dataset)[0]
        frame = read_frame(dataset, case, case.frames[0])
        name = f"{dataset.title} {case.subject} {case.frames[0]}"
        return self._preview(Example(frame.image, frame.spacing, name), out)

    def preview_folder(self, images: Path, out: Path) -> list[str]:
        """Show the recipe on the first image of a folder."""
        (first, *_), _ = find_images(images)
        volume = read_volume(images / first)
        slices = volume.data.T.astype("float32")
        return self._preview(Example(slices, volume.spacing[::-1], first.as_posix()), out)

    def _preview(self, example: Example, out: Path) -> list[str]:
        path = out / "preview.png"
        preview(self.recipe, example, path, seed=self.seed)
        return [f"wrote {path}"]


def _news(out: Path, made: int) -> list[str]:
    return (
        [f"{out / MANIFEST}: how to make and to check them"]
        if made
        else ["all were there and intact"]
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


def _replayed(out: Path, again: Manifest, wanted: Manifest) -> list[str]:
    faults = compare(again, wanted)
    if faults:
        raise CoopbenchError(
            *first_lines(faults),
            f"{out}: {len(faults)} of {len(wanted.volumes)} volumes differ from the manifest's; "
            "compare the versions of the libraries by --verify",
        )
    return [f"{out}: {len(again.volumes)} volumes, replayed to the same voxels"]
