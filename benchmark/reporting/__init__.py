"""From runs and scores to the folder of a report."""
