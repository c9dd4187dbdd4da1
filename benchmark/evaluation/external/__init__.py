"""Score label maps of any framework, into rows of the same format as our own runs.

Prepared sets are scored as in `benchmark.evaluation.evaluate`, on the centre 192 × 192, so that the
rows are comparable; plain folders of labels are scored on whole volumes.
"""
