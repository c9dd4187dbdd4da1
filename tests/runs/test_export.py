"""Runs shared without their weights."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from benchmark.cli import cli
from benchmark.core.errors import CoopbenchError
from benchmark.core.files import sha256
from benchmark.evaluation.metrics import EARLIER
from benchmark.runs.run import find_runs, runs_of_group
from benchmark.runs.selection import finished_runs

TINY = ("--set", "crop=32", "--set", "batch=2", "--set", "steps=2", "--set", "precision=float32")


def coopbench(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


pytestmark = pytest.mark.xdist_group("export")
"""What these share is made once."""


@pytest.fixture(scope="module")
def made(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One finished run with scores, and one that has only begun."""
    runs = tmp_path_factory.mktemp("runs")
    for method in ("standard", "dsu"):
        words = ("train", "--method", method, "--data", data, "--preset", "demo", *TINY)
        assert coopbench(*words, "--runs", runs).exit_code == 0
    (runs / "acdc-demo" / "dsu-r0-s40" / "done.json").unlink()
    run = runs / "acdc-demo" / "standard-r0-s40"
    assert coopbench("evaluate", run, "--data", data, "--workers", 1).exit_code == 0
    return runs


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    """A copy of the runs, to change."""
    return Path(shutil.copytree(made, tmp_path / "runs"))


@pytest.mark.slow
@pytest.mark.usefixtures("few_figures_of_scores")
def test_a_report_of_what_was_exported_is_that_of_the_runs(
    data: Path, runs: Path, tmp_path: Path
) -> None:
    result = coopbench("export", tmp_path / "shared", "--runs", runs)
    assert result.exit_code == 0, result.output
    assert "dsu-r0-s40: left out, since its training is not finished" in result.output
    copies = [path for path in (tmp_path / "shared").rglob("*") if path.is_file()]
    assert not [path for path in copies if path.suffix == ".safetensors"]
    assert sum(path.stat().st_size for path in copies) < 2**20
    shutil.rmtree(runs / "acdc-demo" / "dsu-r0-s40")  # which a table would name as left out
    for path in copies:  # scored on another device than here, which cannot score them again
        if path.parent.name == "scores" and path.suffix == ".json":
            record = json.loads(path.read_text())
            record["made_from"]["device"] = "cuda"
            path.write_text(json.dumps(record))
    for name, folder in (("own", runs), ("theirs", tmp_path / "shared")):
        words = ("report", "--data", data, "--runs", folder, "--out", tmp_path / name)
        result = coopbench(*words)
        assert result.exit_code == 0, result.output
    assert [path for path in (tmp_path / "shared").rglob("*") if path.is_file()] == copies
    for table in (tmp_path / "own" / "tables").iterdir():
        assert table.read_bytes() == (tmp_path / "theirs" / "tables" / table.name).read_bytes()
    page = (tmp_path / "theirs" / "report.html").read_text("utf-8")
    assert "No pictures: the runs were exported without their weights." in page


@pytest.mark.slow
def test_an_exported_run_is_done_and_says_what_it_lacks(
    own_data: Path, runs: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    assert coopbench("export", shared, "--runs", runs).exit_code == 0
    copy = shared / "acdc-demo" / "standard-r0-s40"
    words = ("train", "--method", "standard", "--data", own_data, "--preset", "demo", *TINY)
    again = coopbench(*words, "--runs", shared)
    assert again.exit_code == 0 and not list(copy.glob("*.safetensors"))
    other = coopbench(*words, "--set", "noise=0.1", "--runs", shared)
    assert other.exit_code == 1 and "training.noise: 0.05 there, 0.1 now" in other.output
    maps = coopbench("evaluate", copy, "--data", own_data, "--save-predictions")
    assert maps.exit_code == 1 and "and has no label maps on this ACDC" in maps.output
    image = own_data / "acdc" / "004" / "ED_img.nii.gz"
    result = coopbench("predict", copy, image)
    assert result.exit_code == 1 and "was exported without its weights" in result.output
    scores = copy / "scores" / "acdc.json"
    record = json.loads(scores.read_text())
    record["made_from"]["data"] = "other"
    scores.write_text(json.dumps(record))
    words = ("report", "--data", own_data, "--runs", shared)
    result = coopbench(*words, "--repeats", "0,7")
    assert result.exit_code == 2 and "no finished run on these data of repeat 7" in result.output
    result = coopbench(*words, "--repeats", "0")
    assert result.exit_code == 1
    assert "was exported without its weights, and has no scores on this ACDC" in result.output


def test_a_copy_that_was_not_finished_is_no_run_and_is_removed(runs: Path, tmp_path: Path) -> None:
    """As a killed export leaves one."""
    shared = tmp_path / "shared"
    assert coopbench("export", shared, "--runs", runs).exit_code == 0
    copies = {path.name for path in (shared / "acdc-demo").iterdir()}
    assert copies == {"standard-r0-s40"}
    for name in copies:
        whole = shared / "acdc-demo" / name
        shutil.copytree(whole, whole.with_name(f".partial-0123456789ab-{name}"))
    assert {run.folder.name for run in find_runs(shared)} == copies
    assert {run.folder.name for run in runs_of_group(shared / "acdc-demo")} == copies
    assert coopbench("export", shared, "--runs", runs).exit_code == 0
    assert {path.name for path in (shared / "acdc-demo").iterdir()} == copies


@pytest.mark.parametrize("repeats", [(), (0,)])
def test_runs_on_other_data_are_said_to_need_theirs(runs: Path, repeats: tuple[int, ...]) -> None:
    with pytest.raises(CoopbenchError, match="give those of its runs by --data"):
        finished_runs(runs, [], repeats=repeats)


@pytest.mark.slow
def test_nothing_with_weights_is_replaced(runs: Path, tmp_path: Path) -> None:
    result = coopbench("export", runs, "--runs", runs)
    assert result.exit_code == 1 and "holds a run with weights" in result.output
    assert (runs / "acdc-demo" / "standard-r0-s40" / "weights.safetensors").is_file()
    shutil.rmtree(runs / "acdc-demo" / "standard-r0-s40")
    result = coopbench("export", tmp_path / "shared", "--runs", runs)
    assert result.exit_code == 1 and "holds no finished run" in result.output


@pytest.mark.slow
def test_a_file_that_a_run_lacks_is_named(runs: Path, tmp_path: Path) -> None:
    log = runs / "acdc-demo" / "standard-r0-s40" / "log.txt"
    log.unlink()
    result = coopbench("export", tmp_path / "shared", "--runs", runs)
    assert result.exit_code == 1 and f"{log}: does not exist" in result.output
    assert not (tmp_path / "shared").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("few_figures")
def test_scores_of_an_earlier_version_still_serve_where_there_are_no_weights(
    own_data: Path, runs: Path, tmp_path: Path
) -> None:
    """They lack columns; with weights they are made again, without they are taken as they are."""
    shared = tmp_path / "shared"
    assert coopbench("export", shared, "--runs", runs).exit_code == 0
    later = ["jaccard", "hd_mm", "assd_mm", "label_ml", "prediction_ml"]
    for folder in (shared, runs):
        path = folder / "acdc-demo" / "standard-r0-s40" / "scores" / "acdc.csv"
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table.drop(columns=later).to_csv(path, index=False)
        record = json.loads(path.with_suffix(".json").read_text())
        record["made_from"]["metrics"] = EARLIER[0]
        record["sha256"] = sha256(path)
        path.with_suffix(".json").write_text(json.dumps(record))
    for folder, made_again in ((shared, False), (runs, True)):
        out = tmp_path / folder.name
        words = ("report", "--data", own_data, "--runs", folder, "--out", out)
        result = coopbench(*words, "--no-pictures")
        assert result.exit_code == 0, result.output
        assert (out / "tables" / "dice-ftn.csv").is_file()
        assert (out / "tables" / "hd-ftn.csv").is_file() == made_again
        assert (out / "tables" / "agreement-ftn.csv").is_file() == made_again
