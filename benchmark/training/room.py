"""Whether a training step fits into memory, known before hours are spent."""

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
"""Of the steps that are tried."""


def check_room(config: RunConfig, slices: TrainingSlices) -> None:
    """Try two small steps on networks of their own, and refuse a run whose steps cannot fit.

    What is kept for the gradients of a step is a constant, and a part in proportion to its pixels,
    so that two small ones tell what a large one needs, at the least. The trial leaves the run's
    network and all random numbers as they are. A method that cannot take so small a step is not
    tried.

    Raises:
        NotEnoughMemoryError: a step needs more memory than is at hand.
    """
    needed = needed_memory(config, slices)
    if needed is not None and needed > (free := memory_at_hand(slices.device)):
        raise _fault(
            config,
            f"needs {in_words(needed)} of memory or more, and {in_words(free)} are free "
            f"({slices.device})",
        )


def too_large(config: RunConfig, device: torch.device, place: str) -> NotEnoughMemoryError:
    """What to say where memory ran out in a step all the same."""
    free = in_words(memory_at_hand(device))
    return _fault(config, f"ran out of memory ({place}; {free} are free now, {device})")


def needed_memory(config: RunConfig, slices: TrainingSlices) -> float | None:
    """Bytes that a step keeps for its gradients; None where the method takes no small step."""
    training = config.training
    crop = min(TRIAL_CROP, training.crop)
    try:
        with _untouched_generators(slices.device):
            less, more = (_saved_bytes(config, slices, crop, n) for n in TRIAL_BATCHES)
    except (CoopbenchError, RuntimeError, MemoryError):  # the first step will say what is wrong
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
    """Python's, NumPy's and PyTorch's own, which a plug-in may draw from, as they were before."""
    python, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 - others draw from it
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(arrays)  # noqa: NPY002


class _SavedForGradients:
    """Counts the bytes of the tensors that autograd holds, but for weights.

    Attributes:
        most: that were held at once.
    """

    def __init__(self) -> None:
        self.now = self.most = 0
        self.uses: Counter[int] = Counter()

    def pack(self, tensor: Tensor) -> "Tensor | _Held":
        """To be called with what is to be saved; returns what is saved in its place."""
        if tensor.is_leaf and tensor.requires_grad:
            return tensor
        try:
            place = tensor.untyped_storage().data_ptr()
        except RuntimeError:  # of `torch.func`'s wrappers; what they wrap is saved as well
            return tensor
        return _Held(self, tensor.detach(), place)

    @staticmethod
    def unpack(held: "Tensor | _Held") -> Tensor:
        """What was saved."""
        return held.tensor if isinstance(held, _Held) else held

    def take(self, place: int, size: int) -> None:
        """Something is held."""
        self.uses[place] += 1
        if self.uses[place] == 1:
            self.now += size
            self.most = max(self.most, self.now)

    def release(self, place: int, size: int) -> None:
        """Something is held no more."""
        self.uses[place] -= 1
        if not self.uses[place]:
            self.now -= size


class _Held:
    """A tensor that is held, until this is forgotten."""

    def __init__(self, owner: _SavedForGradients, tensor: Tensor, place: int) -> None:
        self.owner, self.tensor, self.place = owner, tensor, place
        self.size = tensor.untyped_storage().nbytes()
        owner.take(place, self.size)

    def __del__(self) -> None:
        self.owner.release(self.place, self.size)
