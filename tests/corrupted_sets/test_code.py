"""A set whose plug-in recipe has changed since is never taken for today's, in silence."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmark.cli import cli
from benchmark.corrupted_sets.code import code_notes, recipe_code
from benchmark.corrupted_sets.manifest import read_manifest
from benchmark.corrupted_sets.recipe import find_recipe, recipe_names
from benchmark.data.dataset import read_dataset
from benchmark.data.nifti import read_image

RECIPE = '''"""A recipe of the tests."""

from benchmark.corrupted_sets.recipe import Corrupted, Recipe


class Dim(Recipe):
    name = "dim"
    title = "Dim"
    version = 1
    kinds = ("Dim",)
    draws = 1
    field = None
    packages = ()

    def corrupt(self, slices, kind, seed, spacing):
        return Corrupted(self.replay(slices, kind, {}), {})

    def replay(self, slices, kind, parameters):
        return slices ** 2
'''
OTHER = RECIPE.replace("slices ** 2", "slices ** 3")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The source of a recipe of another package."""
    site = tmp_path / "site"
    record = site / "dim_in-0.1.0.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: dim-in\nVersion: 0.1.0\n")
    (record / "entry_points.txt").write_text("[coopbench.recipes]\ndim = dim_recipe:Dim\n")
    (record / "RECORD").write_text("dim_recipe.py,,\n")
    path = site / "dim_recipe.py"
    write(path, RECIPE)
    monkeypatch.syspath_prepend(site)
    return path


def write(module: Path, text: str) -> None:
    """Change the package; the next command is a new process, as it were."""
    module.write_text(text)
    sys.modules.pop(module.stem, None)
    for cached in module.parent.glob("__pycache__/*"):
        cached.unlink()


def corrupt(data: Path, *words: object, code: int = 0) -> str:
    where = ("corrupt", "--data", data, "--recipe", "dim", "--workers", "1", *words)
    result = CliRunner().invoke(cli, [str(word) for word in where])
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


@pytest.mark.slow
def test_a_changed_recipe_is_said_and_chosen_about(module: Path, own_data: Path) -> None:
    corrupt(own_data)
    out = own_data / "dim"
    image = next(out.rglob("*_img.nii.gz"))
    before = image.read_bytes()
    made_with = read_manifest(out).software["code of recipe dim"]
    assert made_with.startswith("dim-in 0.1.0, ")
    assert "all already existed" in corrupt(own_data)
    write(module, f"# a comment changes nothing\n{RECIPE}")
    assert "all already existed" in corrupt(own_data)
    assert code_notes([read_dataset(out / "Dim")]) == []

    write(module, OTHER)
    said = corrupt(own_data, code=1)
    assert f"made by other code of recipe dim ({made_with})" in said
    assert "--remake" in said and "--keep" in said
    assert f"the set was made with {made_with}, here is" in corrupt(own_data, "--verify", code=1)
    assert "kept, as asked" in corrupt(own_data, "--keep")
    assert image.read_bytes() == before
    (note,) = code_notes([read_dataset(own_data / "acdc"), read_dataset(out / "Dim")])
    assert note.startswith("Dim") and "than is installed now" in note

    corrupt(own_data, "--remake")
    clean = own_data / "acdc" / image.relative_to(out / "Dim").parent.parent / image.name
    source = read_image(clean).data
    low, high = source.min(axis=(0, 1)), source.max(axis=(0, 1))
    expected = ((source - low) / (high - low)) ** 3
    assert np.allclose(read_image(image).data, expected, atol=1e-3)
    assert "all already existed" in corrupt(own_data)
    assert code_notes([read_dataset(out / "Dim")]) == []


def test_a_set_says_where_its_recipe_is_not_installed(module: Path, own_data: Path) -> None:
    corrupt(own_data)
    shutil.rmtree(module.parent / "dim_in-0.1.0.dist-info")
    (note,) = code_notes([read_dataset(own_data / "dim" / "Dim")])
    assert "recipe dim is not installed here" in note


@pytest.mark.parametrize("name", recipe_names())
def test_our_own_recipes_go_by_their_versions(name: str) -> None:
    assert recipe_code(find_recipe(name)) == {}
