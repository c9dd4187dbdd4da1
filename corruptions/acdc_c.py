"""ACDC-C as on the poster: four kinds of artefact by TorchIO at its own defaults.

TorchIO: Pérez-García et al., Computer Methods and Programs in Biomedicine 2021. The stack goes in
as one tensor (1, slices, H, W) with an identity affine, so that all parameters are in voxels and
the slice axis takes part (protocol, section 5).
"""

from typing import Any

import numpy as np
import torch
import torchio as tio
from numpy.typing import NDArray

from benchmark.recipe import Corrupted, Recipe

TRANSFORMS: dict[str, tio.Transform] = {
    "RandBias": tio.RandomBiasField(),
    "RandGhosting": tio.RandomGhosting(),
    "RandMotion": tio.RandomMotion(degrees=30, translation=10),
    "RandSpike": tio.RandomSpike(),
}


class ACDC_C(Recipe):  # noqa: N801 (the set's own name)
    """The protocol's recipe: 4 kinds, 3 draws of each."""

    name = "acdc-c"
    title = "ACDC-C"
    version = 1
    kinds = tuple(TRANSFORMS)
    draws = 3
    field = 192
    packages = ("torchio", "torch", "simpleitk", "numpy")

    def corrupt(self, slices: NDArray[np.float32], kind: str, seed: int) -> Corrupted:
        """Corrupt slices (slices, H, W) in [0, 1]; the values returned may leave that range."""
        image = tio.ScalarImage(tensor=torch.from_numpy(slices)[None], affine=np.eye(4))
        # TorchIO draws from torch's global generator, which is put back as it was.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            corrupted = TRANSFORMS[kind](tio.Subject(image=image))
        (applied,) = corrupted.history
        drawn = {
            name: _as_json(value["image"])
            for name, value in vars(applied).items()
            if isinstance(value, dict) and "image" in value
        }
        stack = corrupted.image.numpy()[0].astype(np.float32)
        return Corrupted(stack, {"transform": type(applied).__name__, **drawn})


def _as_json(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, torch.Tensor):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value
