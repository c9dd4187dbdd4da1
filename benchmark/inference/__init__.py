"""Apply a trained network to slices, or to a whole volume in its own space."""
