"""The surroundings in which a report does its work."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from results.scores.small_tables import small_tables


@pytest.fixture(autouse=True)
def strings_of_a_report(request: pytest.FixtureRequest) -> Iterator[None]:
    """Once the scores are read, new strings are Python's, as in `write_report`."""
    reading = request.path.parent.name == "scores"
    with nullcontext() if reading else small_tables():
        yield
