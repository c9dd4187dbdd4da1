"""What ``coopbench bench`` measures: ratios to plain code, side by side in one run, and floors."""
