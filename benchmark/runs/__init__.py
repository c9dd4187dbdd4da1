"""What a run is: its configuration, folder, checkpoint, provenance, selection and export."""
