"""What does not fit into memory is said in one line, before hours are spent where that can be."""

import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import benchmark.core.memory as memory_module
import benchmark.data.slices as slices_module
import benchmark.inference.prediction as prediction_module
import benchmark.training.room as room_module
from benchmark.core.errors import UsageError
from benchmark.core.memory import NotEnoughMemoryError, available_memory, in_words
from benchmark.data.dataset import Dataset
from benchmark.data.slices import TrainingSlices
from benchmark.inference.prediction import BYTES_PER_PIXEL, SHARE, predict_field
from benchmark.methods.registry import method_names
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.runs.config import RunConfig, resolve
from benchmark.runs.own_run import own_run
from benchmark.training.loop import Trainer
from benchmark.training.room import check_room, needed_memory
from tests.helpers.plugins import install_plugin

CPU = torch.device("cpu")


def configured(dataset: Dataset, method: str, *overrides: str) -> RunConfig:
    overrides = ("steps=2", "precision=float32", "crop=32", "batch=4", *overrides)
    return resolve(method, dataset, preset="demo", repeat=0, overrides=overrides)


def slices_of(dataset: Dataset, crop: int = 64) -> TrainingSlices:
    cases = dataset.of_subjects(("001", "002"))
    return TrainingSlices(dataset, cases, crop=crop, device=CPU)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["standard", "proposed", "adv-noise"])
def test_two_small_steps_tell_what_a_large_one_keeps(method: str, dataset: Dataset) -> None:
    config, slices = configured(dataset, method, "crop=64", "batch=10"), slices_of(dataset)
    measured = room_module._saved_bytes(config, slices, crop=64, batch=10)
    assert needed_memory(config, slices) == pytest.approx(measured, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("method", method_names())
def test_every_method_can_be_tried(method: str, dataset: Dataset) -> None:
    needed = needed_memory(configured(dataset, method), slices_of(dataset))
    assert needed is not None and needed > 0


@pytest.mark.slow
def test_a_step_that_cannot_fit_is_refused_at_the_start(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_module, "memory_at_hand", lambda _: 2**30)
    config = configured(dataset, "proposed", "batch=2000", "crop=192")
    said = r"'proposed' with batch 2000 and crop 192 needs \d+\.\d GiB .* 1\.0 GiB are free"
    with own_run(tmp_path, config) as run:
        trainer = Trainer(run, dataset, CPU)
        with pytest.raises(NotEnoughMemoryError, match=said) as caught:
            trainer.train(lambda *_: None)
    assert "smaller --set batch=" in str(caught.value) and not run.finished


@pytest.mark.slow
def test_the_trial_leaves_all_random_numbers_as_they_are(site: Path, dataset: Dataset) -> None:
    """Even of a method that draws from those of the whole process."""
    install_plugin(
        site,
        "torch.rand(3); np.random.rand(3); random.random(); return found",
        before="import random\nimport numpy as np",
    )
    np.random.seed(1)  # noqa: NPY002
    config, slices = configured(dataset, "plain", "batch=6"), slices_of(dataset)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # type: ignore[index] # noqa: NPY002
    check_room(config, slices)
    assert needed_memory(config, slices)  # so that it was tried
    after = torch.get_rng_state(), np.random.get_state()[1], random.getstate()  # type: ignore[index] # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])
    assert before[2] == after[2]


def test_steps_as_small_as_the_trials_are_not_tried(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would take as long as the first steps, and say no more."""
    monkeypatch.setattr(room_module, "memory_at_hand", lambda _: 0)
    check_room(configured(dataset, "standard"), slices_of(dataset))
    with pytest.raises(NotEnoughMemoryError):
        check_room(configured(dataset, "standard", "batch=6"), slices_of(dataset))


def test_a_method_that_takes_no_small_step_is_not_tried(site: Path, dataset: Dataset) -> None:
    install_plugin(site, "raise ValueError('too small')")
    assert needed_memory(configured(dataset, "plain"), slices_of(dataset)) is None


def test_memory_that_runs_out_in_a_step_is_said_in_one_line(
    site: Path, dataset: Dataset, tmp_path: Path
) -> None:
    install_plugin(site, "torch.empty(2**50)\nreturn found")
    with own_run(tmp_path, configured(dataset, "plain")) as run:
        trainer = Trainer(run, dataset, CPU)
        with pytest.raises(NotEnoughMemoryError, match=r"ran out of memory \(step 1; ") as caught:
            trainer.train(lambda *_: None)
    assert "batch 4 and crop 32" in str(caught.value) and len(caught.value.lines) == 1
    assert "allocate" in (run.folder / "log.txt").read_text("utf-8")


def test_slices_that_cannot_be_held_are_refused_before_they_are_made(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices_module, "available_memory", lambda: 2**20)
    # 2 subjects × 2 frames × 3 slices, one without a label each
    with pytest.raises(NotEnoughMemoryError, match=r"slices of 4096 × 4096 pixels need .* --set"):
        slices_of(dataset, crop=4096)


def test_an_absurd_crop_is_refused_by_name(dataset: Dataset) -> None:
    with pytest.raises(UsageError, match=r"--set crop=16000000000000: .* 4096"):
        configured(dataset, "standard", "crop=16000000000000")


@pytest.fixture
def volume() -> np.ndarray:
    return np.random.default_rng(0).random((7, 48, 40), dtype=np.float32)


@pytest.mark.parametrize("at_once", [1, 3, 7])
def test_a_volume_is_segmented_in_as_many_slices_as_fit(
    at_once: int, volume: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = DualThinkingNetwork(seed=0)
    options = {"size": 32, "device": CPU, "precision": torch.float32}
    whole = predict_field(network, volume, **options)  # type: ignore[arg-type]
    seen: list[int] = []
    network.encoder.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    room = (at_once + 0.5) * 32 * 32 * BYTES_PER_PIXEL / SHARE
    monkeypatch.setattr(prediction_module, "memory_at_hand", lambda _: room)
    parts = predict_field(network, volume, **options)  # type: ignore[arg-type]
    assert max(seen) == at_once and sum(seen) == 7
    for output, labels in whole.items():
        assert np.array_equal(parts[output], labels)


@pytest.mark.parametrize("fits", [0, 1, 2])
def test_fewer_slices_are_tried_where_memory_runs_out(
    fits: int, volume: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = DualThinkingNetwork(seed=0)

    def need(_: object, given: tuple[torch.Tensor]) -> None:
        if len(given[0]) > fits:
            torch.empty(2**50)

    network.encoder.register_forward_pre_hook(need)
    options = {"size": 32, "device": CPU, "precision": torch.float32}
    if fits:
        assert len(predict_field(network, volume, **options)["FTN"]) == 7  # type: ignore[arg-type]
        return
    with pytest.raises(NotEnoughMemoryError, match="a slice of 32 × 32 pixels needs about 1 MiB"):
        predict_field(network, volume, **options)  # type: ignore[arg-type]


def test_a_container_bounds_the_memory_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has read of files may be forgotten; 1000 - 900 + 50 + 25 = 175."""
    for name, text in (
        ("memory.max", "1000\n"),
        ("memory.current", "900\n"),
        ("memory.stat", "anon 800\ninactive_file 50\nactive_file 25\n"),
    ):
        (tmp_path / name).write_text(text)
    places = ((tmp_path, "memory.max", "memory.current", ""),)
    monkeypatch.setattr(memory_module, "_CONTAINERS", places)
    assert available_memory() == 175
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory() > 2**20


def test_bytes_in_words() -> None:
    assert [in_words(n) for n in (2**20, 1.5 * 2**30, 3 * 2**40)] == ["1 MiB", "1.5 GiB", "3.0 TiB"]
    assert re.fullmatch(r"\d+ [MG]iB|\d+\.\d [GT]iB", in_words(available_memory()))
