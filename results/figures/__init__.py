"""Figures, one in each file; all in the style of `results.figures.style`."""

import logging

from benchmark.core.streams import muted_errors

logging.getLogger("matplotlib").setLevel(logging.ERROR)
with muted_errors():
    import matplotlib.font_manager  # noqa: F401 - searches for fonts and cache folders
