"""A method in a package of its own: written, built, installed, trained, evaluated, reported."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmark.cli import cli
from tests.helpers.forked import FEW_FIGURES, run_forked

REPOSITORY = Path(__file__).resolve().parents[2]
TINY = ("--set", "crop=32", "--set", "batch=2", "--set", "steps=2", "--set", "precision=float32")


def documented_method() -> str:
    """The module that the page in the docs walks through."""
    page = (REPOSITORY / "docs" / "your-own-method.md").read_text("utf-8")
    (module,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    return str(module)


INSTALLED = pytest.mark.xdist_group("installed")
"""Of the tests that share two installed packages: these are built once."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of processes that find two packages, built and installed for real.

    One is as ``new-method`` wrote it; the other has the documented example in its place.
    """
    root = tmp_path_factory.mktemp("packages")
    for name in ("my-own", "bezier"):
        written = CliRunner().invoke(cli, ["new-method", name, str(root / name)])
        assert written.exit_code == 0, written.output
    (root / "bezier" / "bezier.py").write_text(documented_method(), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    target = ["--no-index", "--target", str(root / "site")]
    built = subprocess.run(
        [*pip, *target, str(root / "my-own"), str(root / "bezier")], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    return os.environ | {
        "PYTHONPATH": str(root / "site"),
        "OMP_NUM_THREADS": "1",
        "PACKAGES": str(root),
    }


def run(environment: dict[str, str], cwd: Path, *words: object) -> str:
    command = [sys.executable, "-m", *(str(word) for word in words)]
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@INSTALLED
@pytest.mark.slow
def test_own_method_trains_and_stands_in_the_table(
    installed: dict[str, str], own_corrupted_data: Path, tmp_path: Path
) -> None:
    listed = run(installed, tmp_path, "benchmark", "methods")
    assert "my-own" in listed and "Bézier" in listed
    assert "inverted" in run(installed, tmp_path, "benchmark", "methods", "bezier")
    options = ("--data", own_corrupted_data, "--preset", "demo", "--runs", "runs")
    methods = "standard,my-own,bezier"
    words = ["study", *options, "--methods", methods, *TINY, "--out", "report"]
    found = f"import sys; sys.path.insert(1, {installed['PYTHONPATH']!r})\n"  # and by its workers
    done = run_forked(found + FEW_FIGURES, words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = done.stdout
    for row in ("Standard training", "My own", "Bézier"):
        assert row in report
        assert row in (tmp_path / "report" / "tables" / "dice-ftn.md").read_text("utf-8")
    assert (tmp_path / "report" / "figures" / "scores.png").is_file()


@INSTALLED
@pytest.mark.slow
def test_its_own_tests_pass(installed: dict[str, str]) -> None:
    package = Path(installed["PACKAGES"]) / "my-own"
    assert "3 passed" in run(installed, package, "pytest", "-p", "no:cacheprovider", package)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("My-Method", "small letters"),
        ("2mix", "small letters"),
        ("my_mix", "small letters"),
        ("standard", "already is a method"),
        ("torch", "another Python package"),
        ("class", "is a keyword of Python"),
        ("../out", "small letters"),
    ],
)
def test_names_that_cannot_be(name: str, said: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["new-method", name, str(tmp_path / "new")])
    assert result.exit_code == 2
    assert said in result.output
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("all my work")
    result = CliRunner().invoke(cli, ["new-method", "my-mix", str(tmp_path)])
    assert result.exit_code == 2 and "give a new folder" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
