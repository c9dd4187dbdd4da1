"""Runs: configuration, folder, checkpoint, provenance, selection and export."""
