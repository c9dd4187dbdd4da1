"""The measurements of ``coopbench bench``: ratios to plain code, timed side by side, and floors."""
