"""Check before a training starts whether its steps fit into memory."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from benchmark.core.device import memory_at_hand
from benchmark.core.errors import CoopbenchError
from benchmark.core.memory import NotEnoughMemoryError, in_words
from benchmark.data.slices import TrainingSlices
from benchmark.runs.config import RunConfig
from benchmark.training.learner import Learner

TRIAL_CROP, TRIAL_BATCHES = 32, (2, 4)
"""Crop and batch sizes of the two trial steps."""


def check_room(config: RunConfig, slices: TrainingSlices) -> None:
    """Try two small steps on copies of the network, and refuse a run whose steps cannot fit.

    The memory that a step keeps for gradients is a constant plus a part in proportion to its
    pixels, so two small steps give a lower bound for a large one. The trial changes neither the
    run's network nor any random numbers. A method that cannot take so small a step is not tried,
    nor is a run whose own steps are no larger.

    Raises:
        NotEnoughMemoryError: a step needs more than the free memory.
    """
    training = config.training
    if training.batch * training.crop**2 <= max(TRIAL_BATCHES) * TRIAL_CROP**2:
        return
    needed = needed_memory(config, slices)
    if needed is not None and needed > (free := memory_at_hand(slices.device)):
        raise _fault(
            config,
            f"needs {in_words(needed)} of memory or more, and {in_words(free)} are free "
            f"({slices.device})",
        )


def too_large(config: RunConfig, device: torch.device, place: str) -> NotEnoughMemoryError:
    """The error for a step that ran out of memory despite the check."""
    free = in_words(memory_at_hand(device))
    return _fault(config, f"ran out of memory ({place}; {free} are free now, {device})")


def needed_memory(config: RunConfig, slices: TrainingSlices) -> float | None:
    """Bytes that a step keeps for its gradients; None where the method takes no small step."""
    training = config.training
    crop = min(TRIAL_CROP, training.crop)
    try:
        with _untouched_generators(slices.device):
            less, more = (_saved_bytes(config, slices, crop, n) for n in TRIAL_BATCHES)
    except (CoopbenchError, RuntimeError, MemoryError):  # the first real step will report the error
        return None
    few, many = (batch * crop**2 for batch in TRIAL_BATCHES)
    each = (more - less) / (many - few)
    return less + each * (training.batch * training.crop**2 - few)


def _saved_bytes(config: RunConfig, slices: TrainingSlices, crop: int, batch: int) -> int:
    small = config.training.model_copy(update={"crop": crop, "batch": batch})
    learner = Learner(config.model_copy(update={"training": small}), slices)
    saved = _SavedForGradients()
    with torch.autograd.graph.saved_tensors_hooks(saved.pack, saved.unpack):
        learner.learn(0, 1)
    return saved.most


def _fault(config: RunConfig, what: str) -> NotEnoughMemoryError:
    training = config.training
    return NotEnoughMemoryError(
        f"a step of '{config.method}' with batch {training.batch} and crop {training.crop} {what}; "
        "take a smaller --set batch=… (half of it needs half) or crop=…, or fewer runs at once "
        "(--jobs)"
    )


@contextmanager
def _untouched_generators(device: torch.device) -> Iterator[None]:
    """Restore the global generators of Python, NumPy and PyTorch, which a plug-in may draw from."""
    python, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 - others draw from it
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(arrays)  # noqa: NPY002


class _SavedForGradients:
    """Counts the bytes of the tensors that autograd holds, except weights.

    Attributes:
        most: largest number of bytes held at once.
    """

    def __init__(self) -> None:
        self.now = self.most = 0
        self.uses: Counter[int] = Counter()

    def pack(self, tensor: Tensor) -> "Tensor | _Held":
        """Count a tensor to save; returns the object that autograd saves instead."""
        if tensor.is_leaf and tensor.requires_grad:
            return tensor
        try:
            place = tensor.untyped_storage().data_ptr()
        except RuntimeError:  # a wrapper of `torch.func`; the wrapped tensor is saved as well
            return tensor
        return _Held(self, tensor.detach(), place)

    @staticmethod
    def unpack(held: "Tensor | _Held") -> Tensor:
        """The saved tensor."""
        return held.tensor if isinstance(held, _Held) else held

    def take(self, place: int, size: int) -> None:
        """Count a tensor that is held from now on."""
        self.uses[place] += 1
        if self.uses[place] == 1:
            self.now += size
            self.most = max(self.most, self.now)

    def release(self, place: int, size: int) -> None:
        """Count a tensor that is no longer held."""
        self.uses[place] -= 1
        if not self.uses[place]:
            self.now -= size


class _Held:
    """A tensor that counts as held until this object is deleted."""

    def __init__(self, owner: _SavedForGradients, tensor: Tensor, place: int) -> None:
        self.owner, self.tensor, self.place = owner, tensor, place
        self.size = tensor.untyped_storage().nbytes()
        owner.take(place, self.size)

    def __del__(self) -> None:
        self.owner.release(self.place, self.size)
