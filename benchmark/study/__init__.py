"""Run a study of many methods and repeats, with processes or on a Dask cluster."""
