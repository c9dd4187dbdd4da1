"""How pandas stores the names in the many small tables of a report."""

from contextlib import AbstractContextManager

import pandas as pd


def small_tables() -> AbstractContextManager[None]:
    """Context in which new strings are Python's, for use once the scores are read.

    A report has hundreds of small tables of names, where each call of Arrow's strings takes longer
    than the work on them.
    """
    return pd.option_context("mode.string_storage", "python")
