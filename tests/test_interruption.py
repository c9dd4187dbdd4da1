"""Signals are heeded where the state is whole, and what is queued is not begun any more."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import begin

from benchmark.interruption import SIGNALS, heeded_between_steps

JOBS = 40

PROGRAM = f"""
import sys, time
from pathlib import Path
from benchmark.workers import share_out

def work(number):
    time.sleep(0.2)
    Path(str(number)).touch()

if __name__ == "__main__":
    with share_out(work, range({JOBS}), title="work", workers=2) as done:
        for _ in done:
            if "fault" in sys.argv:
                raise ValueError("no more of this")
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_for_the_end_of_the_step(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    done = []
    with pytest.raises(KeyboardInterrupt), heeded_between_steps() as heed:
        heed()
        os.kill(os.getpid(), number)
        done.append("the rest of the step")
        heed()
    assert done == ["the rest of the step"]
    assert signal.getsignal(number) == before


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
