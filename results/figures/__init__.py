"""Figures, one in each file; all in the style of `results.figures.style`."""

from benchmark.core.streams import quiet_matplotlib

with quiet_matplotlib():
    import matplotlib.font_manager  # noqa: F401 - searches for fonts and cache folders
