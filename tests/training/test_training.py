"""Runs of a few steps on the tests' own data."""

import json
import os
import pickle
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import benchmark.training.learner as learner_module
import benchmark.training.loop as training_module
from benchmark.core.device import make_deterministic
from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.core.files import sha256
from benchmark.core.seeding import derive_seed
from benchmark.data.dataset import Dataset, read_dataset
from benchmark.data.nifti import read_volume, write_volume
from benchmark.data.slices import TrainingSlices
from benchmark.methods.method import Method
from benchmark.methods.registry import find_method, method_names
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.runs.checkpoint import (
    load_state,
    load_tensors,
    load_weights,
    save_state,
    save_tensors,
)
from benchmark.runs.config import Augmentation, Training, resolve
from benchmark.runs.own_run import own_run
from benchmark.runs.run import Run, open_run
from benchmark.training.learner import draw_batch, learning_rate
from benchmark.training.loop import Trainer, total_steps
from tests.helpers.forked import COOPBENCH, run_forked

CPU = torch.device("cpu")
TINY = ("crop=32", "batch=2", "steps=6", "validate_every=3", "precision=float32")


def tiny_run(
    dataset: Dataset, runs: Path, method: str = "proposed", *more: str, name: str | None = None
) -> Run:
    config = resolve(method, dataset, preset="demo", repeat=0, name=name, overrides=(*TINY, *more))
    with own_run(runs, config) as run:
        return run


def train(run: Run, dataset: Dataset, stop_after: int | None = None) -> None:
    def watch(step: int, total: int, line: str) -> None:
        if step == stop_after:
            raise KeyboardInterrupt

    Trainer(run, dataset, CPU).train(watch)


def weights(run: Run) -> tuple[bytes, bytes]:
    return run.weights.read_bytes(), (run.folder / "last.safetensors").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", method_names())
def test_every_registered_method_trains(name: str, dataset: Dataset, tmp_path: Path) -> None:
    run = tiny_run(dataset, tmp_path, name, "steps=3")
    train(run, dataset)
    assert run.finished and run.summary().steps == 3
    before = DualThinkingNetwork(derive_seed(run.config.seed, "weights"))
    after = DualThinkingNetwork(seed=0)
    load_weights(run.folder / "last.safetensors", after)
    for (part, old), new in zip(before.named_parameters(), after.parameters(), strict=True):
        assert not torch.equal(old, new), f"{part} was not trained"
    assert {p.name for p in run.folder.iterdir()} == {
        ".lock",
        "code.json",
        "config.json",
        "done.json",
        "environment.json",
        "history.csv",
        "last.safetensors",
        "log.txt",
        "tensorboard",
        "weights.safetensors",
    }
    method = find_method(name)
    assert method.title and method.summary and method.reference


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that was trained from beginning to end; to be read only."""
    torch.set_num_threads(1)
    dataset = read_dataset(data / "acdc")
    run = tiny_run(dataset, tmp_path_factory.mktemp("whole"))
    train(run, dataset)
    return run


@pytest.mark.slow
def test_same_command_same_bytes(whole: Run, dataset: Dataset, tmp_path: Path) -> None:
    other = tiny_run(dataset, tmp_path)
    torch.manual_seed(999)  # the global generator has no say
    train(other, dataset)
    assert weights(whole) == weights(other)
    assert whole.history.read_bytes() == other.history.read_bytes()


@pytest.mark.slow
def test_interrupted_run_ends_in_the_same_bytes(
    whole: Run, dataset: Dataset, tmp_path: Path
) -> None:
    resumed = tiny_run(dataset, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(resumed, dataset, stop_after=4)
    assert not resumed.finished
    train(resumed, dataset)
    assert weights(whole) == weights(resumed)
    assert whole.history.read_bytes() == resumed.history.read_bytes()


CONSTANT = ("schedule=constant", "validate_every=2")


@pytest.mark.slow
def test_a_finished_run_goes_on_to_the_bytes_of_a_longer_one(
    dataset: Dataset, tmp_path: Path
) -> None:
    whole = tiny_run(dataset, tmp_path / "a", "proposed", *CONSTANT, "steps=8")
    train(whole, dataset)
    short = tiny_run(dataset, tmp_path / "b", "proposed", *CONSTANT, "steps=4")
    train(short, dataset)
    assert short.finished and short.resume.is_file()
    longer = tiny_run(dataset, tmp_path / "b", "proposed", *CONSTANT, "steps=8")
    assert not longer.finished and open_run(longer.folder).finished
    with pytest.raises(KeyboardInterrupt):
        train(longer, dataset, stop_after=6)
    assert not open_run(longer.folder).finished
    train(tiny_run(dataset, tmp_path / "b", "proposed", *CONSTANT, "steps=8"), dataset)
    prolonged = open_run(longer.folder)
    assert prolonged.finished and prolonged.config == whole.config
    assert prolonged.summary().steps == 8
    assert weights(prolonged) == weights(whole)
    assert prolonged.history.read_bytes() == whole.history.read_bytes()


@pytest.mark.slow
def test_a_run_that_cannot_go_on_says_why(dataset: Dataset, tmp_path: Path) -> None:
    train(tiny_run(dataset, tmp_path / "cosine", "standard"), dataset)
    with pytest.raises(CoopbenchError, match=r"steps: 6 there, 9 now.*cosine schedule"):
        tiny_run(dataset, tmp_path / "cosine", "standard", "steps=9")
    run = tiny_run(dataset, tmp_path, "standard", *CONSTANT)
    train(run, dataset)
    shorter = tiny_run(dataset, tmp_path, "standard", *CONSTANT, "steps=4")
    with pytest.raises(CoopbenchError, match="is already trained for 6 steps, more than 4"):
        train(shorter, dataset)
    assert open_run(run.folder).finished and open_run(run.folder).config == run.config
    run.resume.unlink()
    with pytest.raises(CoopbenchError, match="its last state was not kept"):
        tiny_run(dataset, tmp_path, "standard", *CONSTANT, "steps=9")


@pytest.mark.slow
def test_the_last_state_is_dropped_where_asked(dataset: Dataset, tmp_path: Path) -> None:
    run = tiny_run(dataset, tmp_path, "standard", *CONSTANT, "steps=2")
    Trainer(run, dataset, CPU, keep_state=False).train(lambda *_: None)
    assert run.finished and not run.resume.is_file()


@pytest.mark.slow
def test_killed_process_ends_in_the_same_bytes(whole: Run, data: Path, tmp_path: Path) -> None:
    """A real process, killed right after its first checkpoint, run again by the same command."""
    command = ["train", "--method", "proposed"]
    command += ["--data", str(data), "--preset", "demo", "--runs", str(tmp_path / "b")]
    command += [part for pair in TINY for part in ("--set", pair)]
    killer = (
        "import os, signal, sys; import benchmark.training.loop as t; real = t.Trainer._save\n"
        "t.SAVE_SECONDS = 0\n"
        "def save(self):\n    real(self); os.kill(os.getpid(), signal.SIGKILL)\n"
        "t.Trainer._save = save; from benchmark.cli import cli; cli(sys.argv[1:])"
    )
    killed = run_forked(killer, command)
    assert killed.returncode == -9, killed.stderr
    done = run_forked(COOPBENCH, command)
    assert done.returncode == 0, done.stderr
    run = open_run(tmp_path / "b" / whole.config.folder)
    assert weights(run) == weights(whole)


@pytest.mark.slow
def test_another_configuration_is_refused_by_name(dataset: Dataset, tmp_path: Path) -> None:
    train(tiny_run(dataset, tmp_path), dataset)
    with pytest.raises(CoopbenchError, match=r"learning_rate: 0\.002 there, 0\.1 now"):
        tiny_run(dataset, tmp_path, "proposed", "learning_rate=0.1")
    named = tiny_run(dataset, tmp_path, "proposed", "learning_rate=0.1", name="quick")
    assert named.config.title == "quick" and named.folder.name == "quick-r0-s40"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("at", "kept"),
    [
        (2, "no state was saved yet"),
        (5, r"the last good state is kept \(weights.safetensors and resume.safetensors\)"),
    ],
)
def test_diverging_loss_stops_with_step_and_term(
    at: int, kept: str, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_module, "SAVE_SECONDS", 0)
    monkeypatch.setattr(training_module, "check_room", lambda *_: None)  # its steps would count
    run = tiny_run(dataset, tmp_path, "standard")
    real = find_method("standard").losses

    def losses(self: Method, network, batch, stream):  # type: ignore[no-untyped-def]
        found = real(self, network, batch, stream)
        count["steps"] += 1
        return found | {"shape": found["shape"] * (float("nan") if count["steps"] == at else 1)}

    count = {"steps": 0}
    monkeypatch.setattr(find_method("standard"), "losses", losses)
    with pytest.raises(CoopbenchError, match=f"'shape' of .* is nan at step {at}; {kept}"):
        train(run, dataset)
    assert run.resume.is_file() == run.weights.is_file() == (at > 3) and not run.finished


def test_weights_of_another_network_or_with_nan_are_refused(tmp_path: Path) -> None:
    network = DualThinkingNetwork(seed=0)
    path = tmp_path / "weights.safetensors"
    save_tensors(path, {"something": torch.zeros(3)}, {})
    with pytest.raises(CoopbenchError, match="another network"):
        load_weights(path, network)
    state = network.state_dict()
    first = next(name for name, value in state.items() if value.is_floating_point())
    save_tensors(path, state | {first: torch.full_like(state[first], float("nan"))}, {})
    with pytest.raises(CoopbenchError, match="NaN"):
        load_weights(path, network)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CoopbenchError, match=r"weights\.safetensors"):
        load_weights(path, network)
    others = {name: value for name, value in state.items() if name != first}
    save_tensors(path, others, {})
    with pytest.raises(CoopbenchError, match=f"another network \\(lacks {re.escape(first)}\\)"):
        load_weights(path, network)
    save_tensors(path, state | {"zz": torch.zeros(1)}, {})
    with pytest.raises(CoopbenchError, match=r"another network \(also holds zz\)"):
        load_weights(path, network)
    save_tensors(path, state | {first: state[first].flatten()}, {})
    with pytest.raises(CoopbenchError, match=f"another network \\({re.escape(first)} is"):
        load_weights(path, network)


@pytest.mark.slow
@pytest.mark.parametrize("new", [True, False])
def test_a_pickle_is_refused_and_its_conversion_is_taken(new: bool, tmp_path: Path) -> None:
    """Neither kind that ``torch.save`` writes is opened; the command in the refusal converts it."""
    network, path = DualThinkingNetwork(seed=1), tmp_path / "weights.pth"
    torch.save(network.state_dict(), path, _use_new_zipfile_serialization=new)
    with pytest.raises(CoopbenchError, match="is a pickle") as refused:
        load_weights(path, DualThinkingNetwork(seed=0))
    converted = tmp_path / "weights.safetensors"
    command = str(refused.value).partition("convert it: ")[2]
    words = shlex.split(command.replace("OLD", str(path)).replace("NEW", str(converted)))
    subprocess.run([sys.executable, *words[1:]], check=True)
    loaded = DualThinkingNetwork(seed=0)
    assert load_weights(converted, loaded) == {}
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name])


def test_reading_a_pickle_runs_nothing(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "harm"),)

    path = tmp_path / "weights.safetensors"
    path.write_bytes(pickle.dumps({"weights": Harm()}))
    with pytest.raises(CoopbenchError, match="is a pickle"):
        load_tensors(path)
    assert not (tmp_path / "harm").exists()


@given(st.integers(0, 512))
def test_no_length_of_a_header_is_taken_for_a_pickle(length: int) -> None:
    """A file of safetensors begins with the length of its header, whose first byte can be 0x80."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        save_tensors(path, {"a": torch.ones(1)}, {"padding": "x" * length})
        assert load_tensors(path)[1] == {"padding": "x" * length}


def _state_of(network: DualThinkingNetwork) -> torch.optim.Adam:
    optimiser = torch.optim.Adam(network.parameters(), lr=0.1)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimiser.step()
    return optimiser


@pytest.mark.slow
def test_states_of_another_training_are_refused(tmp_path: Path) -> None:
    network, path = DualThinkingNetwork(seed=0), tmp_path / "resume.safetensors"
    optimiser = _state_of(network)
    save_state(path, network, optimiser, {"step": 1})
    tensors, _ = load_tensors(path)
    assert load_state(path, network, optimiser) == {"step": 1}
    some = "optimiser.0.exp_avg"
    for changed, said in (
        (tensors | {"optimiser.99999.step": torch.ones(())}, "another training"),
        (tensors | {some: torch.ones(2, 7)}, "another training"),
        (tensors | {"optimiser.0.momentum": tensors[some].clone()}, "another optimiser than Adam"),
        (tensors | {some: tensors[some] * float("nan")}, f"{some} holds NaN"),
        (tensors | {"harm": torch.ones(())}, "another training"),
        ({name: value for name, value in tensors.items() if name != some}, "than Adam"),
    ):
        save_tensors(path, changed, {"step": 1})
        with pytest.raises(CoopbenchError, match=said):
            load_state(path, network, optimiser)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"step": -1}, "step"),
        ({"stepp": 3}, "stepp"),
        ({"step": 3, "history": "none"}, "history"),
    ],
)
def test_a_state_that_says_nonsense_is_refused(
    about: dict[str, object], said: str, dataset: Dataset, tmp_path: Path
) -> None:
    run = tiny_run(dataset, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(run, dataset, stop_after=3)
    save_tensors(run.resume, load_tensors(run.resume)[0], about)
    with pytest.raises(CoopbenchError, match=f"{said}.*delete it to begin again"):
        train(run, dataset)


@pytest.mark.slow
def test_weights_that_become_nan_stop_the_run_before_they_are_kept(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The losses of the step are finite, its gradients are not."""
    monkeypatch.setattr(training_module, "SAVE_SECONDS", 0)
    monkeypatch.setattr(training_module, "check_room", lambda *_: None)  # its steps would count
    run = tiny_run(dataset, tmp_path, "standard")
    real = learner_module.optimisation_step

    def step(network: DualThinkingNetwork, *rest: Any) -> dict[str, torch.Tensor]:
        losses = real(network, *rest)
        count["steps"] += 1
        if count["steps"] == 6:
            with torch.no_grad():
                next(network.parameters()).fill_(float("nan"))
        return losses

    count = {"steps": 0}
    monkeypatch.setattr(learner_module, "optimisation_step", step)
    with pytest.raises(CoopbenchError, match="hold NaN or infinity after step 6"):
        train(run, dataset)
    assert not run.finished
    load_weights(run.weights, DualThinkingNetwork(seed=0))  # of step 3
    assert load_tensors(run.resume)[1]["step"] == 3


def test_steps_of_the_protocol(dataset: Dataset) -> None:
    cases = dataset.of_subjects(("001", "002"))
    slices = TrainingSlices(dataset, cases, crop=64, device=CPU)
    assert len(slices) == 8  # 2 subjects × 2 frames × 2 slices
    assert slices.steps_per_epoch(3) == 3  # the last one of two slices
    assert [len(slices.draw(3, step, seed=0)[0]) for step in range(6)] == [3, 3, 2, 3, 3, 2]
    assert total_steps(Training(batch=6), slices) == 1800
    slices.partial = False
    assert slices.steps_per_epoch(3) == 2
    assert total_steps(Training(batch=6), slices) == 1200
    assert total_steps(Training(batch=6, max_steps=500), slices) == 500
    assert total_steps(Training(batch=6, max_steps=500, steps=700), slices) == 700


def test_an_epoch_draws_each_slice_once(dataset: Dataset) -> None:
    slices = TrainingSlices(dataset, dataset.of_subjects(("001", "002")), crop=64, device=CPU)
    slices.images = torch.arange(8.0)[:, None, None, None]
    drawn = [slices.draw(4, step, seed=1)[0].flatten().tolist() for step in range(4)]
    assert sorted(drawn[0] + drawn[1]) == list(range(8))
    assert sorted(drawn[2] + drawn[3]) == list(range(8))
    assert drawn[0] + drawn[1] != drawn[2] + drawn[3]
    assert slices.draw(4, 2, seed=1)[0].flatten().tolist() == drawn[2]


def test_empty_slices_are_not_drawn(dataset: Dataset, tmp_path: Path) -> None:
    whole = TrainingSlices(dataset, dataset.of_subjects(("001",)), crop=32, device=CPU)
    copy = dataset.model_copy(update={"root": Path(shutil.copytree(dataset.root, tmp_path / "x"))})
    (case,) = copy.of_subjects(("001",))
    path = copy.root / case.folder / "ED_seg.nii.gz"
    label = read_volume(path)
    emptied = label.data.astype(np.uint8)
    emptied[..., 1] = 0
    write_volume(path, emptied, label.affine)
    recorded = case.model_copy(update={"files": {**case.files, path.name: sha256(path)}})
    slices = TrainingSlices(copy, (recorded,), crop=32, device=CPU)
    assert len(slices) == len(whole) - 1
    assert slices.labels.flatten(1).any(dim=1).all()


def test_batch_holds_augmented_slices_and_their_originals(dataset: Dataset) -> None:
    training = Training(crop=64, batch=6)
    slices = TrainingSlices(dataset, dataset.of_subjects(("001", "002")), crop=64, device=CPU)
    batch = draw_batch(slices, training, seed=5, step=0)
    assert batch.clean.shape == batch.noisy.shape == (6, 1, 64, 64)
    assert batch.label.shape == (6, 64, 64) and batch.label.dtype == torch.int64
    assert batch.noisy.min() >= 0 and batch.noisy.max() <= 1
    assert batch.clean.amin((1, 2, 3)).tolist() == [0] * 6
    torch.testing.assert_close(batch.clean.amax((1, 2, 3)), torch.ones(6))
    inside = (batch.clean > 0.2) & (batch.clean < 0.8)
    assert (batch.noisy - batch.clean)[inside].std().item() == pytest.approx(0.05, rel=0.1)
    # Without any augmentation, both halves are the same.
    still = Augmentation(
        flip=0, rotation=0, eighth_turns=False, shift=0, zoom=(1, 1), intensity=0, elastic=0
    )
    plain = draw_batch(slices, Training(crop=64, batch=6, augmentation=still), seed=5, step=0)
    torch.testing.assert_close(plain.clean[:3], plain.clean[3:], atol=1e-4, rtol=0)
    assert torch.equal(plain.label[:3], plain.label[3:])
    assert torch.equal(plain.clean[3:], batch.clean[3:])


def test_slices_are_padded_with_their_minimum(dataset: Dataset) -> None:
    cases = dataset.of_subjects(("001",))
    bare = TrainingSlices(dataset, cases, crop=32, device=CPU)
    padded = TrainingSlices(dataset, cases, crop=32, pad=200, device=CPU)
    height, width = bare.sides[0].tolist()
    assert padded.images.shape[-2:] == (200, 200) and padded.sides.unique().tolist() == [200]
    top, left = (200 - height) // 2, (200 - width) // 2
    inner = padded.images[:, :, top : top + height, left : left + width]
    for whole, part in zip(padded.images, inner, strict=True):
        assert whole[0, 0, 0] == whole[0, -1, -1] == part.min()


def test_a_run_of_before_a_setting_says_what_it_was_trained_with(
    dataset: Dataset, tmp_path: Path
) -> None:
    config = resolve("standard", dataset, preset="compact", repeat=0).model_dump(mode="json")
    config["format"] = "coopbench-run-1"
    del config["training"]["partial_batches"]
    for key in ("style", "pad", "affine_of", "border", "labels", "contrast_about"):
        del config["training"]["augmentation"][key]
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    training = open_run(tmp_path).config.training
    assert training.augmentation == Augmentation(style="stated")
    assert not training.partial_batches


def test_learning_rates() -> None:
    cosine = Training(learning_rate=1e-3, schedule="cosine")
    assert learning_rate(cosine, 0, 100) == 1e-3
    assert learning_rate(cosine, 50, 100) == pytest.approx(5e-4)
    assert learning_rate(cosine, 99, 100) < 1e-6
    assert learning_rate(Training(), 12_345, 50_000) == 1e-4


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("stps=3", "did you mean 'steps'"),
        ("qqqq=3", "known: augmentation.affine_of, "),
        ("crop=100", "crop=100"),
        ("batch=3", "batch=3"),
        ("learning_rate=fast", "learning_rate=fast"),
        ("image_masks=dropuot", "dropuot"),
        ("augmentation.flp=1", "augmentation.flip"),
        ("augmentation.zoom=[1.2, 0.8]", "smaller one first"),
        ("learning_rate=inf", "finite"),
        ("steps", "KEY=VALUE"),
    ],
)
def test_wrong_settings_are_named(override: str, said: str, dataset: Dataset) -> None:
    with pytest.raises(UsageError, match=said):
        resolve("proposed", dataset, preset="demo", repeat=0, overrides=(override,))


def test_settings_of_the_method_and_of_groups(dataset: Dataset) -> None:
    config = resolve(
        "proposed",
        dataset,
        preset="compact",
        repeat=0,
        overrides=("image_masks=dropout,channel", "soft=false", "augmentation.zoom=[0.9, 1.0]"),
    )
    assert config.settings["image_masks"] == ["dropout", "channel"]
    assert config.settings["soft"] is False
    assert config.training.augmentation.zoom == (0.9, 1.0)
    assert config.training.augmentation.flip == 0.2
    assert (config.seed, config.training.crop) == (40, 192)


def test_epochs_count_where_they_are_asked_for(dataset: Dataset) -> None:
    def steps(*overrides: str) -> int | None:
        config = resolve("standard", dataset, preset="demo", repeat=0, overrides=overrides)
        return config.training.steps

    assert steps() == 40
    assert steps("epochs=3") is None
    assert steps("epochs=3", "steps=7") == 7


def test_a_run_that_came_to_nothing_is_replaced(dataset: Dataset, tmp_path: Path) -> None:
    tiny_run(dataset, tmp_path, "standard", "learning_rate=0.5")
    again = tiny_run(dataset, tmp_path, "standard", "learning_rate=0.1")
    assert open_run(again.folder).config.training.learning_rate == 0.1


@pytest.mark.slow
def test_a_run_whose_weights_were_deleted_is_unfinished_until_trained_again(
    dataset: Dataset, tmp_path: Path
) -> None:
    run = tiny_run(dataset, tmp_path, "standard")
    train(run, dataset)
    before = weights(run)
    run.weights.unlink()
    assert not run.finished
    with pytest.raises(KeyboardInterrupt):
        train(run, dataset, stop_after=4)  # after the first validation wrote weights
    assert run.weights.is_file() and not run.finished
    train(run, dataset)
    assert run.finished and weights(run) == before


def test_remark_is_of_the_settings(dataset: Dataset) -> None:
    def remark(*overrides: str) -> str:
        return resolve("image-aug", dataset, preset="demo", repeat=0, overrides=overrides).remark

    assert "(bias, ghosting, motion, spike, gamma, cutout)" in remark()
    assert "(gamma, cutout)" in remark("kinds=gamma,cutout")
    assert resolve("standard", dataset, preset="demo", repeat=0).remark == ""


def test_paper_preset_is_the_protocol(dataset: Dataset) -> None:
    training = resolve("proposed", dataset, preset="paper", repeat=0).training
    assert training == Training()
    assert (training.crop, training.batch, training.learning_rate) == (192, 20, 1e-4)
    assert (training.epochs, training.max_steps, training.noise) == (600, 50_000, 0.05)


def test_unknown_method_and_repeat(dataset: Dataset) -> None:
    with pytest.raises(UsageError, match="did you mean proposed"):
        find_method("propsed")
    with pytest.raises(UsageError, match="no repeat 3, only 0"):
        resolve("standard", dataset, preset="demo", repeat=3)


@pytest.mark.slow
def test_a_run_records_whether_it_was_computed_deterministically(
    dataset: Dataset, tmp_path: Path
) -> None:
    """On a CPU it always is."""
    run = tiny_run(dataset, tmp_path)
    train(run, dataset)
    assert run.summary().deterministic
    assert json.loads((run.folder / "environment.json").read_text("utf-8"))["deterministic"]


@pytest.mark.slow
def test_one_part_that_was_not_deterministic_marks_the_whole_run(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tiny_run(dataset, tmp_path)
    monkeypatch.setattr(training_module, "make_deterministic", lambda device, asked: asked)
    with pytest.raises(KeyboardInterrupt):
        train(run, dataset, stop_after=3)
    Trainer(run, dataset, CPU, deterministic=True).train(lambda *_: None)
    assert not run.summary().deterministic


def test_deterministic_on_a_gpu_asks_torch_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """No GPU is needed to see what PyTorch is asked for."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    benchmark_before = torch.backends.cudnn.benchmark
    try:
        assert make_deterministic(torch.device("cuda"), asked=True)
        assert torch.are_deterministic_algorithms_enabled()
        assert not make_deterministic(torch.device("cuda"), asked=False)
        assert not torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.benchmark = benchmark_before
