"""The STN's batch norm, estimated anew on predictions."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from benchmark.cli import cli
from benchmark.data.dataset import read_dataset
from benchmark.data.slices import TrainingSlices
from benchmark.inference.prediction import trained_network
from benchmark.runs.checkpoint import load_tensors
from benchmark.runs.run import open_run
from benchmark.training.learner import draw_batch

CPU = torch.device("cpu")


def coopbench(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def run(data: Path, tmp_path: Path) -> Path:
    """A finished run of a few steps."""
    settings = ("crop=32", "batch=2", "steps=3", "validate_every=3", "precision=float32")
    overrides = [word for setting in settings for word in ("--set", setting)]
    words = ("--method", "standard", "--preset", "demo", *overrides)
    done = coopbench("train", *words, "--data", data, "--runs", tmp_path / "runs")
    assert done.exit_code == 0, done.output
    return tmp_path / "runs/acdc-demo/standard-r0-s40"


@pytest.mark.slow
def test_statistics_are_the_means_over_the_predictions(run: Path, data: Path) -> None:
    words = (run, "--name", "anew", "--batches", 3, "--data", data, "--device", "cpu")
    result = coopbench("recalibrate", *words)
    assert result.exit_code == 0, result.output
    made, before = open_run(run.parent / "anew-r0-s40"), open_run(run)
    assert made.finished and made.config.title == "anew"
    assert (made.config.stn_statistics, before.config.stn_statistics) == ("predictions", "training")
    assert made.config.settings == before.config.settings

    # The first layer's, by another route: the mean over batches of each batch's mean and variance.
    network, _ = trained_network(before, CPU)
    dataset = read_dataset(data / "acdc")
    slices = TrainingSlices(
        dataset, dataset.of_subjects(before.config.data.train), crop=32, device=CPU
    )
    conv, layer = network.stn.encoder[0][0], network.stn.encoder[0][1]
    assert isinstance(layer, torch.nn.BatchNorm2d)
    means, variances = [], []
    for step in range(3):
        batch = draw_batch(slices, before.config.training, before.config.seed, step)
        with torch.no_grad():
            features = conv((network.eval()(batch.noisy) / 2).softmax(1))
        means.append(features.mean((0, 2, 3)))
        variances.append(features.var((0, 2, 3)))
    found, _ = load_tensors(made.weights)
    old, _ = load_tensors(before.weights)
    key = "stn.encoder.0.1.running_"
    torch.testing.assert_close(found[f"{key}mean"], torch.stack(means).mean(0))
    torch.testing.assert_close(found[f"{key}var"], torch.stack(variances).mean(0))
    for name, tensor in old.items():
        same = torch.equal(tensor, found[name])
        is_statistic = name.endswith(("running_mean", "running_var", "num_batches_tracked"))
        assert same or (name.startswith("stn.") and is_statistic), name


@pytest.mark.slow
def test_taken_names_and_unfinished_runs_are_refused(run: Path, data: Path) -> None:
    where = ("--data", data, "--device", "cpu", "--batches", 1)
    for name in ("standard", "proposed", "a/b"):
        result = coopbench("recalibrate", run, "--name", name, *where)
        assert result.exit_code == 2 and "--name" in result.output
    assert coopbench("recalibrate", run, "--name", "anew", *where).exit_code == 0
    again = coopbench("recalibrate", run, "--name", "anew", *where)
    assert again.exit_code == 1 and "already exists" in again.output
    (run / "done.json").unlink()
    unfinished = coopbench("recalibrate", run, "--name", "other", *where)
    assert unfinished.exit_code == 1 and "not finished" in unfinished.output
