"""The order of jobs that need one another."""

import heapq
from collections.abc import Sequence

from benchmark.study.grid import Job


class Order:
    """What can be begun, as jobs come to their end: the first job whose needs are done.

    Args:
        jobs: each after those that it needs; needs that are not among them count as done.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = list(jobs)
        self._place = {job.name: place for place, job in enumerate(jobs)}
        self._waits: list[list[int]] = [[] for _ in jobs]
        self._left: list[int] = []
        for place, job in enumerate(jobs):
            needs = [self._place[name] for name in job.needs if name in self._place]
            self._left.append(len(needs))
            for need in needs:
                self._waits[need].append(place)
        self._ready = [place for place, left in enumerate(self._left) if not left]
        self._lost: set[int] = set()

    @property
    def ready(self) -> bool:
        """Whether there is a job that can be begun now."""
        return bool(self._ready)

    def begin(self) -> Job:
        """The next of the jobs that are ready, and that one no longer is.

        Raises:
            IndexError: none is ready.
        """
        return self._jobs[heapq.heappop(self._ready)]

    def end(self, job: Job) -> None:
        """A job that was begun is done."""
        for place in self._waits[self._place[job.name]]:
            self._left[place] -= 1
            if not self._left[place] and place not in self._lost:
                heapq.heappush(self._ready, place)

    def give_up(self, job: Job) -> list[Job]:
        """A job that was begun has failed; returns those that can no longer be begun, in order."""
        before = set(self._lost)
        to_look_at = [self._place[job.name]]
        while to_look_at:
            waiting = set(self._waits[to_look_at.pop()]) - self._lost
            self._lost |= waiting
            to_look_at += waiting
        return [self._jobs[place] for place in sorted(self._lost - before)]
