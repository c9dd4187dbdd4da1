"""A study on a real Dask scheduler with real workers, on loopback."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmark.cli import cli
from benchmark.core.parallel import default_workers
from benchmark.data.dataset import read_dataset
from benchmark.runs.config import resolve
from tests.helpers.forked import COOPBENCH, FEW_FIGURES, Forked

dask = pytest.importorskip("dask")
pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]

TINY = ["--preset", "demo", "--set", "crop=32", "--set", "batch=2", "--set", "precision=float32"]


@contextmanager
def started(name: str, *words: str) -> Iterator[Forked]:
    """A process of Dask's, ended at the end."""
    program = f"from distributed.cli.{name} import main; main()"
    process = Forked(program, words, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def said_by(process: Forked, pattern: str) -> str:
    """Wait until a process says something like this."""
    while not (found := re.search(pattern, process.errors_so_far())):
        assert process.poll() is None, f"it never said {pattern}: {process.communicate()}"
        time.sleep(0.02)
    return found[1]


@pytest.fixture
def workers_with_imports() -> Iterator[None]:
    """A cluster of this process's own has workers that are born with what they work with."""
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        yield


@contextmanager
def on_dask(*options: Sequence[str]) -> Iterator[tuple[str, list[Forked]]]:
    """A scheduler, and workers of these options without nannies: what is killed stays dead."""
    with ExitStack() as stack:
        words = ("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        scheduler = stack.enter_context(started(*words))
        address = said_by(scheduler, r"Scheduler at:\s+(tcp://\S+)")
        words = ("dask_worker", address, "--no-nanny", "--no-dashboard")
        workers = [stack.enter_context(started(*words, *given)) for given in options]
        for worker in workers:
            said_by(worker, r"(Registered to)")
        yield address, workers


def weights(runs: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in runs.rglob("weights.safetensors")}


@pytest.mark.usefixtures("without_figures")
def test_a_killed_worker_costs_its_job_some_time_and_nothing_else(
    own_corrupted_data: Path, tmp_path: Path
) -> None:
    study = ["study", "--data", str(own_corrupted_data), "--methods", "standard,proposed-x", *TINY]
    study += ["--set", "steps=24", "--set", "validate_every=4"]
    runs = tmp_path / "runs"
    often = tmp_path / "often.py"
    often.write_text("import benchmark.training.loop as training; training.SAVE_SECONDS = 0")
    worker = ("--nthreads", "1", "--preload", str(often))
    with on_dask(worker, worker) as (address, workers):
        words = [*study, "--runs", str(runs), "--out", str(tmp_path / "report")]
        process = Forked(
            FEW_FIGURES,
            [*words, "--engine", "dask", "--scheduler", address],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        while len(list(runs.rglob("resume.safetensors"))) < 2:  # both workers are at it
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        assert not list(runs.rglob("done.json"))
        workers[0].send_signal(signal.SIGKILL)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "2 workers on" in err and (tmp_path / "report" / "report.html").is_file()
    begun = [re.findall(r": (\d+) of 24 steps", log.read_text()) for log in runs.rglob("log.txt")]
    assert sorted(len(steps) for steps in begun) == [1, 2]  # the other one was not disturbed
    assert int(max(begun, key=len)[1]) >= 4  # and this one went on
    words = ["--runs", str(tmp_path / "local"), "--out", str(tmp_path / "again")]
    plain = CliRunner().invoke(cli, [*study, *words, "--jobs", str(default_workers())])
    assert plain.exit_code == 0, plain.output
    assert weights(runs) == weights(tmp_path / "local") and len(weights(runs)) == 2
    for one, other in ((runs / "acdc-demo", tmp_path / "local/acdc-demo"), ("report", "again")):
        assert (tmp_path / one / "scores.csv").read_bytes() == (
            tmp_path / other / "scores.csv"
        ).read_bytes()


@pytest.mark.parametrize("engine", ["local", "dask"])
@pytest.mark.usefixtures("without_figures", "workers_with_imports")
def test_a_job_that_fails_is_named_and_the_rest_goes_on(
    engine: str, own_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study = ["study", "--data", str(own_data), "--methods", "standard,dsu", *TINY]
    study += ["--set", "steps=4", "--runs", str(tmp_path / "runs")]
    dataset = read_dataset(own_data / "acdc")
    overrides = ["crop=32", "batch=2", "precision=float32", "steps=4"]
    config = resolve("dsu", dataset, preset="demo", repeat=0, overrides=overrides)
    broken = tmp_path / "runs" / config.folder
    broken.mkdir(parents=True)
    (broken / "config.json").write_text(config.model_dump_json())
    (broken / "resume.safetensors").write_bytes(b"nothing")
    result = CliRunner().invoke(cli, [*study, "--engine", engine, "--jobs", str(default_workers())])
    assert result.exit_code == 1, result.output
    assert f"{broken / 'resume.safetensors'}: " in result.output
    lost = rf"train {broken.name}: failed; \d+ that need it are not done"
    assert re.search(lost, result.output)
    assert "Traceback" not in result.output
    assert "Standard training" in result.output  # what is finished is in a report all the same
    good = tmp_path / "runs" / config.group / "standard-r0-s40"
    assert (good / "done.json").is_file()
    assert {path.stem for path in (good / "scores").glob("*.csv")} >= {"acdc", "acdc-c_RandSpike"}
    # Mended, it goes on, and notices a corrupted volume that was broken meanwhile.
    (broken / "resume.safetensors").unlink()
    volume = next((own_data / "acdc-c" / "RandBias").rglob("*_img.nii.gz"))
    before = volume.read_bytes()
    volume.write_bytes(before[:-9])
    result = CliRunner().invoke(cli, [*study, "--engine", engine, "--jobs", str(default_workers())])
    assert result.exit_code == 0, result.output
    assert volume.read_bytes() == before and (broken / "done.json").is_file()


def test_a_worker_of_several_threads_is_refused(own_data: Path, tmp_path: Path) -> None:
    """Trainings seed the generator of their process, so two in one would spoil each other."""
    words = ["study", "--data", str(own_data), "--runs", str(tmp_path / "runs"), *TINY]
    with on_dask(("--nthreads", "2")) as (address, _):
        result = CliRunner().invoke(cli, [*words, "--engine", "dask", "--scheduler", address])
    assert result.exit_code == 1 and "Traceback" not in result.output
    assert "has 2 threads" in result.output and "--nthreads 1" in result.output
    assert not list((tmp_path / "runs").rglob("config.json"))


def test_a_scheduler_that_is_not_there_is_named(
    own_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.study.dask_engine.PATIENCE", 1.0)
    words = ["study", "--data", str(own_data), "--runs", str(tmp_path), *TINY]
    result = CliRunner().invoke(
        cli, [*words, "--engine", "dask", "--scheduler", "tcp://127.0.0.1:1"]
    )
    assert result.exit_code == 1 and "Traceback" not in result.output
    assert "--scheduler tcp://127.0.0.1:1: no scheduler answers" in result.output


def test_interrupted_on_a_cluster_of_its_own(own_corrupted_data: Path, tmp_path: Path) -> None:
    """As from a terminal, where Ctrl-C reaches the workers as well."""
    runs = tmp_path / "runs"
    words = ["study", "--data", str(own_corrupted_data), "--methods", "standard,dsu,rsc", *TINY]
    words += ["--set", "steps=5000", "--set", "validate_every=3", "--runs", str(runs)]
    words += ["--engine", "dask", "--jobs", "2"]
    hasty = tmp_path / "hasty.py"
    hasty.write_text("import benchmark.study.dask_engine as engine; engine.EVERY = 0.5\n")
    told = f"import dask; dask.config.set({{'distributed.worker.preload': [{str(hasty)!r}]}})\n"
    process = Forked(told + hasty.read_text() + COOPBENCH, words, stderr=subprocess.PIPE)
    while len([log for log in runs.rglob("log.txt") if "step 3:" in log.read_text("utf-8")]) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1].startswith("coopbench: interrupted; finished work is kept")
    # The third, which had to wait for a worker, was not begun for being interrupted.
    assert len(list(runs.rglob("resume.safetensors"))) == len(list(runs.rglob("log.txt"))) == 2
    for _ in range(200):  # until the last of them has ended
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError("a worker lives on")
