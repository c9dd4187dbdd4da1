"""What workers say is heard."""

from typing import Any

import pytest

from benchmark.core.messages import tell
from benchmark.core.workers import Workers


def talk(count: int) -> None:
    for number in range(count):
        tell(number)


@pytest.mark.slow
def test_every_message_is_heard_before_the_work_ends() -> None:
    """Also those of the last moment, when the processes end at once."""
    heard: list[Any] = []

    def slowly(message: Any) -> None:
        sum(range(2_000))
        heard.append(message)

    with Workers(2, listen=slowly) as workers:
        left = {workers.submit(talk, 500) for _ in range(4)}
        while left:
            left -= workers.ended().keys()
    assert sorted(heard) == sorted([*range(500)] * 4)
