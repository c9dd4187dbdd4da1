"""What a command announces at its end exists, whoever has removed what meanwhile."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

import benchmark.corrupted_sets.corrupt_folder as folder_module
import benchmark.corrupted_sets.corrupt_set as set_module
import benchmark.data.prepare as prepare_module
import benchmark.reporting.report as report_module
from benchmark.cli import cli
from benchmark.core.errors import CoopbenchError
from benchmark.core.lock import folder_lock
from benchmark.data.dataset import Dataset
from benchmark.runs.config import resolve
from benchmark.runs.own_run import own_run
from benchmark.training.loop import Trainer

TINY = ("crop=32", "batch=2", "steps=12", "validate_every=12", "precision=float32")


@pytest.mark.parametrize("replaced", [False, True])
def test_a_folder_that_is_not_the_same_at_the_end(replaced: bool, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with (
        pytest.raises(CoopbenchError, match="out: was removed or replaced"),
        folder_lock(folder, "writing into"),
    ):
        shutil.rmtree(folder)
        if replaced:
            folder.mkdir()
            (folder / ".lock").touch()


@pytest.mark.slow
@pytest.mark.filterwarnings("error")  # what a thread of the writer of events raises, as well
@pytest.mark.parametrize("at", [1, 11, 12])
def test_a_run_whose_folder_is_removed(at: int, dataset: Dataset, tmp_path: Path) -> None:
    config = resolve("standard", dataset, preset="demo", repeat=0, overrides=TINY)

    def watch(step: int, total: int, line: str) -> None:
        if step == at:
            shutil.rmtree(tmp_path / config.folder)

    with (
        pytest.raises(CoopbenchError, match="was removed") as caught,
        own_run(tmp_path, config) as run,
    ):
        Trainer(run, dataset, torch.device("cpu")).train(watch)
    assert len(caught.value.lines) == 1
    assert not (tmp_path / config.folder / "done.json").exists()


def removing(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, pattern: str, folder: Path
) -> None:
    """Have a function of a module remove what matches, below a folder, before it does its work."""
    real = getattr(module, name)

    def remove_first(*args: Any, **kwargs: Any) -> Any:
        for path in sorted(folder.rglob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, remove_first)


def said(result: Result, name: str) -> None:
    assert result.exit_code == 1, result.output
    last = result.stderr.splitlines()[-1]
    assert name in last and "was removed or replaced while this command wrote into it" in last


def test_a_subject_is_removed_while_a_set_is_prepared(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removing(monkeypatch, prepare_module, "version", "002", tmp_path / "acdc")
    command = ["prepare", "acdc", str(data / "raw"), "--out", str(tmp_path), "--workers", "1"]
    said(CliRunner().invoke(cli, command), "002")
    assert not (tmp_path / "acdc" / "dataset.json").exists()


def test_a_volume_is_removed_while_a_set_is_corrupted(
    own_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removing(monkeypatch, set_module, "_manifest", "*RandBias*/004", own_data)
    command = ["corrupt", "--data", str(own_data), "--workers", "1"]
    said(CliRunner().invoke(cli, command), "004")
    assert not list(own_data.glob("*/manifest.json"))


def test_a_volume_is_removed_while_a_folder_is_corrupted(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    removing(monkeypatch, folder_module, "Manifest", "RandMotion", out)
    images = tmp_path / "images"
    images.mkdir()
    shutil.copy(data / "acdc" / "004" / "ED_img.nii.gz", images)
    command = ["corrupt", str(images), str(out), "--workers", "1"]
    said(CliRunner().invoke(cli, command), "ED_img")
    assert not (out / "manifest.json").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("without_figures")
def test_a_table_is_removed_while_a_report_is_written(
    own_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ["--data", str(own_data), "--runs", str(tmp_path / "runs")]
    overrides = [part for pair in TINY for part in ("--set", pair)]
    trained = CliRunner().invoke(
        cli, ["train", "--method", "standard", "--preset", "demo", *where, *overrides]
    )
    assert trained.exit_code == 0, trained.output
    out = tmp_path / "report"
    command = ["report", *where, "--out", str(out), "--no-pictures"]
    removing(monkeypatch, report_module, "write_page", "dice-ftn.md", out)
    said(CliRunner().invoke(cli, command), "dice-ftn.md")
    monkeypatch.undo()
    assert CliRunner().invoke(cli, command).exit_code == 0
    assert (out / "tables" / "dice-ftn.md").is_file()
