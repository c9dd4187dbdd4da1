"""Modules that the processes of a study, and of its report, import at their start.

The list is a module of its own, so that the processes can import them while this process imports
the rest.
"""

PRELOAD = (
    *("benchmark.corrupted_sets.corrupt_set", "corruptions.acdc_c"),
    *("benchmark.study.grid", "benchmark.reporting.examples"),
)
