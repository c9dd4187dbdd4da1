"""Scores: metrics, the scores of runs, and those of other people's predictions (`external`)."""
