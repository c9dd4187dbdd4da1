"""A run of a method whose code has changed is never taken for one of today's code, in silence."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from benchmark.cli import cli
from benchmark.methods.code import method_code
from benchmark.methods.registry import method_names
from benchmark.runs.code import changed_code, code_remarks
from benchmark.runs.run import open_run
from tests.helpers.plug_in import HELPER, forget_plug_in, write_plug_in

TINY = ("--set", "crop=32", "--set", "batch=2", "--set", "steps=2", "--set", "precision=float32")
OTHER = HELPER.replace("1.0", "2.0")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_plug_in(tmp_path / "site", editable=True)
    monkeypatch.syspath_prepend(tmp_path / "site")
    forget_plug_in()
    return tmp_path / "site"


def called(data: Path, runs: Path, *words: str) -> Result:
    where = ("--data", str(data), "--runs", str(runs), "--device", "cpu")
    return CliRunner().invoke(cli, [words[0], *where, *words[1:]])


def train(data: Path, runs: Path, *words: str) -> Result:
    return called(data, runs, "train", "--method", "plugged", "--preset", "demo", *TINY, *words)


@pytest.mark.slow
@pytest.mark.usefixtures("few_figures")
def test_a_changed_plug_in_is_said_and_chosen_about(
    site: Path, own_data: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    first = train(own_data, runs)
    assert first.exit_code == 0, first.output
    folder = next(runs.glob("*/plugged-r0-s40"))
    weights, record = (folder / "weights.safetensors").read_bytes(), folder / "code.json"
    assert json.loads(record.read_text())["package"] == "plug-in"
    assert "already trained" in train(own_data, runs).output

    (site / "plug_helper.py").write_text(OTHER)
    refused = train(own_data, runs)
    assert refused.exit_code == 1
    assert "other code of plug-in 0.1.0 than is installed now (plug_helper.py)" in refused.output
    assert "--retrain" in refused.output and "--keep" in refused.output
    studied = called(own_data, runs, "study", "--methods", "plugged", "--preset", "demo", *TINY)
    assert studied.exit_code == 1 and "plug_helper.py" in studied.output
    assert not (tmp_path / "report").exists()

    kept = train(own_data, runs, "--keep")
    assert kept.exit_code == 0 and "kept, as asked" in kept.output
    assert (folder / "weights.safetensors").read_bytes() == weights
    out = tmp_path / "report"
    report = called(own_data, runs, "report", "--no-pictures", "--out", str(out))
    assert report.exit_code == 0, report.output
    for text in (report.output, (out / "tables" / "dice-ftn.md").read_text("utf-8")):
        assert "repeat 0: trained by other code of plug-in 0.1.0" in text

    again = train(own_data, runs, "--retrain")
    assert again.exit_code == 0 and ": trained (" in again.output
    assert changed_code(open_run(folder)) == ""
    assert not (folder / "scores").exists()  # of the earlier weights
    assert "already trained" in train(own_data, runs, "--retrain").output


@pytest.mark.slow
def test_an_unfinished_run_does_not_go_on_by_other_code_in_silence(
    site: Path, own_data: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    assert train(own_data, runs).exit_code == 0
    folder = next(runs.glob("*/plugged-r0-s40"))
    (folder / "done.json").unlink()  # as one that was killed after its last checkpoint
    (site / "plug_helper.py").write_text(OTHER)
    assert train(own_data, runs).exit_code == 1
    assert train(own_data, runs, "--keep").exit_code == 0
    (site / "plug_helper.py").write_text(HELPER)
    assert "in part by other code" in changed_code(open_run(folder))


@pytest.mark.slow
def test_what_was_not_recorded_or_is_not_installed_is_said(
    site: Path, own_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs"
    assert train(own_data, runs).exit_code == 0
    folder = next(runs.glob("*/plugged-r0-s40"))
    record = folder / "code.json"
    kept = record.read_text()
    record.unlink()
    assert "was not recorded" in train(own_data, runs).output
    record.write_text(kept)
    shutil.rmtree(site / "plug_in-0.1.0.dist-info")
    remarks, lines = code_remarks([open_run(folder)])
    assert remarks == {}
    assert lines == [
        "Method plugged is not installed here, so its code could not be compared with its runs'."
    ]


@pytest.mark.parametrize("name", method_names())
def test_of_our_methods_their_modules_count(name: str) -> None:
    record = method_code(name, commit="abc")
    assert record.package == "coopbench" and record.commit == "abc"
    assert record.files and not any("method.py" in file for file in record.files)
