"""Processes that tests start, which hear Ctrl-C and do not outlive the test that started them."""

import os
import resource
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_STARTED: list["subprocess.Popen[str]"] = []


def begin(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    env: Mapping[str, str] | None = None,
    largest_file: int | None = None,
) -> "subprocess.Popen[str]":
    """Start a process of one thread, in a session of its own.

    With ``largest_file``, no file it writes may become larger, in bytes.
    """

    def prepare() -> None:
        # A shell has its background jobs ignore Ctrl-C, and with them all that these start.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | dict(env or {}),
        stdout=stdout,
        stderr=stderr,
        text=True,
        start_new_session=True,
        preexec_fn=prepare,
    )
    _STARTED.append(process)
    return process


def end_all() -> None:
    """Kill what is left of the sessions that were started."""
    while _STARTED:
        process = _STARTED.pop()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
