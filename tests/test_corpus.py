"""A thousand broken files through every command that reads files.

Each command has to name every file that it leaves out, to do the good ones beside them, to write
nowhere but into its output folder, and to stay within a bound of memory. ``COOPBENCH_CORPUS=10``
takes ten times as many files.
"""

import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from broken_nifti import NAMES, bombs, mutated, valid, write_as, write_oddities
from click.testing import CliRunner
from conftest import ACDC_AFFINE, heart, write_acdc

from benchmark.cli import cli
from benchmark.data.nifti import read_volume
from benchmark.errors import CoopbenchError

SCALE = int(os.environ.get("COOPBENCH_CORPUS", "1"))
MEMORY = 4 * 2**30
"""Bytes of data that no process may go beyond; a quarter of that is PyTorch's and the system's."""

Count = Callable[[str, object], None]

RECIPE = """
format = "coopbench-recipe-1"
name = "tiny"
title = "Tiny"
version = 1
[kinds.Noise]
corruption = "noise"
severities = [3]
"""


def bounded(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command in processes of its own, with bounded memory and time."""
    return subprocess.run(
        [sys.executable, "-m", "benchmark", *map(str, words)],
        cwd=cwd,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY)),
    )


def everything(folder: Path, *but: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file below a folder, but for some folders."""
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
        if not path.is_dir() and not any(path.is_relative_to(one) for one in but)
    }


def in_lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What a command said, without a traceback or a library's own remarks."""
    said = done.stdout + done.stderr
    assert "Traceback" not in said and "Error:" not in said and "Warning" not in said, said
    return said.splitlines()


def small(seed: int) -> tuple[bytes, bytes]:
    """A small heart and its label, as files."""
    image, label = heart(np.random.default_rng(seed), size=24, slices=2)
    return valid(image, ACDC_AFFINE), valid(label, ACDC_AFFINE)


def test_corrupting_a_folder(tmp_path: Path, record_property: Count) -> None:
    rng, number = np.random.default_rng(1), 360 * SCALE
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    good = {f"good {place}.nii.gz" for place in range(3)}
    for place, name in enumerate(sorted(good)):
        write_as(images / name, small(place)[0], np.random.default_rng(0))
    for place in range(number):
        _, content = mutated(small(0)[0], place, rng)
        odd = NAMES[int(rng.integers(len(NAMES)))]
        write_as(images / f"{odd} {place}.nii.gz", content, rng)
    outside = tmp_path / "secret.txt"
    outside.write_text("not yours")
    number += write_oddities(images, outside)
    for name, content in bombs(small(0)[0]).items():
        (images / f"bomb {name}.nii.gz").write_bytes(content)
        number += 1
    (tmp_path / "tiny.toml").write_text(RECIPE)
    before = everything(tmp_path)
    words = ("corrupt", "--recipe", "tiny.toml", "images", "out")
    strict = bounded(*words, cwd=tmp_path)
    assert strict.returncode == 1
    lines = in_lines(strict)
    counted = re.fullmatch(r"(\d+) of (\d+) images not corrupted;.*", lines[-1])
    assert counted
    faults, total = int(counted[1]), int(counted[2])
    hidden = sum(path.name.startswith(".") for path in images.iterdir())
    assert total == number + len(good) - hidden
    assert all("images/" in line for line in lines[:10]), lines
    assert not (out / "manifest.json").exists()
    done = bounded(*words, "--skip-bad", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = in_lines(done)
    assert f"left out, broken: {faults} images" in lines
    assert f"out: {total - faults} volumes of 1 kinds" in lines
    assert faults > 0.6 * total  # a few flipped bytes in the voxels leave an image an image
    assert good <= {path.name for path in (out / "Noise-3").iterdir()}
    assert everything(tmp_path, out) == before
    assert not list(out.rglob("bomb*")) + list(out.rglob(".partial*"))
    record_property("inputs", number)


def test_a_bomb_is_refused_unread(tmp_path: Path) -> None:
    """To unpack one takes some ten seconds, and more memory than any process may have here."""
    for name, content in bombs(small(0)[0]).items():
        path = tmp_path / f"{name}.nii.gz"
        path.write_bytes(content)
        begun = time.process_time()
        with pytest.raises(CoopbenchError, match="header"):
            read_volume(path)
        assert time.process_time() - begun < 1


def test_preparing_acdc(tmp_path: Path, record_property: Count) -> None:
    rng, number = np.random.default_rng(2), 330 * SCALE
    raw, out = write_acdc(tmp_path / "raw", 2, size=24), tmp_path / "data"
    for place in range(number):
        subject = f"patient{place + 100}"
        folder = raw / "training" / subject
        folder.mkdir()
        (folder / "Info.cfg").write_text("ED: 1\nES: 7\n")
        files = [
            f"{subject}_frame{frame}{end}.nii.gz" for frame in ("01", "07") for end in ("", "_gt")
        ]
        for name, content in zip(files, small(place) * 2, strict=True):
            write_as(folder / name, content, np.random.default_rng(0))
        broken = int(rng.integers(4))
        _, content = mutated(small(place)[broken % 2], place, rng)
        write_as(folder / files[broken], content, rng)
    before = everything(tmp_path)
    done = bounded("prepare", "acdc", "raw", "--skip-bad", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = in_lines(done)
    left_out = [line for line in lines if line.startswith("warning: left out: ")]
    assert all(re.match(r"warning: left out: raw/training/patient\d+", line) for line in left_out)
    assert 0.5 * number < len(left_out)
    said = f"{number + 2 - len(left_out)} subjects of ACDC; {len(left_out)} left out, broken"
    assert f"data/acdc: {said}" in lines
    assert everything(tmp_path, out) == before
    assert not list(out.rglob(".partial*"))
    record_property("inputs", number)


def test_scoring_predictions(tmp_path: Path, record_property: Count) -> None:
    rng, number = np.random.default_rng(3), 330 * SCALE
    labels, predictions = tmp_path / "labels", tmp_path / "predictions"
    labels.mkdir()
    predictions.mkdir()
    for place in range(number + 2):
        label = small(place)[1]
        write_as(labels / f"case{place}.nii.gz", label, np.random.default_rng(0))
        prediction = label if place < 2 else mutated(label, place, rng)[1]
        write_as(
            predictions / f"case{place}.nii.gz",
            prediction,
            rng if place > 1 else np.random.default_rng(0),
        )
    before = everything(tmp_path)
    words = ("score", "predictions", "labels", "--name", "mine")
    strict = bounded(*words, cwd=tmp_path)
    assert strict.returncode == 1
    assert all("predictions/case" in line for line in in_lines(strict)[1:-1])
    assert not (tmp_path / "scores").exists()
    done = bounded(*words, "--missing", "skip", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    counted = re.search(rf"labels: (\d+) of {number + 2} volumes.*; (\d+) left out", done.stdout)
    assert counted and int(counted[1]) + int(counted[2]) == number + 2 and int(counted[1]) >= 2
    in_lines(done)
    assert everything(tmp_path, tmp_path / "scores") == before
    record_property("inputs", number)


def fails_in_one_line(words: Sequence[object], name: str) -> bool:
    """Whether the command failed; then by one line with the file's name, and no exception."""
    result = CliRunner().invoke(cli, [str(word) for word in words])
    if result.exit_code == 0:
        return False
    assert isinstance(result.exception, SystemExit), (name, result.exception)
    lines = result.output.splitlines()
    assert result.exit_code == 1 and len(lines) == 1 and name in lines[0], result.output
    return True


@pytest.mark.parametrize("broken", ["label", "prediction name"])
def test_a_broken_label_stops_the_scoring(tmp_path: Path, broken: str) -> None:
    rng = np.random.default_rng(4)
    label = small(0)[1]
    (tmp_path / "labels").mkdir()
    (tmp_path / "predictions").mkdir()
    write_as(tmp_path / "predictions/a.nii.gz", label, np.random.default_rng(0))
    write_as(tmp_path / "labels/a.nii.gz", label, np.random.default_rng(0))
    if broken == "label":
        write_as(tmp_path / "labels/b.nii.gz", mutated(label, 2, rng)[1], rng)
        name = "b.nii.gz"
    else:
        write_as(tmp_path / "predictions/a\nb.nii.gz", label, rng)
        name = r"a\nb.nii.gz"
    out = tmp_path / "scores.csv"
    words = ("score", tmp_path / "predictions", tmp_path / "labels", "--out", out, "--workers", 1)
    assert fails_in_one_line([*words, "--missing", "zero"], name)
    assert not out.exists()


def test_predicting(data: Path, tmp_path: Path, record_property: Count) -> None:
    rng, number = np.random.default_rng(5), 63 * SCALE
    tiny = ("--set", "crop=32", "--set", "batch=4", "--set", "steps=1")
    words = ("train", "--method", "standard", "--data", data, "--preset", "demo", *tiny)
    result = CliRunner().invoke(cli, [str(word) for word in (*words, "--runs", tmp_path / "runs")])
    assert result.exit_code == 0, result.output
    (run,) = (tmp_path / "runs").glob("*/*-r0-*")
    failed = 0
    for place in range(number):
        _, content = mutated(small(0)[0], place, rng)
        path = tmp_path / f"scan{place}.nii.gz"
        write_as(path, content, rng)
        failed += fails_in_one_line(("predict", run, path), path.name)
    assert failed > 0.5 * number
    record_property("inputs", number)
