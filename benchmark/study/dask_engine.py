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
"""Seconds that a scheduler may take to answer."""
GRACE = 60.0
"""Seconds that running trainings get to save their state when the study is interrupted."""
EVERY = 5.0
"""Seconds between what a job tells the scheduler, which has many to listen to."""
TOPIC = "coopbench"

Listener = Callable[[tuple[str, int, int, str]], None]


@contextmanager
def cluster(
    address: str | None, *, workers: int, gpu: bool, say: Callable[[str], None]
) -> Iterator[Client]:
    """Connect to a scheduler, or start one with workers on this machine.

    Args:
        address: of a scheduler, as ``tcp://HOST:8786``; None: one of our own, on loopback.
        workers: processes of our own, of one thread each.
        gpu: our own workers are to have a GPU each.
        say: called with a line where there is no worker yet, for which this waits.

    Raises:
        CoopbenchError: no scheduler answers.
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
                        memory_limit=0,  # by default a share of the machine's, below a training's
                        silence_logs=logging.CRITICAL,
                    )
                address = stack.enter_context(started).scheduler_address
            client = stack.enter_context(Client(address, timeout=PATIENCE))
        except (OSError, TimeoutError, ValueError) as error:
            raise CoopbenchError(
                f"--scheduler {address}: no scheduler answers within {PATIENCE:.0f} s ({error}); "
                "start one by 'dask scheduler'"
            ) from error
        try:
            client.wait_for_workers(1, timeout=EVERY)
        except TimeoutError:  # as long as a queue may take
            say(f"{address}: has no worker yet; waiting for one (see 'dask worker')")
            client.wait_for_workers(1)
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
        CoopbenchError: a worker lacks coopbench, has another version of it, has several threads or
            does not see a folder; each is named.
    """
    try:
        found = client.run(_look, [str(folder) for folder in folders])
    except Exception as error:  # whatever unpickling raises where coopbench is not installed
        raise CoopbenchError(
            f"a worker cannot run coopbench ({type(error).__name__}: {error}); install coopbench "
            f"{__version__} with its extra 'dask' wherever workers run"
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
            f"worker on {host}: does not see {folder}; put data and runs where all do"
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
    """A cluster's workers, for a study.

    Left by an exception, such as Ctrl-C, running trainings are told to save their state and to
    stop, and get some time for it.

    Args:
        client: of the cluster.
        gpu: training and evaluation need a worker with the resource ``GPU``.
        listen: called with what trainings tell of themselves.
        say: called with a line on the cluster.
    """
    study = uuid.uuid4().hex[:8]
    stop = Event(f"stop-{study}", client=client)
    engine = DaskEngine(client, study, _Places(client, gpu, say), gpu=gpu)
    client.subscribe_topic(TOPIC, lambda event: listen(event[1]))
    try:
        yield engine
    except BaseException:
        with suppress(Exception):  # the scheduler may be gone; what was raised first counts
            stop.set()
            wait(list(engine.running), timeout=GRACE)
        raise
    finally:
        client.unsubscribe_topic(TOPIC)


class DaskEngine:
    """Jobs on a cluster, as many at once as there are workers.

    Dask would hand out more, to wait at a worker, and count it against all of them when that worker
    dies.
    """

    def __init__(self, client: Client, study: str, places: "_Places", *, gpu: bool) -> None:
        self._client, self._study, self._places, self._gpu = client, study, places, gpu
        self.running: dict[Future, Job] = {}

    def has_room(self, job: Job) -> bool:
        """Whether there is a worker that has no job."""
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
        """Jobs that have come to their end, or none, after a while."""
        if not self.running:
            time.sleep(EVERY)
            return []
        with suppress(TimeoutError, CancelledError):
            wait(list(self.running), timeout=EVERY, return_when="FIRST_COMPLETED")
        done = [future for future in self.running if future.done()]
        jobs = [(self.running.pop(future), future) for future in done]
        return [(job, _fault(future, job)) for job, future in jobs]


class _Places:
    """How many workers there are, looked up now and then."""

    def __init__(self, client: Client, gpu: bool, say: Callable[[str], None]) -> None:
        self.client, self.gpu, self.say = client, gpu, say
        self.last, self.found = -EVERY, 1

    def number(self) -> int:
        if time.monotonic() - self.last >= EVERY:
            before, self.last = self.found, time.monotonic()
            workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
            if self.client.status == "closed":
                raise CoopbenchError(
                    "the scheduler has ended; what is done is kept, and the same command goes on "
                    "with it once there is another one"
                )
            self.found = sum(not self.gpu or "GPU" in worker["resources"] for worker in workers)
            if not self.found and before:
                what = "worker with the resource GPU=1" if self.gpu else "worker"
                self.say(f"no {what} is there; waiting for one")
        return self.found


def _fault(future: Future, job: Job) -> Exception | None:
    if future.status == "finished":
        return None
    if future.cancelled():
        return CoopbenchError(f"{job.name}: was cancelled, perhaps since the scheduler ended")
    error: Exception = future.exception()
    if isinstance(error, KilledWorker):
        return CoopbenchError(
            f"{job.name}: its workers died, one after the other, perhaps for want of memory; "
            "the same command goes on with it"
        )
    return error


_ALONE = threading.Lock()
"""Jobs seed the whole process, so that a worker of several threads does one at a time."""


def _do(job: Job, study: str) -> None:
    """What a worker does."""
    line = _Line(study)
    try:
        with _ALONE, connected(line, line):
            check_cancelled()
            job.work(job.argument, 0)
    except KeyboardInterrupt as error:  # which would end the worker
        raise CoopbenchError(f"{job.name}: interrupted; its state is saved") from error


class _Line:
    """From a job to the study: its messages, now and then, and whether it is to stop."""

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
            with suppress(OSError):  # of the network; it is asked again
                self.stopped = self.event.is_set()
        return self.stopped
