"""The base class of the published corruptions: draw as TorchIO 0.16.22 did, then apply."""

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
import torchio as tio
from numpy.typing import NDArray
from torchio.transforms import IntensityTransform
from torchio.transforms.augmentation import RandomTransform

Stack = NDArray[np.float32]
"""Slices (slices, H, W)."""

Shape = tuple[int, int, int]
"""Shape of a stack, (slices, H, W)."""


class PublishedCorruption(RandomTransform, IntensityTransform):
    """A TorchIO transform that computes what TorchIO 0.16.22 computed.

    It changes the intensity images of a subject and records what it drew in the subject's history,
    from which TorchIO replays it. Axis 0 of an image holds the slices, as in the published set. The
    affine is ignored, so lengths are in voxels. Intensities are not scaled. All channels of an
    image get the same parameters, each image its own.

    Args:
        seed: the same seed draws the same at every call; None draws from PyTorch's global
            generator, so that ``torch.manual_seed`` gives the same result as in TorchIO 0.16.22.
        **kwargs: arguments of every TorchIO transform, such as ``p`` and ``include``.
    """

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed

    @staticmethod
    @abstractmethod
    def draw(shape: Shape, generator: torch.Generator) -> dict[str, Any]:
        """The parameters of one application, as JSON values, under the names of TorchIO 0.16.22.

        Args:
            shape: shape of the stack, (slices, H, W).
            generator: source of all randomness; the order of draws is that of TorchIO 0.16.22.
        """

    @staticmethod
    @abstractmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """Add the artefact to a stack (slices, H, W); nothing is random, all values are finite."""

    def apply_transform(self, subject: tio.Subject) -> tio.Subject:
        """Draw parameters for each intensity image, and apply them."""
        generator = torch.default_generator if self.seed is None else seeded(self.seed)
        parameters = {}
        for name, image in self.get_images_dict(subject).items():
            slices, height, width = image.spatial_shape
            parameters[name] = self.draw((slices, height, width), generator)
        applied = AppliedPublished(type(self), parameters, **self._get_base_args())
        changed = applied(subject)
        assert isinstance(changed, tio.Subject)
        return changed


class AppliedPublished(IntensityTransform):
    """A published corruption with fixed parameters, as recorded in a subject's history.

    Args:
        corruption: the class of the corruption.
        parameters: parameters of each image, by the image's name.
        **kwargs: arguments of every TorchIO transform.
    """

    def __init__(
        self,
        corruption: type[PublishedCorruption],
        parameters: dict[str, dict[str, Any]],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.corruption, self.parameters = corruption, parameters
        self.args_names = ["corruption", "parameters"]

    def apply_transform(self, subject: tio.Subject) -> tio.Subject:
        """Corrupt each image that has parameters, channel by channel."""
        for name, image in self.get_images_dict(subject).items():
            channels = [
                torch.from_numpy(
                    self.corruption.apply_to(
                        np.ascontiguousarray(channel.float().numpy()), self.parameters[name]
                    )
                )
                for channel in image.data
            ]
            image.set_data(torch.stack(channels))
        return subject


def seeded(seed: int) -> torch.Generator:
    """A generator in the state in which a transform of TorchIO 0.16.22 draws its parameters.

    Each transform first draws one number, which decides whether it acts at all (always, at p = 1).
    """
    generator = torch.Generator().manual_seed(seed)
    torch.rand(1, generator=generator)
    return generator


def uniform(low: float, high: float, generator: torch.Generator) -> float:
    """One number from U(low, high), in single precision, as in TorchIO 0.16.22."""
    return torch.empty(1).uniform_(low, high, generator=generator).item()


def magnitude(real: Stack, imaginary: Stack) -> Stack:
    """√(real² + imaginary²), computed in place: overwrites ``real`` and ``imaginary``.

    Faster than `numpy.hypot`, which also avoids overflow of the squares; MR images do not need
    that.
    """
    np.square(real, out=real)
    np.square(imaginary, out=imaginary)
    real += imaginary
    return np.sqrt(real, out=real)
