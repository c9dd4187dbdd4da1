"""What the published corruptions have in common: drawn as the old library drew, then applied."""

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
"""Of a stack, (slices, H, W)."""


class PublishedCorruption(RandomTransform, IntensityTransform):
    """A TorchIO transform that computes what TorchIO 0.16.22 computed.

    It changes the intensity images of a subject and records what it drew in the subject's history,
    from which TorchIO replays it. Axis 0 of an image is taken for the slices, as the published set
    had it; the affine is not looked at, so lengths are in voxels. Intensities are taken as they
    are. All channels of an image get the same parameters, each image its own.

    Args:
        seed: the same seed draws the same at every call; None draws from PyTorch's global
            generator, so that ``torch.manual_seed`` gives what it gave with the old library.
        **kwargs: of every TorchIO transform, such as ``p`` and ``include``.
    """

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed

    @staticmethod
    @abstractmethod
    def draw(shape: Shape, generator: torch.Generator) -> dict[str, Any]:
        """The parameters of one application, as JSON values, under the old library's names.

        Args:
            shape: of the stack, (slices, H, W).
            generator: all that is random, taken in the old library's order.
        """

    @staticmethod
    @abstractmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """The stack (slices, H, W) with the artefact; nothing is random, all values are finite."""

    def apply_transform(self, subject: tio.Subject) -> tio.Subject:
        """Draw for each intensity image, and apply."""
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
    """A published corruption with everything drawn: what stands in a subject's history.

    Args:
        corruption: which.
        parameters: of each image, by name.
        **kwargs: of every TorchIO transform.
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
        """Apply to each image that there are parameters for, channel by channel."""
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
    """A generator as the old library's transforms left the global one for their draws.

    Each transform takes one number first, to decide whether it acts at all (always, at p = 1).
    """
    generator = torch.Generator().manual_seed(seed)
    torch.rand(1, generator=generator)
    return generator


def uniform(low: float, high: float, generator: torch.Generator) -> float:
    """One number from U(low, high), in single precision as the old library drew it."""
    return torch.empty(1).uniform_(low, high, generator=generator).item()


def magnitude(real: Stack, imaginary: Stack) -> Stack:
    """√(real² + imaginary²), written over ``real``; ``imaginary`` is lost.

    Quicker than `numpy.hypot`, whose care for squares that overflow no MR image needs.
    """
    np.square(real, out=real)
    np.square(imaginary, out=imaginary)
    real += imaginary
    return np.sqrt(real, out=real)
