"""Methods that the proposed one is compared with, each one file."""
