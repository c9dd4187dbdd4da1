"""The surroundings in which a report does its work."""

from collections.abc import Iterator

import pandas as pd
import pytest


@pytest.fixture(autouse=True)
def strings_of_a_report(request: pytest.FixtureRequest) -> Iterator[None]:
    """Once the scores are read, new strings are Python's, as in `write_report`."""
    reading = request.path.parent.name == "scores"
    with pd.option_context("mode.string_storage", "auto" if reading else "python"):
        yield
