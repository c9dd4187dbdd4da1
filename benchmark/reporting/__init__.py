"""Make the folder of a report from runs and scores."""
