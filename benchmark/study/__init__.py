"""Many methods and repeats: corrupted, trained and scored by processes, or by a Dask cluster."""
