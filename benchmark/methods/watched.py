"""Check what a method returns in each training step."""

import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from benchmark.core.plugins import PluginError, blamed_on
from benchmark.methods.method import Batch, HardExamples, Method, RandomStream
from benchmark.networks.dual import DualThinkingNetwork

RESERVED = ("step", "learning_rate", "validation_iou")
"""Columns of a run's history that are not losses; no loss may have one of these names."""


class WatchedMethod(Method):
    """Wraps a method, and raises an error where it breaks the promises of the interface.

    Args:
        method: the method to wrap.
        who: its name and package, from `benchmark.methods.registry.method_origin`.

    Attributes:
        step: the current step (from 1), for messages.
        terms: the names of the losses in the order of the first step; None before it.
    """

    def __init__(self, method: Method, who: str) -> None:
        self.method, self.who = method, who
        self.settings = method.settings
        self.step = 1
        self.terms: tuple[str, ...] | None = None

    def expect(self, terms: Sequence[str]) -> None:
        """Set the names of the losses, as returned before an interruption."""
        self.terms = tuple(terms)

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """The losses of the wrapped method, in the order of the first step.

        Raises:
            PluginError: the method raised an exception, or did not return a dict of scalar losses
                in float32 on the device of the batch, with the same names in each step.
        """
        with blamed_on(self.who, f"step {self.step}"):
            found: Any = self.method.losses(network, batch, stream)
        if not isinstance(found, dict):
            raise self._fault(f"returned {_described(found)} instead of a dict of losses")
        if not found:
            raise self._fault("returned no loss")
        for term, loss in found.items():
            self._check_term(term, loss, batch.clean.device)
        if self.terms is None:
            self.terms = tuple(found)
        self._check_names(tuple(found))
        if not any(loss.requires_grad for loss in found.values()):
            raise self._fault("none of its losses depends on the network's weights")
        return {term: found[term] for term in self.terms}

    def hard_examples(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, HardExamples]:
        """The hard examples of the wrapped method.

        Raises:
            PluginError: the method raised an exception, or did not return a dict of `HardExamples`.
        """
        with blamed_on(self.who, "its hard examples"):
            found: Any = self.method.hard_examples(network, batch, stream)
        count, height, width = batch.label.shape
        expected = {
            "image": (count, 1, height, width),
            "logits": (count, 4, height, width),
            "refined": (count, 4, height, width),
        }
        if not isinstance(found, dict):
            raise PluginError(f"{self.who}: its hard examples: returned {_described(found)}")
        for kind, made in found.items():
            for part, shape in expected.items():
                value = getattr(made, part, None)
                if not isinstance(made, HardExamples) or (
                    value is not None
                    and not (isinstance(value, Tensor) and tuple(value.shape) == shape)
                ):
                    raise PluginError(
                        f"{self.who}: its hard examples: '{kind}' has {_described(value)} as "
                        f"'{part}', not a tensor of {shape}"
                    )
        return found

    def _check_term(self, term: object, loss: object, device: torch.device) -> None:
        if not (isinstance(term, str) and re.fullmatch(r"\w[\w ./+-]*", term)):
            raise self._fault(f"a loss is called {term!r}; give names of letters, digits and _")
        if term in RESERVED:
            raise self._fault(
                f"term '{term}': is the name of a column in the history; choose another name"
            )
        if not isinstance(loss, Tensor):
            raise self._fault(f"term '{term}': is {_described(loss)}, not a tensor")
        if loss.shape != ():
            raise self._fault(f"term '{term}': has shape {tuple(loss.shape)}; a loss is a scalar")
        if loss.dtype != torch.float32:
            raise self._fault(f"term '{term}': is in {loss.dtype}; give float32, as by .float()")
        if loss.device.type != device.type:
            raise self._fault(f"term '{term}': is on {loss.device}, the network on {device}")

    def _check_names(self, found: tuple[str, ...]) -> None:
        expected = self.terms or ()
        new = [f"'{term}' is new" for term in found if term not in expected]
        gone = [f"'{term}' is gone" for term in expected if term not in found]
        if new or gone:
            changes = ", ".join([*new, *gone])
            raise self._fault(
                f"the names of its losses changed ({changes}); give the same in each step"
            )

    def _fault(self, what: str) -> PluginError:
        return PluginError(f"{self.who}: step {self.step}: {what}")


def _described(value: object) -> str:
    """Describe an unexpected value: None, a number, a tensor's shape, or the type."""
    if value is None:
        return "nothing (None)"
    if isinstance(value, (bool, int, float)):
        return f"the number {value}"
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"
