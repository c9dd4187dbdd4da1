"""What the scores say: comparison, tests, intervals, ranks, robustness."""
