"""ACDC-C by TorchIO 1: the poster's four kinds of artefact, as today's TorchIO computes them.

All kinds but motion have TorchIO's own defaults, which are stronger than those of the published set
(`corruptions.acdc_c`), above all for spikes. TorchIO: Pérez-García et al., Computer Methods and
Programs in Biomedicine 2021. The stack is one tensor (1, slices, H, W) with an identity affine, so
that all parameters are in voxels and artefacts may also run across slices (protocol, section 5).
"""

from typing import Any

import numpy as np
import torch
import torchio as tio
from numpy.typing import NDArray

from benchmark.corrupted_sets.recipe import Corrupted, Recipe, Spacing, Stack

TRANSFORMS: dict[str, tio.Transform] = {
    "RandBias": tio.RandomBiasField(),
    "RandGhosting": tio.RandomGhosting(),
    "RandMotion": tio.RandomMotion(degrees=30, translation=10),
    "RandSpike": tio.RandomSpike(),
}


class ACDC_C_TorchIO1(Recipe):  # noqa: N801 (the set's own name)
    """4 kinds, 3 draws of each: what version 1 of recipe ``acdc-c`` made, voxel for voxel."""

    name = "acdc-c-torchio1"
    title = "ACDC-C by TorchIO 1"
    version = 1
    seed_name: str | None = "acdc-c"
    kinds = tuple(TRANSFORMS)
    draws = 3
    field = 192
    packages = ("torchio", "torch", "simpleitk", "numpy")

    def affine(self, shape: tuple[int, ...], spacing: Spacing) -> NDArray[np.float64]:
        """The affine of the stack, from (slices, H, W) to the units of TorchIO's lengths."""
        return np.eye(4)

    def corrupt(self, slices: Stack, kind: str, seed: int, spacing: Spacing) -> Corrupted:
        """Corrupt slices (slices, H, W) in [0, 1]; the values returned may leave that range."""
        affine = self.affine(slices.shape, spacing)
        # TorchIO draws from torch's global generator; restore its state afterwards.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            corrupted = TRANSFORMS[kind](_subject(slices, affine))
        (applied,) = corrupted.history
        drawn = {
            name: _as_json(value["image"])
            for name, value in vars(applied).items()
            if isinstance(value, dict) and "image" in value
        }
        parameters = {"transform": type(applied).__name__, **drawn}
        if not np.array_equal(affine, np.eye(4)):
            parameters["affine"] = affine.tolist()
        return Corrupted(_stack(corrupted), parameters)

    def replay(self, slices: Stack, kind: str, parameters: dict[str, Any]) -> Stack:
        """Apply TorchIO's deterministic transform with these parameters."""
        given = dict(parameters)
        transform = getattr(tio, given.pop("transform"))
        affine = np.array(given.pop("affine", np.eye(4)))
        # In TorchIO's precision: double precision would change the last bits of angles.
        arguments = {
            name: np.array(value, dtype=np.float32) if name in DRAWN_AS_ARRAYS else value
            for name, value in given.items()
        }
        return _stack(transform(**arguments)(_subject(slices, affine)))


DRAWN_AS_ARRAYS = ("degrees", "translation", "times", "spikes_positions")


class ACDC_C_Physical(ACDC_C_TorchIO1):  # noqa: N801
    """The same kinds with the stack's own spacing: lengths in mm, rotations about its centre.

    This recipe uses TorchIO 1. Of the published artefacts, only motion has lengths, and it is the
    same in both versions except for the magnitude; the other differences are errors of TorchIO
    0.16.22, not effects of a scanner.
    """

    name = "acdc-c-physical"
    title = "ACDC-C in mm (TorchIO 1)"
    seed_name = None

    def affine(self, shape: tuple[int, ...], spacing: Spacing) -> NDArray[np.float64]:
        """The affine in mm; its origin, about which TorchIO rotates, is the stack's centre."""
        affine = np.diag([*spacing, 1.0])
        affine[:3, 3] = -(np.array(shape) - 1) / 2 * spacing
        return affine


def _subject(slices: Stack, affine: NDArray[np.float64]) -> tio.Subject:
    return tio.Subject(image=tio.ScalarImage(tensor=torch.from_numpy(slices)[None], affine=affine))


def _stack(subject: tio.Subject) -> Stack:
    stack: Stack = subject.image.numpy()[0].astype(np.float32)
    return stack


def _as_json(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, torch.Tensor):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value
