"""Processes that run a program like ``python -c``, born with what it would import for seconds.

The system forks them from the server that `begin_imports` has started. All else is as in a
process that was executed: a session, streams, signals and workers of their own.
"""

import contextlib
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from multiprocessing import forkserver, resource_tracker, util
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import IO, Any

IMPORTED = (
    "benchmark.cli",
    "benchmark.data.prepare",
    "benchmark.evaluation.evaluate",
    "benchmark.reporting.examples",
    "benchmark.reporting.report",
    "benchmark.evaluation.external.scoring",
    "benchmark.corrupted_sets.manifest",
    "benchmark.corrupted_sets.corrupt_set",
    "benchmark.corrupted_sets.corrupt_folder",
    "benchmark.study.train_job",
    "benchmark.training.loop",
    "corruptions.acdc_c",
    "corruptions.declared",
    *("benchmark.cli.request", "benchmark.methods.cooperative", "benchmark.phantom.phantom_set"),
    *("benchmark.reporting.make_report", "benchmark.study.run_study"),
    # What these import when they first need it, for seconds: an optimiser, a figure, a file.
    *("torch._dynamo", "seaborn", "matplotlib.backends.backend_pdf", "fontTools.subset"),
    *("pyarrow.parquet", "scipy.stats", "distributed"),
)
"""What most processes of the tests work with."""

COOPBENCH = "import sys; from benchmark.cli import main; sys.argv[0] = 'coopbench'; main()"
"""The program that is the command."""

FEW_FIGURES = """
import itertools, sys
import benchmark.reporting.example_figures as pictures
import benchmark.reporting.report as report
from benchmark.cli import main
every = report.report_figures
report.report_figures = lambda *given: itertools.islice(every(*given), 1)
pictures.example_figures = lambda *_: ([], [])
sys.argv[0] = "coopbench"
main()
"""
"""The command, but its reports draw their first figure and no pictures."""

_STARTED: list["Forked"] = []


class Forked:
    """A process, with the interface of `subprocess.Popen` in text mode.

    Args:
        program: Python code, run as the module ``__main__``.
        words: the words after the program, for ``sys.argv``.
        cwd: the folder to work in; None: this process's.
        stdout: as for `subprocess.Popen`: None, PIPE or DEVNULL.
        stderr: the same, or STDOUT.
        largest_file: no file that it writes may become larger, in bytes.
        memory: its data may not become larger, in bytes.
    """

    def __init__(
        self,
        program: str,
        words: Iterable[object] = (),
        *,
        cwd: Path | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
        env: Mapping[str, str] | None = None,
        largest_file: int | None = None,
        memory: int | None = None,
    ) -> None:
        self._said: dict[int, list[str]] = {}
        self._readers: list[threading.Thread] = []
        self.returncode: int | None = None
        self.args = ["coopbench", *map(str, words)]
        numbers = {1: self._open(1, stdout), 2: None}
        numbers[2] = numbers[1] if stderr == subprocess.STDOUT else self._open(2, stderr)
        limits = {resource.RLIMIT_FSIZE: largest_file, resource.RLIMIT_DATA: memory}
        self._process = multiprocessing.get_context("forkserver").Process(
            target=_live,
            args=(
                program,
                self.args[1:],
                str(cwd or Path.cwd()),
                os.environ | {"OMP_NUM_THREADS": "1"} | dict(env or {}),
                _Streams({n: number for n, number in numbers.items() if number is not None}),
                {name: limit for name, limit in limits.items() if limit is not None},
            ),
        )
        _STARTED.append(self)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid
        for number in {number for number in numbers.values() if number is not None}:
            os.close(number)
        # A group of its own, as soon as this is known: it may be killed right now.
        with contextlib.suppress(ProcessLookupError):
            while self.poll() is None and os.getpgid(self.pid) != self.pid:
                time.sleep(0.001)

    def _open(self, name: int, kind: int | None) -> int | None:
        if kind is None:
            return None
        if kind == subprocess.DEVNULL:
            return os.open(os.devnull, os.O_RDWR)
        assert kind == subprocess.PIPE
        read, write = os.pipe()
        parts = self._said[name] = []
        file = open(read, encoding="utf-8", errors="surrogateescape")  # noqa: SIM115, PTH123
        reader = threading.Thread(target=_read, args=(file, parts), daemon=True)
        reader.start()
        self._readers.append(reader)
        return write

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs."""
        if self.returncode is None:
            self.returncode = self._process.exitcode
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: it has not ended after ``timeout`` seconds.
        """
        self._process.join(timeout)
        if self.poll() is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(self.args, timeout)
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end and that of its streams; what it said on either."""
        self.wait(timeout)
        for reader in self._readers:
            reader.join(timeout)
        return "".join(self._said.get(1, [])), "".join(self._said.get(2, []))

    def errors_so_far(self) -> str:
        """What it has said on standard error, in whole lines."""
        return "".join(self._said[2])

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, and none of the processes it started."""
        self.send_signal(signal.SIGKILL)


def run_forked(
    program: str, words: Iterable[object] = (), **options: Any
) -> "subprocess.CompletedProcess[str]":
    """A process as `Forked`, to its end; what `subprocess.run` returns with captured output."""
    process = Forked(
        program, words, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    )
    said = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.wait(), *said)


def end_all() -> None:
    """Kill what is left of the sessions that were started."""
    while _STARTED:
        process = _STARTED.pop()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class _Streams:
    """File descriptors on their way to another process, by what they are to be there."""

    def __init__(self, numbers: dict[int, int]) -> None:
        self._numbers = numbers

    def __reduce__(self) -> tuple[Any, ...]:
        return _Arrived, ({name: DupFd(number) for name, number in self._numbers.items()},)


class _Arrived:
    def __init__(self, numbers: dict[int, Any]) -> None:
        self._numbers = {name: number.detach() for name, number in numbers.items()}

    def take_their_places(self) -> None:
        for name, number in self._numbers.items():
            os.dup2(number, name)
        for number in self._numbers.values():
            os.close(number)
        for name, stream in ((1, "stdout"), (2, "stderr")):
            errors = "strict" if name == 1 else "backslashreplace"
            file = open(name, "w", encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
            setattr(sys, stream, file)


def _read(file: IO[str], parts: list[str]) -> None:
    with file:
        parts.extend(file)


def _live(
    program: str,
    words: list[str],
    cwd: str,
    environment: dict[str, str],
    streams: _Arrived,
    limits: dict[int, int],
) -> None:
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    streams.take_their_places()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    for name, limit in limits.items():
        resource.setrlimit(name, (limit, limit))
    _begin_server_of_own()
    sys.argv = ["-c", *words]
    exec(program, {"__name__": "__main__"})


def _begin_server_of_own() -> None:
    """As in a process that was executed, its workers are of a server that is its child."""
    resource_tracker._resource_tracker._fd = None  # type: ignore[attr-defined]
    multiprocessing.get_context("forkserver").set_forkserver_preload([])
    executes, util.spawnv_passfds = util.spawnv_passfds, _fork  # type: ignore[attr-defined]
    try:
        forkserver.ensure_running()
    finally:
        util.spawnv_passfds = executes  # type: ignore[attr-defined]


def _fork(path: bytes, arguments: list[str], kept: Iterable[int]) -> int:
    """Do what Python is to be executed for, in a child that has imported all already."""
    child = os.fork()
    if child:
        return child
    last = 2
    for number in [*sorted(kept), os.sysconf("SC_OPEN_MAX")]:
        os.closerange(last + 1, number)
        last = number
    try:
        exec(arguments[-1], {})
    finally:
        os._exit(0)
