"""Corrupted test sets: the recipe interface, making a set or a folder, its manifest, a preview."""
