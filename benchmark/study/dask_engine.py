"""The jobs of a study on a Dask cluster: this machine's cores, or any number of machines.

What a job writes, it writes into folders that all machines see; Dask carries names and messages,
never data. A worker that dies costs its own job's time: the scheduler gives the job to another one,
which goes on from the last saved state.
"""

import logging
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from distributed import (
    Client,
    Event,
    Future,
    LocalCluster,
    as_completed,
    get_client,
    get_worker,
    wait,
)
from distributed.scheduler import KilledWorker

from benchmark import __version__
from benchmark.errors import CoopbenchError
from benchmark.study.grid import Job
from benchmark.workers import connected

PATIENCE = 60.0
"""Seconds that a scheduler and its first worker may take to answer."""
GRACE = 60.0
"""Seconds that running trainings get to save their state when the study is interrupted."""
EVERY = 5.0
"""Seconds between what a job tells the scheduler, which has many to listen to."""
TOPIC = "coopbench"

Listener = Callable[[tuple[str, int, int, str]], None]


@contextmanager
def cluster(address: str | None, *, workers: int, gpu: bool) -> Iterator[Client]:
    """Connect to a scheduler, or start one with workers on this machine.

    Args:
        address: of a scheduler, as ``tcp://HOST:8786``; None: one of our own, on loopback.
        workers: processes of our own, of one thread each.
        gpu: our own workers are to have a GPU each.

    Raises:
        CoopbenchError: no scheduler or no worker answers, or theirs is another coopbench.
    """
    with ExitStack() as stack:
        try:
            if address is None:
                with _deaf_to_interrupts():
                    started = LocalCluster(
                        n_workers=workers,
                        threads_per_worker=1,
                        host="127.0.0.1",
                        dashboard_address="127.0.0.1:0",
                        resources={"GPU": 1} if gpu else None,
                        silence_logs=logging.CRITICAL,
                    )
                address = stack.enter_context(started).scheduler_address
            client = stack.enter_context(Client(address, timeout=PATIENCE))
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, TimeoutError, ValueError) as error:
            raise CoopbenchError(
                f"--scheduler {address}: no scheduler with a worker answers within "
                f"{PATIENCE:.0f} s ({error}); start them by 'dask scheduler' and 'dask worker'"
            ) from error
        yield client


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes begun within ignore Ctrl-C, which reaches all; this one decides what becomes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def check_workers(client: Client, folders: Sequence[Path]) -> list[str]:
    """Have every worker look whether it can do the jobs.

    Args:
        client: of the cluster.
        folders: what all of them have to see.

    Returns:
        A line on who is there.

    Raises:
        CoopbenchError: a worker lacks coopbench, has another version of it, or does not see a
            folder; each is named.
    """
    try:
        found = client.run(_look, [str(folder) for folder in folders])
    except Exception as error:  # whatever unpickling raises where coopbench is not installed
        raise CoopbenchError(
            f"a worker cannot run coopbench ({type(error).__name__}: {error}); install coopbench "
            f"{__version__} with its extra 'dask' wherever workers run"
        ) from error
    faults = []
    for host, version, unseen in found.values():
        if version != __version__:
            faults.append(f"worker on {host}: has coopbench {version}, not {__version__}")
        faults += [
            f"worker on {host}: does not see {folder}; put data and runs where all do"
            for folder in unseen
        ]
    if faults:
        raise CoopbenchError(*dict.fromkeys(faults))
    hosts = {host for host, _, _ in found.values()}
    return [f"{len(found)} workers on {', '.join(sorted(hosts))}"]


def _look(folders: list[str]) -> tuple[str, str, list[str]]:
    unseen = [folder for folder in folders if not Path(folder).is_dir()]
    return socket.gethostname(), __version__, unseen


def run_on_cluster(
    client: Client,
    jobs: Sequence[Job],
    *,
    gpu: bool,
    listen: Listener,
    advance: Callable[[Job], None],
) -> list[str]:
    """Do every job that is due, each once those that it needs are done.

    Args:
        client: of the cluster.
        jobs: each after those that it needs.
        gpu: training and evaluation need a worker with the resource ``GPU``.
        listen: called with what trainings tell of themselves.
        advance: called with every job that has come to its end, whatever that was.

    Returns:
        What went wrong, a line for each job that failed or could not be begun; the others are done.

    Raises:
        KeyboardInterrupt: running trainings were told to save their state and to stop.
    """
    study = uuid.uuid4().hex[:8]
    futures: dict[str, Future] = {}
    client.subscribe_topic(TOPIC, lambda event: listen(event[1]))
    stop = Event(f"stop-{study}", client=client)
    for job in jobs:
        if job.due:
            futures[job.name] = client.submit(
                _do,
                job,
                study,
                [futures[name] for name in job.needs if name in futures],
                key=f"{job.name} {study}",
                pure=False,
                resources={"GPU": 1} if gpu and job.kind != "corrupt" else None,
            )
    names = {future.key: job for job in jobs if (future := futures.get(job.name))}
    faults: dict[str, list[str]] = {}
    try:
        for future in as_completed(list(futures.values())):
            job = names[future.key]
            if (fault := _fault(future, job)) is not None:
                waited = [name for name in job.needs if name in faults]
                lines = [f"{job.name}: not done, since '{waited[0]}' failed"] if waited else fault
                faults[job.name] = lines
            advance(job)
    except BaseException:
        stop.set()
        begun = {key for keys in client.processing().values() for key in keys}
        left = [future for future in futures.values() if not future.done()]
        client.cancel([future for future in left if future.key not in begun])
        with suppress(TimeoutError):
            wait([future for future in left if future.key in begun], timeout=GRACE)
        raise
    finally:
        client.unsubscribe_topic(TOPIC)
    return [line for job in jobs for line in faults.get(job.name, [])]


def _fault(future: Future, job: Job) -> list[str] | None:
    if future.status == "finished":
        return None
    if future.cancelled():
        return [f"{job.name}: was cancelled, perhaps since the scheduler ended"]
    error = future.exception()
    if isinstance(error, KilledWorker):
        return [
            f"{job.name}: its workers died, one after the other, perhaps for want of memory; "
            "the same command goes on with it"
        ]
    if isinstance(error, CoopbenchError):
        return list(error.lines)
    return [f"{job.name}: {type(error).__name__}: {error}"]


def _do(job: Job, study: str, needed: list[None]) -> None:
    """What a worker does; ``needed`` is there for the scheduler to wait for."""
    line = _Line(study)
    try:
        with connected(line, line):
            job.work(job.argument)
    except KeyboardInterrupt as error:  # which would end the worker
        raise CoopbenchError(f"{job.name}: interrupted; its state is saved") from error


class _Line:
    """From a job to the study: its messages, now and then, and whether it is to stop."""

    def __init__(self, study: str) -> None:
        self.worker, self.last, self.stopped = get_worker(), 0.0, False
        self.event = Event(f"stop-{study}", client=get_client())

    def put(self, message: Any) -> None:
        now = time.monotonic()
        if now - self.last >= EVERY:
            self.last = now
            self.worker.log_event(TOPIC, message)
            self.stopped = self.event.is_set()

    def is_set(self) -> bool:
        return self.stopped
