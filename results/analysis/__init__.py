"""Analysis of scores: comparison, tests, intervals, ranks, robustness."""
