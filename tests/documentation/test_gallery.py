"""Each script of the gallery runs, and shows what its page says."""

import ast
import runpy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch.nn import functional

from benchmark.methods import DualThinkingNetwork, RandomStream
from tests.helpers.forked import run_forked

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
SCRIPTS = sorted(path.stem for path in GALLERY.glob("*.py"))
TINY = ("--set", "crop=32", "--set", "batch=2", "--set", "steps=2", "--set", "precision=float32")

SCRIPT = """
import runpy, subprocess, sys
import benchmark.reporting.example_figures as pictures
import benchmark.reporting.report as report
from benchmark.cli import main

every, execute = report.report_figures, subprocess.run

def few(*given):
    for number, figure in enumerate(every(*given)):
        if number < 2 or figure.stem == "severity":
            yield figure
        if number == 1 and not script.endswith("robustness_curve.py"):
            return

def run(words, **options):
    if words[0] != "coopbench":
        return execute(words, **options)
    assert options == {"check": True}
    before, sys.argv = sys.argv, words
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise subprocess.CalledProcessError(end.code, words) from None
    finally:
        sys.argv = before

report.report_figures, pictures.example_figures = few, lambda *_: ([], [])
subprocess.run = run
sys.argv = sys.argv[1:]
script = sys.argv[0]
runpy.run_path(script, run_name="__main__")
"""
"""A script, whose commands are of its own process, and draw what the tests look at."""


def run(name: str, data: Path, folder: Path, *words: str) -> str:
    done = run_forked(
        SCRIPT,
        (GALLERY / f"{name}.py", *words),
        cwd=folder,
        env={"COOPBENCH_DATA": str(data), "MPLBACKEND": "agg"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_script_is_tested_and_named_on_the_first_page() -> None:
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    index = (GALLERY / "index.md").read_text("utf-8")
    assert SCRIPTS and set(SCRIPTS) <= tested
    assert all(f"({name}.md)" in index for name in SCRIPTS)


@pytest.mark.slow
def test_own_predictions(data: Path, tmp_path: Path) -> None:
    printed = run("own_predictions", data, tmp_path)
    rows = [line for line in printed.splitlines() if line.startswith("| shift-")]
    cells = [[cell.strip(" *‡") for cell in row.split("|")] for row in rows]
    dice = {cell[1]: float(cell[2]) for cell in cells}
    assert set(dice) == {"shift-1", "shift-4"}
    assert 0 < dice["shift-4"] < dice["shift-1"] < 1
    assert (tmp_path / "report" / "report.html").is_file()


@pytest.mark.slow
def test_new_method(data: Path, tmp_path: Path) -> None:
    printed = run("new_method", data, tmp_path)
    lines = [line for line in printed.splitlines() if line[:2] in ("0 ", "7 ")]
    first, last = (ast.literal_eval(line[2:]) for line in lines)
    assert sum(last.values()) < sum(first.values())
    assert any(term.startswith("hard_") for term in first)
    assert (tmp_path / "erased.png").stat().st_size > 10_000


@pytest.mark.slow
def test_cutout_and_mixup(data: Path, tmp_path: Path) -> None:
    printed = run("cutout_and_mixup", data, tmp_path).splitlines()
    for title, terms in (("Cutout", 7), ("Mixup", 6)):
        first, last = (
            ast.literal_eval(line.removeprefix(title)) for line in printed if line.startswith(title)
        )
        assert len(first) == len(last) == terms
        assert sum(last.values()) < sum(first.values())


@pytest.fixture
def worked(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the script of two methods defines."""
    monkeypatch.setenv("COOPBENCH_DATA", str(data))
    monkeypatch.chdir(tmp_path)
    return runpy.run_path(str(GALLERY / "cutout_and_mixup.py"), run_name="gallery")


def stream() -> RandomStream:
    return RandomStream.named(torch.device("cpu"), "worked")


def test_cutout_cuts_a_square_of_each_image(worked: dict[str, Any]) -> None:
    image = torch.ones(50, 1, 40, 40)
    cut = worked["Cutout"](side=0.25).cut(image, stream())
    assert torch.equal(cut, worked["Cutout"](side=0.25).cut(image, stream()))
    zero = (cut == 0)[:, 0]
    rows, columns = zero.any(dim=2), zero.any(dim=1)
    assert torch.equal(zero, rows[:, :, None] & columns[:, None, :])  # a rectangle
    heights, widths = rows.sum(dim=1), columns.sum(dim=1)
    assert heights.max() == widths.max() == 10  # a quarter of 40, less at the edge
    assert heights.min() >= 5 and len({tuple(row.tolist()) for row in rows}) > 10


def test_mixup_is_the_loss_of_mixed_labels(worked: dict[str, Any]) -> None:
    """Cross-entropy is linear in the label: the same by soft labels."""
    batch = worked["draw"](0)
    network = DualThinkingNetwork(seed=0).train()
    losses = worked["Mixup"](alpha=0.7).losses(network, batch, stream())
    again = stream()
    share = again.beta(0.7, 0.7, 4, 1, 1, 1)
    other = again.permutation(4)
    clear = functional.one_hot(batch.label, 4).movedim(-1, 1).float()
    soft = share * clear + (1 - share) * clear[other]
    mixed = torch.lerp(batch.noisy[other], batch.noisy, share)
    logits = network.segment(network.shape_code(network.image_code(mixed)))
    expected = functional.cross_entropy(logits, soft)
    assert losses["mixed_segmentation"].item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.slow
def test_own_data(data: Path, tmp_path: Path) -> None:
    run("own_data", data, tmp_path, *TINY)
    assert [path.name for path in (tmp_path / "own").glob("*/dataset.json")]
    table = pd.read_csv(tmp_path / "report" / "tables" / "dice-ftn.csv", comment="#")
    columns = set(table["column"])
    assert "Hospital" in columns and any("RandBias" in name for name in columns)
    assert not any("ACDC" in name for name in columns)
    assert table.groupby("column")["mean"].count().min() > 0  # no column of missing scores


@pytest.mark.slow
def test_ablation_in_print(data: Path, tmp_path: Path) -> None:
    printed = run("ablation_in_print", data, tmp_path, *TINY)
    latex = printed[printed.index(r"\begin{table") :]
    rows = ("Standard training", r"Rand Conv, k $\leq$ 3", "Rand Conv (all k)")
    places = [latex.index(row) for row in rows]
    assert places == sorted(places)
    assert "kernels={[}1, 3{]}" in latex and r"\label{" in latex and "122" in latex
    assert "scores.pdf" in printed


@pytest.mark.slow
def test_robustness_curve(own_data: Path, tmp_path: Path) -> None:
    run("robustness_curve", own_data, tmp_path, *TINY)
    curve = pd.read_csv(tmp_path / "report" / "tables" / "severity.csv")
    assert sorted(set(curve["severity"])) == [0, 1, 3, 5]
    assert (tmp_path / "noise-curve.png").stat().st_size > 5_000
    assert (tmp_path / "report" / "figures" / "severity.png").is_file()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_becomes_a_page_that_loses_no_line_of_code(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(GALLERY.parent / "tools"))
    from gallery import as_page

    script = GALLERY / f"{name}.py"
    title, page = as_page(script)
    assert page.startswith(f"# {title}\n") and not title.endswith(".")
    source = script.read_text("utf-8").split('"""', 2)[2]
    code = [line for line in source.splitlines() if line and not line.startswith("#")]
    assert code and [line for line in code if line not in page] == []
    assert page.count("```") % 2 == 0
