"""The base class of the graded corruptions: draw parameters from a seed, then apply them.

Each corruption acts within the slices, in the same way in all slices of a stack, as in 2D
acquisitions. Only the direction of an artefact is random (a sign, a place, an angle). Its strength
depends on the severity alone, so the five severities of one seed are the same artefact, stronger
and stronger.
"""

from abc import abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torchio as tio
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torchio.transforms import IntensityTransform
from torchio.transforms.augmentation import RandomTransform

Stack = NDArray[np.float32]
"""Slices (slices, H, W), in [0, 1]."""

Spacing = tuple[float, float]
"""Size of a pixel along H and W: in mm, or 1 and 1 where a recipe counts in pixels."""

SEVERITIES = (1, 2, 3, 4, 5)


class Strength(BaseModel):
    """How strong a corruption is; nothing in it is random."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Corruption(RandomTransform, IntensityTransform):
    """A TorchIO transform with a severity from 1 to 5.

    Put it into a ``tio.Compose`` like any other: it changes the intensity images of a subject and
    records what it drew in the subject's history, from which TorchIO replays it. Images may have
    any intensities: each image is scaled by its own range to [0, 1], the range that the strengths
    are made for, and back.

    Args:
        severity: from 1 to 5, an entry of `ladder`.
        strength: any strength, instead of a severity.
        seed: the same seed draws the same at every call; None draws a seed from PyTorch's global
            generator, as TorchIO's own transforms do.
        units: units of lengths: ``pixel``, or ``mm`` by the image's own spacing.
        slice_axis: the spatial axis (0, 1 or 2) across which slices are stacked.
        **kwargs: arguments of every TorchIO transform, such as ``p`` and ``include``.

    Raises:
        ValueError: the severity is not 1 to 5, or the slice axis is not 0 to 2.
    """

    name: ClassVar[str]
    """Name of the corruption in recipes and records."""
    ladder: ClassVar[tuple[Strength, ...]]
    """The strengths of severities 1 to 5; docs/recipes.md gives the reasons for them."""

    def __init__(
        self,
        severity: int = 3,
        *,
        strength: Strength | None = None,
        seed: int | None = None,
        units: Literal["pixel", "mm"] = "pixel",
        slice_axis: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if severity not in SEVERITIES:
            raise ValueError(f"severity {severity!r}: give one of 1 to 5")
        if slice_axis not in (0, 1, 2):
            raise ValueError(f"slice_axis {slice_axis!r}: give 0, 1 or 2")
        self.strength = strength or self.ladder[severity - 1]
        self.seed, self.units, self.slice_axis = seed, units, slice_axis

    @staticmethod
    @abstractmethod
    def draw(
        strength: Any, shape: tuple[int, int, int], spacing: Spacing, rng: np.random.Generator
    ) -> dict[str, Any]:
        """The parameters of one application, as JSON values.

        Args:
            strength: the strength of the artefact.
            shape: shape of the stack, (slices, H, W).
            spacing: size of its pixels.
            rng: source of all randomness; how many numbers are drawn does not depend on the
                strength.
        """

    @staticmethod
    @abstractmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """Add the artefact to a stack (slices, H, W); lengths are in pixels, nothing is random."""

    def apply_transform(self, subject: tio.Subject) -> tio.Subject:
        """Draw parameters for each intensity image, and apply them."""
        seed = self.seed
        if seed is None:
            seed = int(torch.randint(2**63 - 1, ()))
        parameters = {}
        for name, image in self.get_images_dict(subject).items():
            stack = _stack(image.data[0], self.slice_axis)
            spacing = (1.0, 1.0)
            if self.units == "mm":
                columns, rows = (
                    s for axis, s in enumerate(image.spacing) if axis != self.slice_axis
                )
                spacing = (rows, columns)
            rng = np.random.default_rng(seed)
            parameters[name] = self.draw(self.strength, stack.shape, spacing, rng)
        applied = AppliedCorruption(
            type(self), parameters, self.slice_axis, **self._get_base_args()
        )
        changed = applied(subject)
        assert isinstance(changed, tio.Subject)
        return changed


class AppliedCorruption(IntensityTransform):
    """A corruption with fixed parameters, as recorded in a subject's history.

    Args:
        corruption: the class of the corruption.
        parameters: parameters of each image, by the image's name.
        slice_axis: the spatial axis across which slices are stacked.
        **kwargs: arguments of every TorchIO transform.
    """

    def __init__(
        self,
        corruption: type[Corruption],
        parameters: dict[str, dict[str, Any]],
        slice_axis: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.corruption, self.parameters, self.slice_axis = corruption, parameters, slice_axis
        self.args_names = ["corruption", "parameters", "slice_axis"]

    def apply_transform(self, subject: tio.Subject) -> tio.Subject:
        """Corrupt each image that has parameters, channel by channel."""
        for name, image in self.get_images_dict(subject).items():
            low, span = _range(image.data)
            channels = []
            for channel in image.data:
                stack = (_stack(channel, self.slice_axis) - low) / span
                corrupted = self.corruption.apply_to(stack, self.parameters[name])
                channels.append(_volume(low + span * corrupted, self.slice_axis))
            image.set_data(torch.stack(channels))
        return subject


def _range(data: torch.Tensor) -> tuple[np.float32, np.float32]:
    """The minimum and the range of the intensities; 0 and 1 for a constant image."""
    low, high = np.float32(data.min().item()), np.float32(data.max().item())
    return (low, high - low) if high > low else (np.float32(0), np.float32(1))


def _stack(channel: torch.Tensor, slice_axis: int) -> Stack:
    """A channel (x, y, z) as slices (slices, rows, columns)."""
    in_plane = [axis for axis in range(3) if axis != slice_axis]
    return np.ascontiguousarray(channel.permute(slice_axis, *in_plane[::-1]).float().numpy())


def _volume(stack: Stack, slice_axis: int) -> torch.Tensor:
    """Slices as a channel (x, y, z); the inverse of `_stack`."""
    in_plane = [axis for axis in range(3) if axis != slice_axis]
    order = [slice_axis, *in_plane[::-1]]
    return torch.from_numpy(stack).permute(*(order.index(axis) for axis in range(3))).contiguous()


def run_torchio(transform: tio.Transform, stack: Stack, affine: NDArray[np.float64]) -> Stack:
    """Apply a TorchIO transform to a stack, as a tensor (1, slices, H, W) with this affine."""
    image = tio.ScalarImage(tensor=torch.from_numpy(stack)[None], affine=affine)
    changed = transform(tio.Subject(image=image))
    return changed.image.data[0].numpy().astype(np.float32)


def k_space(stack: Stack) -> torch.Tensor:
    """Each slice's spectrum, its lowest frequency in the middle."""
    return torch.fft.fftshift(torch.fft.fft2(torch.from_numpy(stack)), dim=(-2, -1))


def from_k_space(spectrum: torch.Tensor) -> Stack:
    """The real part of the slices of a spectrum; the inverse of `k_space`."""
    slices = torch.fft.ifft2(torch.fft.ifftshift(spectrum, dim=(-2, -1))).real
    return slices.numpy().astype(np.float32)
