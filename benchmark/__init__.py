"""The harness: command line, data, networks, the proposed method, training and evaluation."""

__version__ = "0.1.0"
