"""Signals are heeded where the state is whole, and what is queued is not begun any more."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmark.core.interruption import SIGNALS, delay_interrupts
from tests.helpers.processes import begin

JOBS = 40

PROGRAM = f"""
import sys, time
from pathlib import Path
from benchmark.core.parallel import run_parallel

def work(number):
    time.sleep(0.2)
    Path(str(number)).touch()

if __name__ == "__main__":
    with run_parallel(work, range({JOBS}), title="work", workers=2) as done:
        for _ in done:
            if "fault" in sys.argv:
                raise ValueError("no more of this")
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_for_the_end_of_the_step(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    done = []
    with pytest.raises(KeyboardInterrupt), delay_interrupts() as raise_if_interrupted:
        raise_if_interrupted()
        os.kill(os.getpid(), number)
        done.append("the rest of the step")
        raise_if_interrupted()
    assert done == ["the rest of the step"]
    assert signal.getsignal(number) == before


@pytest.mark.slow
@pytest.mark.parametrize("end", ["signal", "fault"])
def test_no_job_is_begun_after_the_end(end: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    work = tmp_path / "work"
    work.mkdir()
    process = begin(
        [sys.executable, tmp_path / "program.py", end], cwd=work, stderr=subprocess.PIPE
    )
    while not any(work.iterdir()) and process.poll() is None:
        time.sleep(0.02)
    if end == "signal":
        os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert ("KeyboardInterrupt" if end == "signal" else "no more of this") in said
    there = len(list(work.iterdir()))
    assert 0 < there < 10
    time.sleep(0.5)
    assert len(list(work.iterdir())) == there


KILLED = """
import os, signal, sys, time
from pathlib import Path
from benchmark.core.interruption import delay_interrupts
from benchmark.core.parallel import run_parallel, tell

def work(number):
    tell(number)
    begun = Path(f"begun-{number}")
    if "always" in sys.argv or (number == 1 and not begun.exists()):
        begun.touch()
        with delay_interrupts() as raise_if_interrupted:
            os.kill(os.getpid(), signal.SIGTERM if "SIGTERM" in sys.argv else signal.SIGKILL)
            raise_if_interrupted()
    return 10 * number

if __name__ == "__main__":
    try:
        with run_parallel(work, range(6), title="work", workers=2) as done:
            print(sorted((job, result) for job, result in done))
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
"""


@pytest.mark.slow
@pytest.mark.parametrize("end", ["SIGKILL", "SIGTERM"])
def test_a_killed_process_costs_its_job_some_time_and_nothing_else(
    end: str, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(KILLED)
    process = begin(
        [sys.executable, tmp_path / "program.py", end],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    said, error = process.communicate(timeout=100)
    assert said == f"{[(number, 10 * number) for number in range(6)]}\n", error
    assert error == "a worker process was killed; its job starts again\n"


@pytest.mark.slow
def test_processes_that_are_killed_again_and_again_are_given_up(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(KILLED)
    process = begin(
        [sys.executable, tmp_path / "program.py", "always"], cwd=tmp_path, stderr=subprocess.PIPE
    )
    _, error = process.communicate(timeout=100)
    assert process.returncode == 1
    assert error.splitlines()[-1].startswith("CoopbenchError: worker processes were killed again")


WITHOUT_GUARD = """
from pathlib import Path
from benchmark.core.parallel import run_parallel

Path("runs.txt").open("a").write("once ")
with run_parallel(len, ["a", "bb"], title="work", workers=2) as done:
    print(sorted(result for _, result in done))
"""


def test_a_script_without_a_guard_is_not_run_again_by_its_workers(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(WITHOUT_GUARD)
    process = begin(
        [sys.executable, tmp_path / "program.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    said, error = process.communicate(timeout=100)
    assert (said, error) == ("[1, 2]\n", "")
    assert (tmp_path / "runs.txt").read_text() == "once "
