"""A trained network at work: on slices, and on a whole volume in its own space."""
