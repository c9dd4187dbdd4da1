"""Training: augmentation, one step of learning, the loop over steps."""
