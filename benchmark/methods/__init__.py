"""The method interface, and the methods of the harness itself.

A method of your own needs no other import from `benchmark`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.methods.losses import (
        Forward,
        HardSettings,
        StandardSettings,
        hard_losses,
        standard_losses,
        think_fast,
    )
    from benchmark.methods.method import Batch, HardExamples, Method, RandomStream, Settings
    from benchmark.methods.registry import find_method, method_names
    from benchmark.networks.batch_norm import untraced_statistics
    from benchmark.networks.dual import DualThinkingNetwork
    from benchmark.networks.stages import transformed_features

__all__ = [
    "Batch",
    "DualThinkingNetwork",
    "Forward",
    "HardExamples",
    "HardSettings",
    "Method",
    "RandomStream",
    "Settings",
    "StandardSettings",
    "find_method",
    "hard_losses",
    "method_names",
    "standard_losses",
    "think_fast",
    "transformed_features",
    "untraced_statistics",
]

_HOMES = (
    *("methods.registry", "methods.method", "methods.losses"),
    *("networks.batch_norm", "networks.dual", "networks.stages"),
)


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: most need PyTorch, which takes a second to import."""
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"benchmark.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
