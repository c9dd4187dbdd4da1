"""Run the jobs of a study on a Dask cluster: this machine's cores, or any number of machines.

Jobs write into folders that all machines see; Dask transfers names and messages, never data. If a
worker dies, only the time of its job is lost: the scheduler gives the job to another worker, which
resumes from the last saved state.
"""

import logging
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from distributed import (
    Client,
    Event,
    Future,
    LocalCluster,
    Worker,
    get_client,
    get_worker,
    wait,
)
from distributed.scheduler import KilledWorker

from benchmark import __version__
from benchmark.core.errors import CoopbenchError
from benchmark.core.messages import check_cancelled, connected
from benchmark.study.job import Job

PATIENCE = 60.0
"""Seconds to wait for a scheduler's answer."""
GRACE = 60.0
"""Seconds that running trainings get to save their state when the study is interrupted."""
EVERY = 5.0
"""Seconds between messages of a job, so that the scheduler is not overloaded."""
TOPIC = "coopbench"

Listener = Callable[[tuple[str, int, int, str]], None]


@contextmanager
def cluster(
    address: str | None, *, workers: int, gpu: bool, say: Callable[[str], None]
) -> Iterator[Client]:
    """Connect to a scheduler, or start one with workers on this machine.

    Args:
        address: address of a scheduler, as ``tcp://HOST:8786``; None: start one on loopback.
        workers: number of own processes, with one thread each.
        gpu: whether own workers get a GPU each.
        say: called with a line while waiting for the first worker.

    Raises:
        CoopbenchError: no scheduler answers.
    """
    with ExitStack() as stack:
        try:
            if address is None:
                with _ignore_interrupts():
                    started = LocalCluster(
                        n_workers=workers,
                        threads_per_worker=1,
                        host="127.0.0.1",
                        dashboard_address="127.0.0.1:0",
                        resources={"GPU": 1} if gpu else None,
                        memory_limit=0,  # Dask's default limit is too small for a training
                        silence_logs=logging.CRITICAL,
                    )
                address = stack.enter_context(started).scheduler_address
            client = stack.enter_context(Client(address, timeout=PATIENCE))
        except (OSError, TimeoutError, ValueError) as error:
            raise CoopbenchError(
                f"--scheduler {address}: no scheduler answers within {PATIENCE:.0f} s ({error}); "
                "start one with 'dask scheduler'"
            ) from error
        try:
            client.wait_for_workers(1, timeout=EVERY)
        except TimeoutError:  # wait as long as a queue may take
            say(f"{address}: has no worker yet; waiting for one (see 'dask worker')")
            client.wait_for_workers(1)
        yield client


@contextmanager
def _ignore_interrupts() -> Iterator[None]:
    """Context in which new processes ignore Ctrl-C, which reaches all; this process handles it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def check_workers(client: Client, folders: Sequence[Path]) -> list[str]:
    """Check that every worker can do the jobs.

    Args:
        client: client of the cluster.
        folders: folders that all workers must see.

    Returns:
        A line on the workers.

    Raises:
        CoopbenchError: a worker lacks coopbench, has another version of it, has several threads or
            does not see a folder; the message names each fault.
    """
    try:
        found = client.run(_look, [str(folder) for folder in folders])
    except Exception as error:  # unpickling may raise anything if coopbench is not installed
        raise CoopbenchError(
            f"a worker cannot run coopbench ({type(error).__name__}: {error}); install coopbench "
            f"{__version__} with its extra 'dask' on every worker's machine"
        ) from error
    faults = []
    for host, version, threads, unseen in found.values():
        if threads != 1:
            faults.append(
                f"worker on {host}: has {threads} threads, and trainings in one process disturb "
                "each other; start it with --nthreads 1, once for each core"
            )
        if version != __version__:
            faults.append(f"worker on {host}: has coopbench {version}, not {__version__}")
        faults += [
            f"worker on {host}: does not see {folder}; put data and runs where all workers see them"
            for folder in unseen
        ]
    if faults:
        raise CoopbenchError(*dict.fromkeys(faults))
    hosts = {host for host, *_ in found.values()}
    return [f"{len(found)} workers on {', '.join(sorted(hosts))}"]


def _look(folders: list[str], dask_worker: Worker) -> tuple[str, str, int, list[str]]:
    unseen = [folder for folder in folders if not Path(folder).is_dir()]
    return socket.gethostname(), __version__, dask_worker.state.nthreads, unseen


@contextmanager
def dask_engine(
    client: Client, *, gpu: bool, listen: Listener, say: Callable[[str], None]
) -> Iterator["DaskEngine"]:
    """Context with a cluster's workers for a study.

    If an exception such as Ctrl-C ends the context, running trainings save their state and stop;
    they get some time for this.

    Args:
        client: client of the cluster.
        gpu: training and evaluation need a worker with the resource ``GPU``.
        listen: called with the messages of trainings.
        say: called with a line on the cluster.
    """
    study = uuid.uuid4().hex[:8]
    stop = Event(f"stop-{study}", client=client)
    engine = DaskEngine(client, study, _Places(client, gpu, say), gpu=gpu)
    client.subscribe_topic(TOPIC, lambda event: listen(event[1]))
    try:
        yield engine
    except BaseException:
        with suppress(Exception):  # the scheduler may be gone; report the first error
            stop.set()
            wait(list(engine.running), timeout=GRACE)
        raise
    finally:
        client.unsubscribe_topic(TOPIC)


class DaskEngine:
    """Runs jobs on a cluster, as many at once as there are workers.

    Dask would queue more jobs at a worker; if that worker died, all of them would count as failed
    once.
    """

    def __init__(self, client: Client, study: str, places: "_Places", *, gpu: bool) -> None:
        self._client, self._study, self._places, self._gpu = client, study, places, gpu
        self.running: dict[Future, Job] = {}

    def has_room(self, job: Job) -> bool:
        """Whether a worker has no job."""
        return len(self.running) < self._places.number()

    def begin(self, job: Job) -> None:
        """Hand a job to the scheduler."""
        future = self._client.submit(
            _do,
            job,
            self._study,
            key=f"{job.name} {self._study}",
            pure=False,
            resources={"GPU": 1} if self._gpu and job.kind != "corrupt" else None,
        )
        self.running[future] = job

    def ended(self) -> list[tuple[Job, Exception | None]]:
        """Wait a while; returns the jobs that have ended, if any."""
        if not self.running:
            time.sleep(EVERY)
            return []
        with suppress(TimeoutError, CancelledError):
            wait(list(self.running), timeout=EVERY, return_when="FIRST_COMPLETED")
        done = [future for future in self.running if future.done()]
        jobs = [(self.running.pop(future), future) for future in done]
        return [(job, _fault(future, job)) for job, future in jobs]


class _Places:
    """The number of workers, looked up from time to time."""

    def __init__(self, client: Client, gpu: bool, say: Callable[[str], None]) -> None:
        self.client, self.gpu, self.say = client, gpu, say
        self.last, self.found = -EVERY, 1

    def number(self) -> int:
        if time.monotonic() - self.last >= EVERY:
            before, self.last = self.found, time.monotonic()
            workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
            if self.client.status == "closed":
                raise CoopbenchError(
                    "the scheduler has ended; finished work is kept; start another scheduler, "
                    "then run the same command to continue"
                )
            self.found = sum(not self.gpu or "GPU" in worker["resources"] for worker in workers)
            if not self.found and before:
                what = "worker with the resource GPU=1" if self.gpu else "worker"
                self.say(f"there is no {what}; waiting for one")
        return self.found


def _fault(future: Future, job: Job) -> Exception | None:
    if future.status == "finished":
        return None
    if future.cancelled():
        return CoopbenchError(f"{job.name}: was cancelled, perhaps because the scheduler ended")
    error: Exception = future.exception()
    if isinstance(error, KilledWorker):
        return CoopbenchError(
            f"{job.name}: its workers died, one after the other, perhaps from a lack of memory; "
            "run the same command to continue"
        )
    return error


_ALONE = threading.Lock()
"""Allows one job at a time in a worker with several threads, since jobs seed the whole process."""


def _do(job: Job, study: str) -> None:
    """Do a job in a worker."""
    line = _Line(study)
    try:
        with _ALONE, connected(line, line):
            check_cancelled()
            job.work(job.argument, 0)
    except KeyboardInterrupt as error:  # which would end the worker
        raise CoopbenchError(f"{job.name}: interrupted; its state is saved") from error


class _Line:
    """Connects a job with the study: passes on messages from time to time, and the order to
    stop."""

    def __init__(self, study: str) -> None:
        self.worker, self.stopped = get_worker(), False
        self.told = self.asked = -EVERY
        self.event = Event(f"stop-{study}", client=get_client())

    def put(self, message: Any) -> None:
        now = time.monotonic()
        if now - self.told >= EVERY:
            self.told = now
            self.worker.log_event(TOPIC, message)

    def is_set(self) -> bool:
        now = time.monotonic()
        if now - self.asked >= EVERY:
            self.asked = now
            with suppress(OSError):  # network errors; the next call asks again
                self.stopped = self.event.is_set()
        return self.stopped
