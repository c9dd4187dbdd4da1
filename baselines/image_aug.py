"""Artefacts as training augmentation: the control that has seen what it is tested on.

The ranges are TorchIO's defaults, with the motion of ACDC-C (protocol, section 5); cutout: DeVries
and Taylor, arXiv:1708.04552, 2017.
"""

from collections.abc import Callable
from typing import Annotated, Literal

import torch
from pydantic import AfterValidator, BeforeValidator
from torch import Tensor

from baselines.artefacts import EXPONENTS, bias_field, ghosting, motion, spike
from baselines.rand_mwm import draw_windows
from benchmark.methods import method
from benchmark.methods.losses import HardSettings, hard_losses, standard_losses
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.training.augmentation import scale_to_unit

Kind = Literal["bias", "ghosting", "motion", "spike", "gamma", "cutout"]


def _some(kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
    if not kinds:
        raise ValueError("give one or more kinds")
    return kinds


Kinds = Annotated[tuple[Kind, ...], BeforeValidator(method.listed), AfterValidator(_some)]


class ImageAug(Method):
    """L_standard, and the hard losses on images with one kind of artefact, drawn per batch."""

    title = "Image aug"
    summary = "artefacts as on the corrupted test sets, gamma and cutout as training augmentation"
    reference = "TorchIO's artefacts: Pérez-García et al., CMPB 2021"

    class Settings(HardSettings):
        """Settings of image augmentation."""

        kinds: Kinds = ("bias", "ghosting", "motion", "spike", "gamma", "cutout")
        """Kinds of change, one drawn per batch."""

    settings: Settings

    @property
    def remark(self) -> str:  # type: ignore[override]
        """Which kinds took part in training; a reader sees which of them a set is made of."""
        kinds = ", ".join(self.settings.kinds)
        return f"was trained on artefacts such as those of the corrupted sets ({kinds})"

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """The terms of L_standard, and those of the changed images under ``hard_`` names."""
        losses, _ = standard_losses(network, batch, stn_first=self.settings.stn_first)
        kind = self.settings.kinds[stream.choose(len(self.settings.kinds))]
        changed = scale_to_unit(CHANGES[kind](batch.clean, stream))
        hard, _ = hard_losses(network, changed, batch, batch_norm=self.settings.hard_batch_norm)
        return losses | hard


def _uniform(low: float, high: float, stream: RandomStream, *shape: int) -> Tensor:
    return low + (high - low) * stream.rand(*shape)


def _bias(image: Tensor, stream: RandomStream) -> Tensor:
    return bias_field(image, _uniform(-0.5, 0.5, stream, image.shape[0], len(EXPONENTS)))


def _ghosting(image: Tensor, stream: RandomStream) -> Tensor:
    count = image.shape[0]
    ghosts = _uniform(4, 11, stream, count).floor()
    along_rows = stream.rand(count) < 0.5
    return ghosting(image, ghosts, along_rows, _uniform(0.5, 1, stream, count), restored=0.02)


def _motion(image: Tensor, stream: RandomStream) -> Tensor:
    count, moves = image.shape[0], 2
    degrees = _uniform(-30, 30, stream, count, moves)
    translation = _uniform(-10, 10, stream, count, moves, 2)
    step = 1 / (moves + 1)
    regular = step * torch.arange(1, moves + 1, device=image.device)
    times = regular + _uniform(-0.3 * step, 0.3 * step, stream, count, moves)
    return motion(image, degrees, translation, times)


def _spike(image: Tensor, stream: RandomStream) -> Tensor:
    count = image.shape[0]
    return spike(image, stream.rand(count, 2), _uniform(1, 3, stream, count))


def _gamma(image: Tensor, stream: RandomStream) -> Tensor:
    """Each image to the power exp(U(−0.3, 0.3)), TorchIO's range."""
    return image ** _uniform(-0.3, 0.3, stream, image.shape[0], 1, 1, 1).exp()


def _cutout(image: Tensor, stream: RandomStream) -> Tensor:
    """One window of each image, a sixth to a third of its sides, becomes 0."""
    return image.masked_fill(draw_windows(image, stream, most=1, further=0), 0)


CHANGES: dict[Kind, Callable[[Tensor, RandomStream], Tensor]] = {
    "bias": _bias,
    "ghosting": _ghosting,
    "motion": _motion,
    "spike": _spike,
    "gamma": _gamma,
    "cutout": _cutout,
}
