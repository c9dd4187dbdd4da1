"""The order of jobs that depend on each other."""

import heapq
from collections.abc import Sequence
from graphlib import TopologicalSorter

from benchmark.study.job import Job


class Order:
    """Gives the next job to start: the first one whose needs are done.

    Args:
        jobs: the jobs, each after those that it needs; needs that are not among them count as done.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = list(jobs)
        self._place = {job.name: place for place, job in enumerate(jobs)}
        self._sorter = TopologicalSorter(
            {
                place: [self._place[name] for name in job.needs if name in self._place]
                for place, job in enumerate(jobs)
            }
        )
        self._sorter.prepare()
        self._ready = list(self._sorter.get_ready())
        heapq.heapify(self._ready)
        self._lost: set[str] = set()

    @property
    def next(self) -> Job | None:
        """The first job that can start now; None if there is none."""
        return self._jobs[self._ready[0]] if self._ready else None

    def begin(self) -> Job:
        """Take the next job that is ready.

        Raises:
            IndexError: no job is ready.
        """
        return self._jobs[heapq.heappop(self._ready)]

    def end(self, job: Job) -> None:
        """Mark a started job as done."""
        self._sorter.done(self._place[job.name])
        for place in self._sorter.get_ready():
            heapq.heappush(self._ready, place)

    def give_up(self, job: Job) -> list[Job]:
        """Mark a started job as failed; returns the jobs that cannot start any more, in order."""
        self._lost.add(job.name)
        found = []
        for other in self._jobs:
            if other.name not in self._lost and not self._lost.isdisjoint(other.needs):
                self._lost.add(other.name)
                found.append(other)
        return found
