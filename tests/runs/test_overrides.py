"""``--set KEY=VALUE``: one way of reading it, and one owner of each key."""

import shutil
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from benchmark import methods
from benchmark.cli import cli
from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.data.dataset import read_dataset
from benchmark.methods import find_method, method_names, registry
from benchmark.methods.standard import Standard
from benchmark.runs.config import Training, check_settings, resolve, training_set


class Shadow(Standard):
    """A method of others whose settings have names of the harness's."""

    title = "Shadow"

    class Settings(methods.Settings):
        """One of its own, and two that the harness has as well."""

        mine: float = 1.0
        """Its own."""
        steps: int = 5
        """Of its search, say."""
        augmentation: bool = True
        """Whether it augments."""


@pytest.fixture
def shadow(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("shadow", f"{__name__}:Shadow", registry.GROUP)
    monkeypatch.setattr(registry, "_registered", lambda: {"shadow": [entry]})
    monkeypatch.setattr(EntryPoint, "load", lambda self: Shadow)


@pytest.mark.parametrize(
    "override",
    [
        "train_set=hospital",
        "train_set = hospital",
        " train_set= hospital ",
        'train_set = "hospital"',
        "train_set='hospital'",
    ],
)
def test_blanks_and_quotes_do_not_change_which_set_is_trained_on(
    override: str, data: Path, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    for name in ("acdc", "hospital"):
        shutil.copytree(data / "acdc", root / name)
    (root / "hospital" / "dataset.json").write_text(
        (data / "acdc" / "dataset.json").read_text("utf-8").replace('"acdc"', '"hospital"')
    )
    dataset = read_dataset(root / training_set([override]))
    assert dataset.root == root / "hospital"
    config = resolve("standard", dataset, preset="demo", repeat=0, overrides=[override])
    assert config.training.train_set == "hospital" == config.data.name


def test_the_last_of_several_counts_and_none_means_acdc() -> None:
    assert training_set([]) == training_set(["steps=3", "crop = 32"]) == "acdc"
    assert training_set(["train_set=a", "train_set = b"]) == "b"


def test_a_training_set_that_is_no_name_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--set train_set=3: Input should be a valid string"):
        training_set(["train_set = 3"])


BLANKS = st.text(" \t", max_size=3)


@given(before=BLANKS, after=BLANKS, key=st.sampled_from(["crop", "batch"]), value=st.just("32"))
def test_blanks_around_the_sign_mean_nothing(before: str, after: str, key: str, value: str) -> None:
    from benchmark.runs.config import parse_overrides

    parsed, faults = parse_overrides([f"{key}{before}={after}{value}"], Standard)
    assert not faults and parsed["training"] == {key: 32}


@pytest.mark.usefixtures("shadow")
def test_a_setting_named_like_one_of_the_harness_is_refused_naming_both(data: Path) -> None:
    dataset = read_dataset(data / training_set([]))
    with pytest.raises(CoopbenchError) as error:
        resolve("shadow", dataset, preset="demo", repeat=0)
    first, second = error.value.lines
    assert f"{__name__}.Shadow" in first
    assert (
        "'steps'" in first
        and "the harness's setting 'steps' (Number of optimisation steps" in first
    )
    assert "'augmentation'" in second and "mine" not in str(error.value)


@pytest.mark.usefixtures("shadow")
def test_the_list_of_methods_says_so_and_goes_on() -> None:
    listed = CliRunner().invoke(cli, ["methods"])
    assert (
        listed.exit_code == 0 and "cannot be loaded" in listed.output and "'steps'" in listed.output
    )
    shown = CliRunner().invoke(cli, ["methods", "shadow"])
    assert shown.exit_code == 1 and "harness's setting 'steps'" in shown.output


@pytest.mark.parametrize("name", method_names())
def test_no_installed_method_shares_a_name_with_the_harness(name: str) -> None:
    check_settings(find_method(name))
    assert not set(find_method(name).Settings.model_fields) & set(Training.model_fields)
