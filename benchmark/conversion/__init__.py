"""Prepared sets for other frameworks, and what is recorded so that their predictions come back."""
