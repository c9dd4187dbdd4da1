"""Image corruptions that robustness is measured on."""
