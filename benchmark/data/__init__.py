"""Raw challenge layouts, preparation, and the prepared sets that training and evaluation read."""
