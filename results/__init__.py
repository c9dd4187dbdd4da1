"""Tables and figures from score files; knows nothing of training."""
