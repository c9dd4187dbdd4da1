"""The dual-thinking network and its parts."""
