"""ACDC-C as published: four kinds of artefact by the mathematics of TorchIO 0.16.22.

The first axis of the stack is that of the slices, all lengths are in voxels, and artefacts may also
run across slices (protocol, section 5). TorchIO: Pérez-García et al., Computer Methods and Programs
in Biomedicine 2021.
"""

from typing import Any

from benchmark.corrupted_sets.recipe import Corrupted, Recipe, Spacing, Stack
from corruptions.torchio_0_16 import (
    PublishedBias,
    PublishedCorruption,
    PublishedGhosting,
    PublishedMotion,
    PublishedSpike,
)
from corruptions.torchio_0_16.corruption import seeded

CORRUPTIONS: dict[str, type[PublishedCorruption]] = {
    "RandBias": PublishedBias,
    "RandGhosting": PublishedGhosting,
    "RandMotion": PublishedMotion,
    "RandSpike": PublishedSpike,
}


class ACDC_C(Recipe):  # noqa: N801 (the set's own name)
    """The protocol's recipe: 4 kinds, 3 draws of each."""

    name = "acdc-c"
    title = "ACDC-C"
    version = 2
    kinds = tuple(CORRUPTIONS)
    draws = 3
    field = 192
    packages = ("torch", "simpleitk", "scipy", "numpy")

    def corrupt(self, slices: Stack, kind: str, seed: int, spacing: Spacing) -> Corrupted:
        """Corrupt slices (slices, H, W) in [0, 1]; the values returned may leave that range."""
        corruption = CORRUPTIONS[kind]
        count, height, width = slices.shape
        drawn = corruption.draw((count, height, width), seeded(seed))
        return Corrupted(corruption.apply_to(slices, drawn), drawn)

    def replay(self, slices: Stack, kind: str, parameters: dict[str, Any]) -> Stack:
        """Apply the corruption of this kind with these parameters."""
        return CORRUPTIONS[kind].apply_to(slices, parameters)
