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
from benchmark.speed.variants import time_variants
from benchmark.training.learner import training_slices

SMALL = ("crop=32", "batch=2", "schedule=constant", "validate_every=2", "augmentation.pad=40")
SMALL += ("precision=float32",)  # in which a CPU is quickest on so few voxels

GPU_CHECK = """
from benchmark.speed import floor, gpu_check, steps, variants
floor.REPEATS = steps.COUNTED = gpu_check.STEPS = 1
steps.WARM_UP = variants.WARM_UP = 1
gpu_check.gpu_check()
"""
"""The program, which here measures machine and work once, where else it does so several times."""


@pytest.mark.slow
@pytest.mark.xdist_group("gpu-check")
def test_it_trains_scores_and_packs_without_torchio(data: Path, tmp_path: Path) -> None:
    """And the same command again goes on with the same runs."""
    missing = tmp_path / "missing"
    for name in ("torchio", "SimpleITK"):
        (missing / name).mkdir(parents=True)
        (missing / name / "__init__.py").write_text("raise ImportError('is not installed')")
    words = ["-c", GPU_CHECK, "--data", str(data), "--out", str(tmp_path / "out")]
    words += ["--device", "cpu", "--preset", "demo", "--variants", "eager", "--minutes", "0"]
    words += ["--rounds", "1"]
    for steps in (2, 4):
        sets = [part for one in (*SMALL, f"steps={steps}") for part in ("--set", one)]
        # No time is given, so that a first step is all; then more is asked for.
        more = ["--minutes", "60"] if steps == 4 else []
        done = subprocess.run(
            [sys.executable, *words, *sets, *more],
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(missing)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        runs = list(find_runs(tmp_path / "out" / "exported"))
        assert {run.config.method for run in runs} == {"standard", "proposed"}
        assert {run.summary().steps for run in runs} == {1 if steps == 2 else 4}
        assert all(list((run.folder / "scores").glob("*.csv")) for run in runs)
    assert "s per step" in (tmp_path / "out" / "variants.txt").read_text("utf-8")
    assert "Training steps" in (tmp_path / "out" / "bench.txt").read_text("utf-8")


@pytest.mark.slow
def test_a_variant_that_fails_says_so_and_leaves_the_others(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: torch.nn.Module, mode: str) -> None:
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
