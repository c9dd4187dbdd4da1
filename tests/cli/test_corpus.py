"""Nearly two thousand broken inputs through every command that reads files.

Each command has to name every file that it leaves out, to do the good ones beside them, to write
nowhere but into its output folder, and to stay within a bound of memory. ``COOPBENCH_CORPUS=10``
takes ten times as many files.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmark.cli import cli
from benchmark.core.errors import CoopbenchError
from benchmark.core.files import sha256
from benchmark.data.mnms import read_mnms
from benchmark.data.nifti import read_volume
from benchmark.evaluation.external.rows import read_external_rows
from tests.helpers.acdc_files import ACDC_AFFINE, heart, write_acdc
from tests.helpers.broken_nifti import (
    NAMES,
    bombs,
    mutated,
    mutated_table,
    valid,
    write_as,
    write_oddities,
)
from tests.helpers.forked import COOPBENCH, run_forked

SCALE = int(os.environ.get("COOPBENCH_CORPUS", "1"))
MEMORY = 4 * 2**30
"""Bytes of data that no process may go beyond; a quarter of that is PyTorch's and the system's."""

Count = Callable[[str, object], None]


def drawn_times(number: int) -> settings:
    """As many inputs drawn, each into the same temporary folder."""
    fixture = HealthCheck.function_scoped_fixture
    return settings(max_examples=number * SCALE, suppress_health_check=[fixture])


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
    return run_forked(COOPBENCH, words, cwd=cwd, memory=MEMORY)


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


@pytest.mark.slow
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
    assert counted, lines
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


@pytest.mark.slow
def test_preparing_acdc(tmp_path: Path, record_property: Count) -> None:
    rng, number = np.random.default_rng(2), 330 * SCALE
    raw, out = write_acdc(tmp_path / "raw", 2, size=24), tmp_path / "data"
    for place in range(number):
        subject = f"patient{place + 200}"
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_predicting(data: Path, tmp_path: Path, record_property: Count) -> None:
    rng, number = np.random.default_rng(5), 63 * SCALE
    tiny = ("--set", "crop=32", "--set", "batch=2", "--set", "steps=1")
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


def renumbered(label: NDArray[np.uint8], numbering: Sequence[int]) -> NDArray[np.int16]:
    """ACDC's raw labels, as another challenge has them."""
    return np.array(numbering, dtype=np.int16)[label]


def broken_pair(
    pair: tuple[NDArray[np.generic], NDArray[np.generic]], number: int, rng: np.random.Generator
) -> list[bytes]:
    """Image and label as files, one of them broken; from 22 on in turn also both exchanged."""
    files = [valid(data, ACDC_AFFINE) for data in pair]
    if number % 23 == 22:
        return files[::-1]
    broken = int(rng.integers(2))
    files[broken] = mutated(files[broken], number, rng)[1]
    return files


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnms", "mscmr"])
def test_preparing_other_sets(name: str, tmp_path: Path, record_property: Count) -> None:
    rng, number = np.random.default_rng([6, len(name)]), 69 * SCALE
    raw = tmp_path / "raw"
    raw.mkdir()
    codes = [f"A{place:04d}" for place in range(number + 1)]
    for place, code in enumerate(codes):
        image, label = heart(np.random.default_rng(place), size=24, slices=2)
        if name == "mnms":
            frames = (np.stack([image] * 3, -1), np.stack([label] * 3, -1))
            pair = (frames[0], renumbered(frames[1], (0, 3, 2, 1)))
            paths = [raw / code / f"{code}_sa{end}.nii.gz" for end in ("", "_gt")]
        else:
            pair = (image, renumbered(label, (0, 600, 200, 500)))
            paths = [raw / f"patient{place + 1}_C0{end}.nii.gz" for end in ("", "_manual")]
        paths[0].parent.mkdir(exist_ok=True)
        files = [valid(data, ACDC_AFFINE) for data in pair]
        for path, content in zip(
            paths, broken_pair(pair, place, rng) if place else files, strict=True
        ):
            write_as(path, content, np.random.default_rng(0))
    (raw / "info.csv").write_text(
        "External code,Vendor,Centre,ED,ES\n" + "".join(f"{code},A,1,0,2\n" for code in codes)
    )
    before = everything(tmp_path)
    done = bounded("prepare", name, "raw", "--skip-bad", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = in_lines(done)
    left_out = [line for line in lines if line.startswith("warning: left out: ")]
    assert all(line.startswith("warning: left out: raw/") for line in left_out)
    assert 0.5 * number < len(left_out)
    (said,) = [line for line in lines if line.startswith("data/")]
    assert f" {number + 1 - len(left_out)} subjects" in said and f" {len(left_out)} left" in said
    assert everything(tmp_path, tmp_path / "data") == before
    record_property("inputs", number)


TABLE = "External code,Vendor,Centre,ED,ES\n" + "".join(f"A{n},A,1,0,{n}\n" for n in range(6))


@given(seed=st.integers(0, 2**32))
@drawn_times(100)
def test_a_broken_table_of_subjects(seed: int, tmp_path: Path, record_property: Count) -> None:
    record_property("inputs", 1)
    for number in range(6):
        folder = tmp_path / f"A{number}"
        folder.mkdir(exist_ok=True)
        (folder / f"A{number}_sa.nii.gz").touch()
    (tmp_path / "info.csv").write_bytes(mutated_table(TABLE, np.random.default_rng(seed)))
    try:
        found = read_mnms(tmp_path)
    except CoopbenchError as error:
        assert str(tmp_path) in error.lines[0]
    else:
        assert len(found.subjects) + len(found.faults) == 6
        assert all(str(tmp_path) in fault for fault in found.faults)


@pytest.mark.parametrize(
    ("swap", "said"),
    [
        ("label of another shape", "left out: .*patient001_frame01_gt.*has the shape"),
        ("label of another place", "patient001_frame01_gt.*lies elsewhere than its image"),
        ("labels of the other frame", "001: LV is not larger at ED"),
        ("image and label", "left out: .*patient001_frame01_gt.*value"),
    ],
)
def test_swapped_labels(swap: str, said: str, tmp_path: Path) -> None:
    raw = write_acdc(tmp_path / "raw", 2, size=40)
    folder = raw / "training" / "patient001"
    image, label = (folder / f"patient001_frame01{end}.nii.gz" for end in ("", "_gt"))
    if swap == "image and label":
        content = image.read_bytes()
        image.write_bytes(label.read_bytes())
        label.write_bytes(content)
    elif swap == "labels of the other frame":
        other = folder / "patient001_frame07_gt.nii.gz"
        content = other.read_bytes()
        other.write_bytes(label.read_bytes())
        label.write_bytes(content)
    else:
        size, shift = (40, 30.0) if swap == "label of another place" else (48, 0.0)
        affine = ACDC_AFFINE.copy()
        affine[0, 3] = shift
        data = heart(np.random.default_rng(1), size=size)[1]
        write_as(label, valid(data, affine), np.random.default_rng(0))
    words = ("prepare", "acdc", raw, "--out", tmp_path / "data", "--skip-bad", "--workers", 1)
    done = CliRunner().invoke(cli, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    assert any(re.match(f"warning: .*{said}", line) for line in done.output.splitlines()), (
        done.output
    )


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands do their work without processes of their own, which take seconds to start."""
    # The importing module first: it would keep what it imports while that is replaced.
    monkeypatch.setattr("benchmark.evaluation.evaluate.default_workers", lambda: 0)
    monkeypatch.setattr("benchmark.core.parallel.default_workers", lambda: 0)


def faults_of(words: Sequence[object]) -> list[str]:
    """What a command that ran here said was wrong; empty where nothing was."""
    done = CliRunner().invoke(cli, [str(word) for word in words])
    assert isinstance(done.exception, SystemExit | None), (words, done.exception)
    assert "Traceback" not in done.output
    if done.exit_code == 0:
        return []
    assert done.exit_code == 1, done.output
    lines = done.output.splitlines()
    (first,) = [place for place, line in enumerate(lines) if line.startswith("coopbench: ")]
    return lines[first:]


def record_again(dataset: Path, path: Path) -> None:
    """Let a set's description say that a file has always been as it is."""
    about = json.loads((dataset / "dataset.json").read_text("utf-8"))
    for case in about["cases"]:
        if path.parent == dataset / case["folder"]:
            case["files"][path.name] = sha256(path)
    (dataset / "dataset.json").write_text(json.dumps(about))


SMALL = ("--set", "crop=32", "--set", "batch=2", "--set", "steps=1", "--set", "precision=float32")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["corrupt", "train", "evaluate"])
def test_a_prepared_set_of_broken_files(
    command: str, data: Path, tmp_path: Path, in_this_process: None, record_property: Count
) -> None:
    """Once as it is when a disk breaks files, once as if a stranger had made the set so."""
    rng, number = np.random.default_rng([7, *command.encode()]), 44 * SCALE
    (tmp_path / "tiny.toml").write_text(RECIPE)
    train = ("train", "--method", "standard", "--preset", "demo", *SMALL)
    if command == "evaluate":
        assert not faults_of([*train, "--data", data, "--runs", tmp_path / "runs"])
    failed = 0
    for place in range(number):
        folder = tmp_path / f"data{place}"
        dataset = folder / ("further" if command == "evaluate" else "acdc")
        for target in {folder / "acdc", dataset}:
            shutil.copytree(data / "acdc", target)
        about = (dataset / "dataset.json").read_text("utf-8").replace('"ACDC"', '"Further"')
        (dataset / "dataset.json").write_text(about.replace('"acdc"', f'"{dataset.name}"'))
        subject = "004" if command != "train" else ("001", "003")[int(rng.integers(2))]
        kind = ("img", "seg")[int(rng.integers(2))]
        path = dataset / subject / f"ED_{kind}.nii.gz"
        volume = read_volume(path)
        content = mutated(valid(volume.data, volume.affine), place // 2, rng)[1]
        write_as(path, content, np.random.default_rng(0))
        if place % 2:
            record_again(dataset, path)
        words = {
            "corrupt": ("corrupt", "--recipe", tmp_path / "tiny.toml", "--data", folder),
            "train": (*train, "--data", folder, "--runs", folder / "runs"),
            "evaluate": ("evaluate", *(tmp_path / "runs").glob("*/*-r0-*"), "--data", folder),
        }[command]
        faults = faults_of(words)
        assert not faults or (len(faults) == 1 and str(dataset / subject) in faults[0]), faults
        failed += bool(faults)
        shutil.rmtree(folder)
    assert failed >= number / 2
    record_property("inputs", number)


@pytest.fixture(scope="module")
def corrupted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of data with a set corrupted by the tiny recipe."""
    folder = tmp_path_factory.mktemp("corrupted")
    shutil.copytree(data / "acdc", folder / "acdc")
    (folder / "tiny.toml").write_text(RECIPE)
    words = ("corrupt", "--recipe", folder / "tiny.toml", "--data", folder, "--workers", 1)
    assert not faults_of(words)
    return folder


@pytest.mark.slow
def test_verifying_broken_volumes(
    corrupted: Path, tmp_path: Path, in_this_process: None, record_property: Count
) -> None:
    rng, number = np.random.default_rng(8), 44 * SCALE
    data = Path(shutil.copytree(corrupted, tmp_path / "data"))
    (image,) = data.glob("tiny/Noise-3/004/draw1/ED_img.nii.gz")
    good, volume = image.read_bytes(), read_volume(image)
    for place in range(number):
        content = mutated(valid(volume.data, volume.affine), place, rng)[1]
        write_as(image, content, np.random.default_rng(0))
        faults = faults_of(("corrupt", "--verify", "--recipe", data / "tiny.toml", "--data", data))
        # Its voxels, its geometry, or both are other ones; the last line sums up.
        named = [str(image) in fault for fault in faults[:-1]]
        assert not faults or (1 <= len(named) <= 2 and all(named)), faults
    image.write_bytes(good)
    record_property("inputs", number)


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Every container in a JSON value, with each key or index in it."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    nested = [value[key] for key in keys if isinstance(value[key], dict | list)]
    return [(value, key) for key in keys] + [place for one in nested for place in places_in(one)]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "../x", "/etc/passwd", "Noise", "nan", "a\nb", "Noise-3", "x" * 300]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["verify", "replay"])
@given(drawn=st.data())
@drawn_times(60)
def test_a_broken_manifest(
    command: str,
    drawn: st.DataObject,
    corrupted: Path,
    tmp_path: Path,
    in_this_process: None,
    record_property: Count,
) -> None:
    """A value of the manifest anywhere is another one, or gone."""
    record_property("inputs", 1)
    made, again = tmp_path / "made", tmp_path / "again"
    for folder in (made, again):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(corrupted / "tiny", made)
    manifest = json.loads((made / "manifest.json").read_text("utf-8"))
    container, key = drawn.draw(st.sampled_from(places_in(manifest)), label="place")
    if drawn.draw(st.booleans(), label="gone"):
        del container[key]
    else:
        container[key] = drawn.draw(JSON, label="value")
    (made / "manifest.json").write_text(json.dumps(manifest))
    before = everything(tmp_path, again)
    if command == "verify":
        faults = faults_of(("corrupt", "--verify", made, "--data", corrupted))
    else:
        faults = faults_of(("corrupt", "--replay", made, again, "--data", corrupted))
    assert len(faults) < 20
    assert everything(tmp_path, again) == before


SCORES = "method,repeat,seed,test_set,subject,draw,frame,structure,output,dice,hd95_mm,absent\n"
SCORES += "".join(
    f"mine,0,0,ACDC,{subject},0,{frame},{structure},FTN+STN,0.9,2.0,\n"
    for subject in ("004", "005")
    for frame in ("ED", "ES")
    for structure in ("LV", "MYO", "RV")
)


@pytest.mark.slow
@given(seed=st.integers(0, 2**32))
@drawn_times(150)
def test_broken_scores(seed: int, tmp_path: Path, record_property: Count) -> None:
    record_property("inputs", 1)
    path = tmp_path / "mine.csv"
    path.write_bytes(mutated_table(SCORES, np.random.default_rng(seed)))
    try:
        rows = read_external_rows([path], set(), [])
    except CoopbenchError as error:
        assert all(str(path) in line for line in error.lines)
    else:
        assert rows.files == (path,)


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff" * 50, SCORES[:290].encode(), SCORES.replace("0.9", "9").encode()]
)
def test_a_report_names_broken_scores(content: bytes, data: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    out = tmp_path / "report"
    words = ("report", "--data", data, "--runs", "none", "--scores", path, "--out", out)
    (fault,) = faults_of(words)
    assert str(path) in fault and not out.exists()
