"""Channels of the network at each resolution, a quarter of the published ones."""

ENCODER = (16, 32, 64, 128, 128)
"""Channels after the stem and after each residual down block; published: 64-128-256-512-512."""

CODE_CHANNELS = ENCODER[-1]

DECODER = (CODE_CHANNELS, 64, 32, 16, 16)
"""Channels of the code and after each up block."""

STRIDE = 2 ** (len(ENCODER) - 1)
"""Pixels of the image per position of a code, in each direction; sizes must be multiples of it."""
