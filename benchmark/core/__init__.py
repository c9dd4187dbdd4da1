"""Ground that every room stands on: errors, files, locks, processes, seeds, devices."""
