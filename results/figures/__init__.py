"""A figure, a file; all in the style of `results.figures.style`."""
