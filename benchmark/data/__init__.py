"""Raw challenge layouts, preparation, and what training and evaluation read."""
