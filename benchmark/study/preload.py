"""What the processes of a study, and of the report on it, work with.

Named apart from the modules that need it, so that the processes import it while these are imported.
"""

PRELOAD = (
    *("benchmark.corrupted_sets.corrupt_set", "corruptions.acdc_c"),
    *("benchmark.study.grid", "benchmark.reporting.examples"),
)
