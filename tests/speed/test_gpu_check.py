"""What ``make gpu-check`` does, on a CPU and a few steps."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmark.data.dataset import Dataset
from benchmark.runs.config import resolve
from benchmark.runs.run import find_runs
from benchmark.speed.gpu_check import gpu_check
from benchmark.speed.variants import time_variants
from benchmark.training.learner import training_slices

SMALL = ("crop=32", "batch=2", "schedule=constant", "validate_every=2", "augmentation.pad=40")
SMALL += ("precision=float32",)  # in which a CPU is quickest on so few voxels

MEASURED_ONCE = (
    "benchmark.speed.floor.REPEATS",
    "benchmark.speed.steps.COUNTED",
    "benchmark.speed.steps.WARM_UP",
    "benchmark.speed.variants.WARM_UP",
    "benchmark.speed.gpu_check.STEPS",
)
"""Here machine and work are measured once, where else it is several times."""

GPU_CHECK = f"""
from importlib import import_module
for name in {MEASURED_ONCE}:
    module, _, constant = name.rpartition(".")
    setattr(import_module(module), constant, 1)
from benchmark.speed.gpu_check import gpu_check
gpu_check()
"""


@pytest.mark.slow
@pytest.mark.xdist_group("gpu-check")
def test_it_trains_scores_and_packs_without_torchio(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the same command again goes on with the same runs."""
    missing, out = tmp_path / "missing", tmp_path / "out"
    for name in ("torchio", "SimpleITK"):
        (missing / name).mkdir(parents=True)
        (missing / name / "__init__.py").write_text("raise ImportError('is not installed')")
    words = ["--data", str(data), "--out", str(out), "--device", "cpu", "--preset", "demo"]
    words += ["--variants", "eager", "--rounds", "1"]
    words += [part for one in SMALL for part in ("--set", one)]
    # No time is given, so that a first step is all.
    done = subprocess.run(
        [sys.executable, "-c", GPU_CHECK, *words, "--set", "steps=2", "--minutes", "0"],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(missing)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert steps_of_scored_runs(out / "exported") == {"standard": 1, "proposed": 1}
    # More is asked for, in this process, which spares the imports.
    for name in MEASURED_ONCE:
        monkeypatch.setattr(name, 1)
    gpu_check([*words, "--set", "steps=4", "--minutes", "60"], standalone_mode=False)
    assert steps_of_scored_runs(out / "exported") == {"standard": 4, "proposed": 4}
    assert "s per step" in (out / "variants.txt").read_text("utf-8")
    assert "Training steps" in (out / "bench.txt").read_text("utf-8")


def steps_of_scored_runs(folder: Path) -> dict[str, int]:
    """The steps of each method's run, all of which have scores."""
    runs = list(find_runs(folder))
    assert all(list((run.folder / "scores").glob("*.csv")) for run in runs)
    return {run.config.method: run.summary().steps for run in runs}


@pytest.mark.slow
def test_a_variant_that_fails_says_so_and_leaves_the_others(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: torch.nn.Module, mode: str, *, dynamic: bool) -> None:
        assert not dynamic  # torch 2.13 cannot compile the parts with sizes as symbols

        def fail(*_: object) -> None:
            raise RuntimeError("no compiler\nhere")

        self.forward = fail  # type: ignore[method-assign]

    monkeypatch.setattr(torch.nn.Module, "compile", refuse)
    config = resolve("standard", dataset, preset="demo", repeat=0, overrides=SMALL)
    slices = training_slices(config, dataset, torch.device("cpu"))
    found = time_variants(config, slices, ["eager", "compile", "graphs"], rounds=1, steps=1)
    assert isinstance(found["eager"], float)
    assert str(found["compile"]).startswith("failed: PluginError: method 'standard'")
    assert "RuntimeError: no compiler" in str(found["compile"])
    assert found["graphs"] == "not tried: CUDA graphs need a GPU"
