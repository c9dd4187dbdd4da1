"""Commands that are killed, run out of disk, or run twice at once, and what is there afterwards.

Real processes, killed at moments drawn from a seed, then run again to the end. What they leave has
to be, byte for byte, what an uninterrupted process leaves. ``COOPBENCH_KILLS=50`` kills each
command fifty times.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from benchmark.cli import cli
from benchmark.core.files import sha256
from tests.helpers.acdc_files import write_acdc
from tests.helpers.forked import COOPBENCH, FEW_FIGURES, Forked

# What all of these start from is made once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("killed")]

KILLS = int(os.environ.get("COOPBENCH_KILLS", "1"))

TINY = ["--set", "crop=32", "--set", "batch=2", "--set", "steps=8", "--set", "validate_every=2"]
TINY += ["--set", "precision=float32"]
STUDY = ["--methods", "standard,proposed", "--preset", "demo", *TINY]
COMMANDS = {
    "prepare": ["prepare", "acdc", "raw"],
    "corrupt": ["corrupt"],
    "train": ["train", "--method", "proposed", "--preset", "demo", *TINY],
    "evaluate": ["evaluate", "--save-predictions"],
    "report": ["report", "--preset", "demo", "--no-pictures"],
    "study": ["study", *STUDY],
}

VARYING = ("done.json", "log.txt", "environment.json")
"""They hold times, and are no results."""


@dataclass(frozen=True)
class Whole:
    """What an undisturbed command left, in what time, and its largest file in bytes."""

    files: dict[str, str]
    seconds: float
    largest: int


SAVES_OFTEN = "import benchmark.training.loop as training; training.SAVE_SECONDS = 0\n"
"""The state is saved at every validation, where else it is every half minute."""


def program(command: str) -> str:
    """What Python runs as `coopbench`: no more than has to be drawn anyhow.

    Only ``make hammer`` draws every figure.
    """
    often = SAVES_OFTEN if command in ("train", "study") else ""
    few = command in ("report", "study") and KILLS == 1
    return often + (FEW_FIGURES if few else COOPBENCH)


@pytest.fixture(autouse=True)
def as_many_figures(request: pytest.FixtureRequest) -> None:
    """Reports made in this process draw what those of the processes draw."""
    if KILLS == 1:
        request.getfixturevalue("few_figures")


def start(words: list[str], folder: Path, limit: int | None = None) -> Forked:
    """A command in a folder; with ``limit``, no file may become larger than that."""
    return Forked(
        program(words[0]),
        words,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        largest_file=limit,
    )


def run(words: list[str], folder: Path) -> None:
    """Undisturbed, in a process of its own."""
    process = start(words, folder)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said


def finish(words: list[str], folder: Path) -> None:
    """Undisturbed; in this process, which spares the imports, where there is nothing to draw."""
    if words[0] in ("report", "study"):
        run(words, folder)
        return
    with contextlib.chdir(folder):
        result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output


def go_on(process: Forked) -> None:
    """Have a group that was stopped go on to its end.

    A worker that was being born as the others were stopped has missed a single signal before.
    """
    end = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGCONT)
        time.sleep(0.05)


def wait_for_orphans(group: int) -> None:
    """No process outlives the one that started it."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError("a worker lives on after its parent")


def snapshot(folder: Path) -> dict[str, str]:
    """The checksum of every file below, but for what holds times."""
    page_has_times = (folder / "runs").is_dir() and not (folder / "runs-given").exists()
    found = {}
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        if path.is_dir() or path.name.startswith(".lock") or "tensorboard" in below.parts:
            continue
        if path.name in VARYING or (page_has_times and path.name == "report.html"):
            continue
        found[below.as_posix()] = sha256(path)
    return found


@pytest.fixture(scope="module")
def places(
    data: Path, _corrupted: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """For each command a folder as it finds it, where it has not run yet."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("killed")
    write_acdc(root / "prepare" / "raw", 3)
    for name in ("corrupt", "train", "study"):
        shutil.copytree(data / "acdc", root / name / "data" / "acdc")
    shutil.copytree(_corrupted, root / "evaluate" / "data")
    for method in ("standard", "proposed"):
        words = ["train", "--method", method, "--preset", "demo", *TINY, "--set", "steps=2"]
        finish(words, root / "evaluate")
    (root / "evaluate" / "runs-given").touch()
    shutil.copytree(root / "evaluate", root / "report")
    finish(["evaluate"], root / "report")
    return {name: root / name for name in COMMANDS}


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Whole]:
    """What each command leaves when nothing happens to it."""
    return {}


def wanted(
    name: str,
    places: dict[str, Path],
    undisturbed: dict[str, Whole],
    tmp_path: Path,
) -> Whole:
    if name not in undisturbed:
        folder = Path(shutil.copytree(places[name], tmp_path / "whole"))
        before, begun = snapshot(folder), time.monotonic()
        run(COMMANDS[name], folder)
        seconds, files = time.monotonic() - begun, snapshot(folder)
        largest = max((folder / path).stat().st_size for path in files.keys() - before.keys())
        undisturbed[name] = Whole(files, seconds, largest)
    return undisturbed[name]


def test_one_process_runs_all_of_these(request: pytest.FixtureRequest) -> None:
    """pytest-xdist 3.8 ignores groups in silence with pytest 9.2, and all is made twice."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("tests are not distributed by group")
    assert request.node.nodeid.endswith("@killed")


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_at_any_moment(
    name: str,
    places: dict[str, Path],
    undisturbed: dict[str, Whole],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    whole = wanted(name, places, undisturbed, tmp_path)
    rng = np.random.default_rng([*name.encode(), KILLS])
    folder, survived, begun, seconds = tmp_path / "work", 0, 0, whole.seconds
    while survived < KILLS:
        begun += 1
        assert begun < 10 + 2 * KILLS, "it has always ended before it could be killed"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(places[name], folder)
        before = survived
        for _ in range(min(2, KILLS - survived)):
            process, begun_at = start(COMMANDS[name], folder), time.monotonic()
            try:
                process.wait(timeout=seconds * rng.uniform(0.3, 0.9))
                # It takes less time than the first did: the next is killed sooner.
                seconds = min(seconds, time.monotonic() - begun_at)
            except subprocess.TimeoutExpired:
                if rng.random() < 0.5:
                    process.kill()
                else:
                    os.killpg(process.pid, signal.SIGKILL)
                survived += 1
            process.communicate()
            wait_for_orphans(process.pid)
        if survived > before:
            finish(COMMANDS[name], folder)
            assert snapshot(folder) == whole.files
    record_property("kills", survived)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "study"])
def test_what_a_killed_command_leaves_is_removed(
    name: str, places: dict[str, Path], undisturbed: dict[str, Whole], tmp_path: Path
) -> None:
    """An unfinished file beside each file that the command writes, as if killed while it wrote."""
    expected = wanted(name, places, undisturbed, tmp_path).files
    folder = Path(shutil.copytree(places[name], tmp_path / "work"))
    written = [folder / path for path in expected if not (folder / path).exists()]
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(f".partial-0123456789ab-{path.name}").touch()
    assert written
    finish(COMMANDS[name], folder)
    assert snapshot(folder) == expected


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(
    "words",
    [
        ["prepare", "acdc", "raw", "--skip-bad", "--out", "disk"],
        ["corrupt", "--recipe", "mr-c", "--skip-bad", "raw", "disk/out"],
    ],
    ids=lambda words: words[0],
)
def test_a_full_disk_is_no_fault_of_the_images(
    words: list[str], places: dict[str, Path], small_disk: Path, tmp_path: Path
) -> None:
    (tmp_path / "raw").symlink_to(places["prepare"] / "raw")
    process = start(words, tmp_path)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1, said
    (fault,) = [line for line in said.splitlines() if "No space left" in line]
    assert fault.startswith("coopbench: disk/") and "--skip-bad" not in said
    assert not list(small_disk.rglob(".partial*"))
    assert not list(small_disk.rglob("manifest.json")) + list(small_disk.rglob("dataset.json"))


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "study"])
def test_a_full_disk(
    name: str,
    places: dict[str, Path],
    undisturbed: dict[str, Whole],
    tmp_path: Path,
) -> None:
    """As a full disk does, a limit of the size of files breaks a write off in the middle."""
    expected = wanted(name, places, undisturbed, tmp_path).files
    rng = np.random.default_rng([*name.encode(), 1])
    folder = Path(shutil.copytree(places[name], tmp_path / "work"))
    largest = undisturbed[name].largest
    process = start(COMMANDS[name], folder, limit=int(rng.uniform(0.05, 0.9) * largest))
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 1 and "Traceback" not in said and "rror:" not in said, said
    assert "(File too large)" in said, said
    assert name != "report" or "finished work is kept" in said, said
    assert not list(folder.rglob(".partial*"))
    finish(COMMANDS[name], folder)
    assert snapshot(folder) == expected


LOCKS = {
    "prepare": "data/acdc/.lock",
    "corrupt": "data/acdc-c/.lock",
    "train": "runs/acdc-demo/proposed-r0-s40/.lock",
    "report": "report/acdc-demo/.lock",
    "study": "runs/acdc-demo/*/.lock",
}


def held(locks: Iterable[Path]) -> bool:
    """Whether a process holds one of the locks; only looking at one could keep it from it."""
    numbers = [f":{path.stat().st_ino} " for path in locks]
    lines = Path("/proc/locks").read_text().splitlines()
    return any(number in line for number in numbers for line in lines)


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="locks are not listed here")
@pytest.mark.parametrize("name", LOCKS)
def test_two_at_once(
    name: str,
    places: dict[str, Path],
    undisturbed: dict[str, Whole],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While one works, the other says so; of a study's runs it may train those that wait."""
    expected = wanted(name, places, undisturbed, tmp_path).files
    folder = Path(shutil.copytree(places[name], tmp_path / "work"))
    first = start(COMMANDS[name], folder)
    while not held(folder.glob(LOCKS[name])):
        assert first.poll() is None, first.communicate()
        time.sleep(0.01)
    os.killpg(first.pid, signal.SIGSTOP)  # in the middle, for as long as the second takes
    monkeypatch.chdir(folder)
    second = CliRunner().invoke(cli, COMMANDS[name])
    go_on(first)
    said, _ = first.communicate(timeout=300)
    assert first.returncode == 0, said
    assert second.exit_code == 1 and isinstance(second.exception, SystemExit), second.output
    assert "another process is" in second.output.splitlines()[-1]
    assert snapshot(folder) == expected


def test_two_evaluations_share_the_work(
    places: dict[str, Path],
    undisturbed: dict[str, Whole],
    tmp_path: Path,
) -> None:
    expected = wanted("evaluate", places, undisturbed, tmp_path).files
    folder = Path(shutil.copytree(places["evaluate"], tmp_path / "work"))
    both = [start(COMMANDS["evaluate"], folder) for _ in range(2)]
    for process in both:
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said
    assert snapshot(folder) == expected


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["corrupt", "train"])
def test_interrupted_in_one_line(
    name: str, end: signal.Signals, places: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(places[name], tmp_path / "work"))
    process = start(COMMANDS[name], folder)
    lock = folder / (
        "data/acdc-c/.lock" if name == "corrupt" else "runs/acdc-demo/proposed-r0-s40/.lock"
    )
    while not lock.exists() and process.poll() is None:
        time.sleep(0.02)
    time.sleep(0.05)
    os.killpg(process.pid, end)
    said, _ = process.communicate(timeout=60)
    there = snapshot(folder)
    assert process.returncode == 130, said
    assert said.splitlines()[-1].startswith("coopbench: interrupted; finished work is kept"), said
    assert "Traceback" not in said and f"coopbench {name}" in said.splitlines()[-1]
    assert len(list(folder.glob("data/acdc-c/*/*/*/case.json"))) < 6  # of 12
    wait_for_orphans(process.pid)
    assert snapshot(folder) == there


@pytest.mark.parametrize("place", ["file/below", "/proc/coopbench"])
@pytest.mark.parametrize(
    "words",
    [
        ["prepare", "acdc", "raw", "--out", "PLACE"],
        ["corrupt", "raw", "PLACE"],
        ["train", "--method", "standard", "--data", "data", "--runs", "PLACE", *TINY],
        ["report", "--runs", "runs", "--data", "data", "--out", "PLACE", "--no-pictures"],
        ["phantom", "--out", "PLACE"],
    ],
    ids=lambda words: words[0],
)
def test_where_nothing_can_be_written(
    words: list[str],
    place: str,
    places: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").write_text("in the way")
    for name, source in (("raw", "prepare"), ("runs", "report"), ("data", "report")):
        (tmp_path / name).symlink_to(places[source] / name)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, [place if word == "PLACE" else word for word in words])
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit), done.output
    last = done.output.splitlines()[-1]
    assert last.startswith("coopbench: ") and place.partition("/below")[0] in last
