"""Corruptions of MR images, as TorchIO transforms with a severity from 1 to 5, and recipes of them.

import torchio as tio
from corruptions import GradedMotion, GradedNoise

transform = tio.Compose([GradedMotion(severity=3), GradedNoise(severity=1, seed=7)])

Their names differ from TorchIO's, since TorchIO finds the transforms of a history by name. TorchIO
is imported only with the first corruption, since every command imports this package.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corruptions.anisotropy import GradedAnisotropy
    from corruptions.bias import GradedBias
    from corruptions.blur import GradedBlur
    from corruptions.corruption import Corruption
    from corruptions.gamma import GradedGamma
    from corruptions.ghosting import GradedGhosting
    from corruptions.gibbs import GradedGibbs
    from corruptions.missing_lines import GradedMissingLines
    from corruptions.motion import GradedMotion
    from corruptions.noise import GradedNoise
    from corruptions.spike import GradedSpike

__all__ = [
    "Corruption",
    "GradedAnisotropy",
    "GradedBias",
    "GradedBlur",
    "GradedGamma",
    "GradedGhosting",
    "GradedGibbs",
    "GradedMissingLines",
    "GradedMotion",
    "GradedNoise",
    "GradedSpike",
]


def __getattr__(name: str) -> Any:
    """Import a corruption at its first use, as GradedMissingLines from missing_lines."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    words = name.removeprefix("Graded")
    file = "".join(f"_{c.lower()}" if c.isupper() else c for c in words).removeprefix("_")
    return getattr(importlib.import_module(f"{__name__}.{file}"), name)
