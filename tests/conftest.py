"""Small prepared data that the tests write themselves."""

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from filelock import FileLock
from hypothesis import settings

from benchmark.cli import cli
from benchmark.core.parallel import begin_imports
from benchmark.data.acdc import read_acdc
from benchmark.data.dataset import Dataset, Split, Splits
from benchmark.data.prepare import prepare
from benchmark.data.slices import TrainingSlices
from benchmark.methods.method import Batch, RandomStream
from benchmark.methods.standard import Standard
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.runs.config import Training
from benchmark.training.learner import draw_batch, optimisation_step
from tests.helpers import forked, processes
from tests.helpers.acdc_files import write_acdc

# No test is about time, and a busy machine is slow at its first example.
settings.register_profile("coopbench", deadline=None)
settings.load_profile("coopbench")


def pytest_configure(config: pytest.Config) -> None:
    """Have the thousands of small files that tests write in memory, where none waits for a disk."""
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 4 * 2**30:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the groups that one worker has to run alone: at the end the others would wait.

    What needs the trained network is slow, for the first of them trains it.
    """
    for item in items:
        if "_trained" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


def pytest_collection_finish() -> None:
    """Look for garbage rarely, and not among what lives until the end: tests, and their imports."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 20)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the tests that break things have tried."""
    counts = {"kills": 0, "inputs": 0}
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if report.when == "call" and name in counts:
                counts[name] += int(str(value))
    if any(counts.values()):
        faults = len(terminalreporter.getreports("failed"))
        terminalreporter.write_line(
            f"{counts['kills']} kills survived, {counts['inputs']} broken inputs tried, "
            f"{faults} faults left"
        )


@pytest.fixture(autouse=True, scope="session")
def processes_with_imports() -> None:
    """The many short-lived processes of the tests are born with what they work with."""
    begin_imports(forked.IMPORTED)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tests share the cores among themselves, and sums do not depend on how many there are."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    """A test that fails leaves nothing behind that would slow the others down."""
    yield
    processes.end_all()
    forked.end_all()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache, or the data that the environment names."""
    monkeypatch.setenv("COOPBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("COOPBENCH_DATA", raising=False)


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports made in this process draw nothing: for tests of all else that is in them."""
    monkeypatch.setattr("benchmark.reporting.report.report_figures", lambda *_: iter(()))
    monkeypatch.setattr("benchmark.reporting.example_figures.example_figures", lambda *_: ([], []))


@pytest.fixture
def few_figures_of_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports made in this process draw the first figure of scores; pictures as always."""
    from results.figures.report_figures import report_figures

    def few(*given: Any) -> Iterator[Any]:
        return islice(report_figures(*given), 1)

    monkeypatch.setattr("benchmark.reporting.report.report_figures", few)


@pytest.fixture
def few_figures(few_figures_of_scores: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports made in this process draw what those of `processes.FEW_FIGURES` draw."""
    monkeypatch.setattr("benchmark.reporting.example_figures.example_figures", lambda *_: ([], []))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of prepared sets: ``acdc`` with four subjects and splits of one repeat."""
    root = tmp_path_factory.mktemp("data")
    raw = write_acdc(root / "raw", 4)
    splits = Splits(
        source="tests",
        test=("004",),
        repeats={0: Split(train=("001", "002"), validation=("003",))},
    )
    prepare(read_acdc(raw), root, workers=1, splits=splits)
    return root


@pytest.fixture
def own_data(data: Path, tmp_path: Path) -> Path:
    """A copy of `data` for commands that add sets to it, as 'study' does."""
    return Path(shutil.copytree(data, tmp_path / "data"))


@pytest.fixture(scope="session")
def _corrupted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of `data` with ACDC-C, made once, by whichever of the workers is first."""
    kept = _shared_by_workers(tmp_path_factory) / "corrupted"
    with FileLock(kept.with_suffix(".lock")):
        if not kept.exists():
            made = Path(shutil.copytree(data, kept.with_suffix(".partial")))
            result = CliRunner().invoke(cli, ["corrupt", "--data", str(made), "--workers", "1"])
            assert result.exit_code == 0, result.output
            made.rename(kept)
    return kept


@pytest.fixture
def own_corrupted_data(_corrupted: Path, tmp_path: Path) -> Path:
    """A copy of `data` with ACDC-C, for studies that would else begin by making it."""
    return Path(shutil.copytree(_corrupted, tmp_path / "data"))


@pytest.fixture(autouse=True)
def data_stay_as_they_are(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test leaves a set in the folder that all share, where the next would find it."""
    yield
    if "data" in request.fixturenames:
        root = request.getfixturevalue("data")
        assert sorted(path.name for path in root.iterdir()) == ["acdc", "raw"]


@pytest.fixture
def dataset(data: Path) -> Dataset:
    """The prepared set of `data`."""
    from benchmark.data.dataset import read_dataset

    return read_dataset(data / "acdc")


@pytest.fixture
def stream() -> RandomStream:
    """A stream of random numbers, the same in every test."""
    return RandomStream.named(torch.device("cpu"), "tests")


@pytest.fixture
def network() -> DualThinkingNetwork:
    """An untrained network."""
    return DualThinkingNetwork(seed=3).train()


@pytest.fixture
def batch() -> Batch:
    """Three slices of noise with labels of noise."""
    generator = torch.Generator().manual_seed(4)
    clean = torch.rand(3, 1, 32, 32, generator=generator)
    noisy = (clean + 0.05 * torch.randn(clean.shape, generator=generator)).clamp(0, 1)
    return Batch(noisy, clean, torch.randint(4, (3, 32, 32), generator=generator))


@pytest.fixture(scope="session")
def _trained(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, torch.Tensor], Batch]:
    """Trained once, by whichever of the workers of pytest-xdist is first."""
    kept = _shared_by_workers(tmp_path_factory) / "trained.pt"
    with FileLock(kept.with_suffix(".lock")):
        if not kept.exists():
            state, batch = _train(data)
            torch.save((state, batch.noisy, batch.clean, batch.label), kept)
    state, *parts = torch.load(kept, weights_only=True)
    return state, Batch(*parts)


def _shared_by_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of pytest-xdist see."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def _train(data: Path) -> tuple[dict[str, torch.Tensor], Batch]:
    from benchmark.data.dataset import read_dataset

    torch.set_num_threads(1)
    dataset = read_dataset(data / "acdc")
    cpu = torch.device("cpu")
    training = Training(crop=64, batch=6, learning_rate=3e-3)
    slices = TrainingSlices(dataset, dataset.of_subjects(("001", "002")), crop=64, device=cpu)
    network = DualThinkingNetwork(seed=1)
    optimiser = torch.optim.Adam(network.parameters(), lr=training.learning_rate)
    for step in range(24):
        drawn = draw_batch(slices, training, seed=1, step=step)
        stream = RandomStream.named(cpu, step)
        optimisation_step(network, Standard(), optimiser, drawn, stream, torch.float32)
    return network.state_dict(), draw_batch(slices, training, seed=1, step=99)


@pytest.fixture
def trained(_trained: tuple[dict[str, torch.Tensor], Batch]) -> tuple[DualThinkingNetwork, Batch]:
    """A network trained on crude hearts for some steps, and a batch of them it has not seen."""
    network = DualThinkingNetwork(seed=None)
    network.load_state_dict(_trained[0])
    return network.train(), _trained[1]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages, on the path of this process and of those it starts."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.delitem(sys.modules, "plain_plugin", raising=False)
    return folder
