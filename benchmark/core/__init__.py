"""Basic functions for all other packages: errors, files, locks, processes, seeds, devices."""
