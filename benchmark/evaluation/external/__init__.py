"""Label maps of any framework, scored against labels into the same tidy rows as our own runs'.

Prepared sets are scored as `benchmark.evaluation.evaluate` does, on the centre 192 × 192, so that
such a row is comparable; plain folders of labels on whole volumes.
"""
