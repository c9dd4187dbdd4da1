"""Sets, runs and score files of the first version of ACDC-C, beside those of the second."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from benchmark.cli import cli

pytest.importorskip("torchio", reason="TorchIO makes the corruptions")

TINY = ("--set", "crop=32", "--set", "batch=2", "--set", "steps=2", "--set", "precision=float32")
KINDS = ("RandBias", "RandGhosting", "RandMotion", "RandSpike")


def coopbench(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


def edit(path: Path, change: Callable[[Any], None]) -> None:
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def make_version_1(data: Path) -> Path:
    """The set as an earlier release wrote it: folder, names and records."""
    coopbench("corrupt", "--data", data, "--recipe", "acdc-c-torchio1", "--workers", 1)
    folder = (data / "acdc-c-torchio1").rename(data / "acdc-c")
    for kind in KINDS:

        def dataset(record: Any, kind: str = kind) -> None:
            record |= {"name": kind, "title": kind}
            for key in ("test_set", "clean", "clean_title"):
                del record["preparation"][key]
            record["preparation"]["recipe"] = "acdc-c"
            for case in record["cases"]:
                case["made_from"]["recipe"] = "acdc-c"

        edit(folder / kind / "dataset.json", dataset)
    for path in folder.rglob("case.json"):
        edit(path, lambda record: record["made_from"].update(recipe="acdc-c"))

    def manifest(record: Any) -> None:
        del record["clean"]
        record["recipe"] |= {"name": "acdc-c", "title": "ACDC-C"}

    edit(folder / "manifest.json", manifest)
    return folder


pytestmark = pytest.mark.xdist_group("versions")
"""What these share is made once."""


@pytest.fixture(scope="module")
def both(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of data with both versions, where the second was made beside the first."""
    root = tmp_path_factory.mktemp("both")
    shutil.copytree(data / "acdc", root / "data" / "acdc")
    folder = make_version_1(root / "data")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    said = coopbench("corrupt", "--data", root / "data", "--workers", 1)
    assert "acdc-c: holds acdc-c-torchio1 version 1 (formerly acdc-c version 1), left as" in said
    assert {path: path.read_bytes() for path in before} == before
    assert (root / "data" / "acdc-c-v2" / "RandBias" / "dataset.json").is_file()
    return root / "data"


@pytest.fixture
def old(both: Path, tmp_path: Path) -> Path:
    """A folder of data with the first version only."""
    for name in ("acdc", "acdc-c"):
        shutil.copytree(both / name, tmp_path / "old" / name)
    return tmp_path / "old"


def train(data: Path, runs: Path, method: str = "standard") -> Path:
    words = ("train", "--method", method, "--data", data, "--preset", "demo", *TINY)
    coopbench(*words, "--runs", runs)
    return runs / "acdc-demo" / f"{method}-r0-s40"


def age_scores(run: Path) -> None:
    """Scores under the names, and with the records, of an earlier release."""
    for kind in KINDS:
        for suffix in (".csv", ".json"):
            path = run / "scores" / f"acdc-c-torchio1_{kind}{suffix}"
            path.rename(run / "scores" / f"{kind}{suffix}")
        table = run / "scores" / f"{kind}.csv"
        table.write_text(table.read_text().replace(f"{kind} (acdc-c-torchio1)", kind))

        def record(there: Any, table: Path = table) -> None:
            import hashlib

            del there["corruption"]
            there["sha256"] = hashlib.sha256(table.read_bytes()).hexdigest()

        edit(table.with_suffix(".json"), record)


@pytest.mark.slow
def test_version_1_is_verified_replayed_and_gone_on_with(old: Path, tmp_path: Path) -> None:
    recipe = ("--recipe", "acdc-c-torchio1")
    said = coopbench("corrupt", "--data", old, *recipe, "--verify", "--workers", 1)
    assert "acdc-c: 24 volumes, all as in" in said
    assert "all as in" in coopbench("corrupt", old / "acdc-c", "--verify", "--workers", 1)
    said = coopbench("corrupt", "--data", old, "--verify", code=1)
    assert "acdc-c-v2: holds no manifest.json" in said and "formerly acdc-c version 1" in said
    words = ("--replay", old / "acdc-c", tmp_path / "again", "--workers", 1)
    assert "24 volumes, replayed to the same voxels" in coopbench("corrupt", "--data", old, *words)
    # The set is known wherever it lies, and not made a second time.
    assert "all already existed, intact" in coopbench("corrupt", "--data", old, *recipe)
    (old / "acdc-c").rename(old / "last-year")
    assert "all already existed, intact" in coopbench("corrupt", "--data", old, *recipe)
    assert not (old / "acdc-c-torchio1").exists()


def test_nothing_takes_the_place_of_another_version(both: Path, tmp_path: Path) -> None:
    shutil.copytree(both / "acdc-c-v2", tmp_path / "out")
    words = ("--replay", both / "acdc-c", tmp_path / "out")
    said = coopbench("corrupt", "--data", both, *words, code=1)
    assert "out: holds acdc-c version 2, which stays as it is" in said
    edit(tmp_path / "out" / "manifest.json", lambda record: record["recipe"].update(version=7))
    words = ("--replay", tmp_path / "out", tmp_path / "again")
    said = coopbench("corrupt", "--data", both, *words, code=1)
    assert "was made by version 7 of acdc-c; here is version 2" in said
    assert not (tmp_path / "again").exists()


@pytest.mark.slow
def test_runs_are_scored_on_both_and_the_report_keeps_them_apart(
    both: Path, old: Path, tmp_path: Path, without_figures: None
) -> None:
    run = train(old, tmp_path / "runs")
    coopbench("evaluate", run, "--data", old)
    age_scores(run)
    before = {path: path.read_bytes() for path in (run / "scores").iterdir()}
    out = ("--runs", tmp_path / "runs", "--out", tmp_path / "out")

    said = coopbench("report", "--data", old, *out)
    assert "Not shown: acdc-c version 2, the published set; 'coopbench corrupt' makes it" in said
    assert {path: path.read_bytes() for path in before} == before  # nothing was scored again
    table = (tmp_path / "out" / "tables" / "dice-ftn.csv").read_text()
    assert "RandBias (acdc-c-torchio1)" in table

    coopbench("evaluate", run, "--data", both)
    assert {path: path.read_bytes() for path in before} == before
    assert (run / "scores" / "acdc-c_RandBias.csv").is_file()
    record = json.loads((run / "scores" / "acdc-c_RandBias.json").read_text())
    assert record["corruption"] == {"recipe": "acdc-c", "version": 2, "clean": "acdc"}
    said = coopbench("report", "--data", both, *out)
    assert "Not shown" not in said
    assert (
        "RandBias, RandGhosting, RandMotion, RandSpike: corrupted by recipe acdc-c version 2"
        in (said)
    )
    rows = pd.read_csv(tmp_path / "out" / "scores.csv")
    assert set(rows["test_set"]) == {
        "ACDC", *KINDS, *(f"{kind} (acdc-c-torchio1)" for kind in KINDS)
    }  # fmt: skip
    one = pd.read_csv(run / "scores" / "RandBias.csv")["dice"].tolist()
    shown = rows[rows["test_set"] == "RandBias (acdc-c-torchio1)"]["dice"].tolist()
    assert shown == one  # the scores of version 1 stand in its own column
    tables = {path.name for path in (tmp_path / "out" / "tables").iterdir()}
    assert {"robustness-acdc-c.md", "robustness-acdc-c-torchio1.md"} <= tables
    notes = (tmp_path / "out" / "tables" / "dice-ftn.md").read_text("utf-8")
    assert "over the six" not in notes and "are over ACDC, RandBias, RandGhosting" in notes
    said = coopbench("report", "--data", both, *out, "--average-all", code=1)
    assert "RandBias (acdc-c-torchio1), " in said and "cannot be averaged with other sets" in said

    # Without the set, its scores are not shown, and the report says how to have them.
    shutil.rmtree(old / "acdc-c")
    said = coopbench("report", "--data", old, *out)
    assert "Not shown: scores of 1 run on acdc-c-torchio1 version 1" in said
    assert "'coopbench corrupt --recipe acdc-c-torchio1' makes them" in said


@pytest.mark.slow
def test_an_exported_run_of_version_1_is_reported_beside_version_2(
    both: Path, old: Path, tmp_path: Path, without_figures: None
) -> None:
    run = train(old, tmp_path / "runs")
    coopbench("evaluate", run, "--data", old)
    age_scores(run)
    coopbench("export", tmp_path / "shared", "--runs", tmp_path / "runs")
    out = ("--runs", tmp_path / "shared", "--out", tmp_path / "out")
    said = coopbench("report", "--data", both, *out)
    assert "1 run has no scores on RandBias, RandGhosting, RandMotion, RandSpike, and no" in said
    sets = set(pd.read_csv(tmp_path / "out" / "scores.csv")["test_set"])
    assert sets == {"ACDC", *(f"{kind} (acdc-c-torchio1)" for kind in KINDS)}


@pytest.mark.slow
def test_scores_of_other_frameworks_are_known_again(
    both: Path, old: Path, tmp_path: Path, without_figures: None
) -> None:
    run = train(old, tmp_path / "runs")
    coopbench("evaluate", run, "--data", old, "--save-predictions")
    predictions, scores = tmp_path / "theirs", tmp_path / "theirs.csv"
    shutil.copytree(run / "predictions", predictions)
    words = ("score", predictions, old, "--out", scores, "--workers", 1)
    coopbench(*words)
    for kind in KINDS:  # as they were called before, which is clear without the other version
        (predictions / f"acdc-c-torchio1_{kind}").rename(predictions / kind)
    renamed = coopbench(*words)
    assert "RandBias (acdc-c-torchio1): 6 of 6 volumes" in renamed
    scores.write_text(scores.read_text().replace(" (acdc-c-torchio1)", ""))

    def record(there: Any) -> None:
        import hashlib

        there["sha256"] = hashlib.sha256(scores.read_bytes()).hexdigest()
        for one in there["test_sets"]:
            one["title"] = one["title"].replace(" (acdc-c-torchio1)", "")

    edit(scores.with_suffix(".json"), record)
    out = ("--runs", tmp_path / "none", "--out", tmp_path / "out", "--scores", scores)
    coopbench("report", "--data", both, *out)
    sets = set(pd.read_csv(tmp_path / "out" / "scores.csv")["test_set"])
    assert sets == {"ACDC", *(f"{kind} (acdc-c-torchio1)" for kind in KINDS)}
    shutil.rmtree(old / "acdc-c")
    shutil.copytree(both / "acdc-c-v2", old / "acdc-c")
    said = coopbench("report", "--data", old, *out, code=1)
    assert "scored on another RandBias than" in said
    assert "'coopbench corrupt --recipe acdc-c-torchio1'" in said
