"""Score files: reading and checking them, the order of rows and columns, the published numbers."""
