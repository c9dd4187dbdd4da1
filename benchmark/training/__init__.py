"""Training: augmentation, one training step, the loop over steps."""
