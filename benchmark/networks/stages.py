"""Named stages in the FTN where a method can read or change features. ⇒

=========================== ===================== =======================================
name                        features              of an input (N, 1, H, W)
=========================== ===================== =======================================
encoder.stem                (N, 16, H, W)         after the stem's second LeakyReLU
encoder.down1 … down4       (N, 32, H/2, W/2) …   after each residual down
encoder.code                (N, 128, H/16, W/16)  the image code z_i
segmentation_decoder.up1 …  (N, 64, H/8, W/8) …   after each residual up (up1 to up4)
segmentation_decoder.output (N, 4, H, W)          logits
image_decoder.up1 … up4     as above
image_decoder.output        (N, 1, H, W)          the image before its sigmoid
=========================== ===================== =======================================
"""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator
from torch import Tensor, nn

from benchmark.networks.dual import DualThinkingNetwork

Transform = Callable[[Tensor], Tensor]
"""Features to features of the same shape."""


@cache
def _names() -> tuple[str, ...]:
    return tuple(stages(DualThinkingNetwork(seed=0)))


def _checked(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in _names():
            raise ValueError(_unknown(name, _names()))
    return names


def _unknown(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0) or list(known)
    return f"no stage of the network is called '{name}'; did you mean '{near[0]}'?"


StageNames = Annotated[tuple[str, ...], AfterValidator(_checked)]
"""Names of stages in a method's settings."""


def stages(network: DualThinkingNetwork) -> dict[str, nn.Module]:
    """The part of the network behind each name."""
    parts = ("encoder", "segmentation_decoder", "image_decoder")
    return {
        f"{part}.{name}": module
        for part in parts
        for name, module in getattr(network, part).stages.items()
    }


@contextmanager
def transformed_features(
    network: DualThinkingNetwork, transforms: Mapping[str, Transform]
) -> Iterator[None]:
    """Context in which a function changes the features of each named stage.

    The functions are called in every pass, in the order of the network, and see features in the
    precision that it computes in (bfloat16 under autocast). Gradients flow through them.

    Raises:
        ValueError: the stage does not exist; the message names a similar one.
    """
    known = stages(network)
    with ExitStack() as hooks:
        for name, transform in transforms.items():
            if name not in known:
                raise ValueError(_unknown(name, sorted(known)))
            hooks.callback(known[name].register_forward_hook(_hook(transform)).remove)
        yield


def _hook(transform: Transform) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    def change(module: nn.Module, inputs: Any, features: Tensor) -> Tensor:
        return transform(features)

    return change
