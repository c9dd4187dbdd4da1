"""Figures, one in each file; all in the style of `results.figures.style`."""

from benchmark.core.streams import muted_errors

with muted_errors():
    import matplotlib.font_manager  # noqa: F401 - searches for fonts and cache folders
