"""Time the training step eager, compiled, and as CUDA graphs, side by side."""

import statistics
import time
from collections.abc import Sequence

import torch

from benchmark.data.slices import TrainingSlices
from benchmark.runs.config import RunConfig
from benchmark.speed.floor import wait_for
from benchmark.speed.steps import TOTAL, WARM_UP
from benchmark.training.learner import Learner

MODES = {"eager": None, "compile": "default", "graphs": "reduce-overhead"}
"""Modes of `torch.compile`; reduce-overhead records CUDA graphs."""


def time_variants(
    config: RunConfig,
    slices: TrainingSlices,
    variants: Sequence[str],
    *,
    rounds: int,
    steps: int,
) -> dict[str, float | str]:
    """Seconds per step of each of `MODES`, the median over rounds in turns; or the reason why there
    is no time.

    The parts of the network, which every method calls, are compiled. Steps that compile are not
    counted.
    """
    found: dict[str, float | str] = {}
    learners: dict[str, Learner] = {}
    for name in variants:
        if name == "graphs" and slices.device.type != "cuda":
            found[name] = "not tried: CUDA graphs need a GPU"
            continue
        learner = Learner(config, slices)
        if mode := MODES[name]:
            for part in learner.network.children():
                # Sizes differ from call to call. As symbols, they break torch 2.13's compiler.
                part.compile(mode=mode, dynamic=False)
        try:
            _time(learner, 0, WARM_UP)
        except Exception as error:  # a compiler can fail in many ways; the other variants go on
            found[name] = f"failed: {type(error).__name__}: {str(error).splitlines()[0][:200]}"
            continue
        learners[name] = learner
    times: dict[str, list[float]] = {name: [] for name in learners}
    for number in range(rounds):
        for name, learner in learners.items():
            times[name].append(_time(learner, WARM_UP + number * steps, steps))
    return found | {name: statistics.median(taken) for name, taken in times.items()}


def _time(learner: Learner, first: int, steps: int) -> float:
    wait_for(learner.device)
    started = time.perf_counter()
    for step in range(first, first + steps):
        torch.compiler.cudagraph_mark_step_begin()
        learner.learn(step, TOTAL)
    wait_for(learner.device)
    return (time.perf_counter() - started) / steps
