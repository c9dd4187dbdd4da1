"""What other people's methods do wrong is said in one line that names them."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from click.testing import CliRunner, Result

from benchmark.cli import cli
from benchmark.core.errors import CoopbenchError
from benchmark.core.parallel import default_workers
from benchmark.core.plugins import PluginError
from benchmark.data.dataset import Dataset
from benchmark.methods.registry import find_method
from benchmark.runs.config import resolve
from benchmark.runs.own_run import own_run
from benchmark.runs.run import Run
from benchmark.training.loop import Trainer
from tests.helpers.plugins import install_plugin

WHO = r"method 'plain' \(plain-plugin 1\.2\)"
TINY = ("crop=32", "batch=2", "steps=3", "validate_every=3", "precision=float32")


def own(dataset: Dataset, runs: Path, *more: str) -> Run:
    config = resolve("plain", dataset, preset="demo", repeat=0, overrides=(*TINY, *more))
    with own_run(runs, config) as run:
        return run


def train(run: Run, dataset: Dataset, stop_after: int | None = None) -> None:
    def watch(step: int, total: int, line: str) -> None:
        if step == stop_after:
            raise KeyboardInterrupt

    Trainer(run, dataset, torch.device("cpu")).train(watch)


def test_losses_are_booked_by_name_whatever_their_order(
    site: Path, dataset: Dataset, tmp_path: Path
) -> None:
    constants = (
        "a, b = found['segmentation'] * 0 + 1, found['segmentation'] * 0 + 2\n"
        "return {'a': a, 'b': b} if step == 1 else {'b': b, 'a': a}"
    )
    install_plugin(site, constants)
    run = own(dataset, tmp_path)
    train(run, dataset)
    history = pd.read_csv(run.history)
    assert list(history[["a", "b"]].iloc[-1]) == [1, 2]  # means of three steps


def test_losses_of_another_name_stop_the_run_with_the_step(
    site: Path, dataset: Dataset, tmp_path: Path
) -> None:
    install_plugin(site, "return found | ({'late': found['shape']} if step == 2 else {})")
    with pytest.raises(PluginError, match=f"{WHO}: step 2: the names .*'late' is new"):
        train(own(dataset, tmp_path), dataset)


@pytest.mark.slow
def test_losses_of_another_name_are_noticed_after_an_interruption(
    site: Path, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_plugin(site, "return {'other': found['shape']} if Plain.late else found")
    run = own(dataset, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(run, dataset, stop_after=2)
    monkeypatch.setattr(find_method("plain"), "late", True)
    with pytest.raises(PluginError, match=r"step 3: the names .*'other' is new, 'segmentation' is"):
        train(run, dataset)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("raise ValueError('bad idea')", "raised ValueError: bad idea"),
        ("raise SystemExit(3)", "raised SystemExit: 3"),
        ("return None", r"returned nothing \(None\) instead of a dict"),
        ("return sum(found.values())", r"returned a tensor of shape \(\) instead of a dict"),
        ("return {}", "returned no loss"),
        ("return found | {'x': 0.5}", "term 'x': is the number 0.5, not a tensor"),
        ("return found | {'x': torch.ones(4)}", r"term 'x': has shape \(4,\); a loss is a scalar"),
        ("return found | {'x': torch.ones((), dtype=int)}", "term 'x': is in torch.int64"),
        (
            "return found | {'step': found['shape']}",
            "term 'step': is the name of a column in the history",
        ),
        ("return found | {'=1+2': found['shape']}", "a loss is called '=1.2'; give names"),
        ("return found | {3: found['shape']}", "a loss is called 3; give names of letters"),
        ("return {'x': found['shape'].detach()}", "none of its losses depends on the network"),
        (
            "class Bad(torch.autograd.Function):\n"
            "    @staticmethod\n"
            "    def forward(ctx, x): return x.clone()\n"
            "    @staticmethod\n"
            "    def backward(ctx, g): raise LookupError('no gradient')\n"
            "return found | {'x': Bad.apply(found['shape'])}",
            "raised LookupError: no gradient",
        ),
    ],
)
def test_a_mistake_in_a_step_is_one_line(
    spoil: str, said: str, site: Path, dataset: Dataset, tmp_path: Path
) -> None:
    install_plugin(site, spoil)
    run = own(dataset, tmp_path)
    with pytest.raises(PluginError, match=f"^{WHO}: step 1: {said}") as caught:
        train(run, dataset)
    assert len(caught.value.lines) == 1 and not run.finished
    log = (run.folder / "log.txt").read_text("utf-8")
    assert "step 1: " in log
    if "raised" in said:
        assert "Traceback" in log and "plain_plugin.py" in log


def test_a_loss_that_is_nan_names_method_package_step_and_term(
    site: Path, dataset: Dataset, tmp_path: Path
) -> None:
    install_plugin(site, "return found | {'x': found['shape'] * (float('nan') if step > 1 else 1)}")
    with pytest.raises(CoopbenchError, match=f"the loss 'x' of {WHO} is nan at step 2"):
        train(own(dataset, tmp_path), dataset)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("raise SystemExit(0)", "its import: raised SystemExit: 0"),
        ("import no_such_module", "its import: raised ModuleNotFoundError: No module named"),
        ("1 / 0", "its import: raised ZeroDivisionError: division by zero"),
    ],
)
def test_a_package_that_cannot_be_imported_is_listed_with_the_reason(
    before: str, said: str, site: Path
) -> None:
    install_plugin(site, before=before)
    with pytest.raises(PluginError, match=f"{WHO}: {said}"):
        find_method("plain")
    listed = CliRunner().invoke(cli, ["methods"])
    assert listed.exit_code == 0
    good, broken = listed.stdout.split("cannot be loaded:")
    assert "Standard training" in good and "plain" not in good
    assert f"method 'plain' (plain-plugin 1.2): {said}" in broken
    assert "Traceback" not in listed.output
    shown = CliRunner().invoke(cli, ["methods", "--debug"])
    assert "Traceback" in shown.stderr and "plain_plugin.py" in shown.stderr


@pytest.mark.parametrize(
    ("before", "said"),
    [("1 / 0", "its import: raised ZeroDivisionError"), ("", "is not a benchmark.corrupted_sets")],
)
def test_a_recipe_that_cannot_be_loaded_is_listed(before: str, said: str, site: Path) -> None:
    install_plugin(site, before=before, group="recipes")
    listed = CliRunner().invoke(cli, ["recipes"])
    assert listed.exit_code == 0 and "acdc-c" in listed.stdout
    assert f"recipe 'plain' (plain-plugin 1.2): {said}" in listed.stdout


def test_two_packages_of_one_name_are_refused(site: Path) -> None:
    install_plugin(site, package="other", version="7")
    install_plugin(site)
    with pytest.raises(PluginError, match="uninstall all but one") as caught:
        find_method("plain")
    assert "other 7" in str(caught.value) and "plain-plugin 1.2" in str(caught.value)


def test_two_versions_of_one_package_are_refused(site: Path) -> None:
    install_plugin(site)
    install_plugin(site, version="1.3")
    with pytest.raises(PluginError, match="uninstall all but one") as caught:
        find_method("plain")
    assert "plain-plugin 1.2" in str(caught.value) and "plain-plugin 1.3" in str(caught.value)


def test_a_package_found_twice_in_one_version_counts_once(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_plugin(site)
    monkeypatch.syspath_prepend(str(install_plugin(tmp_path / "again")))
    assert find_method("plain").title == "Plain"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("return found\ntitle = 3", "lacks 'title'"),
        ("return found\nSettings = dict", "'Settings' is not"),
    ],
)
def test_what_a_class_lacks_is_said_before_anything_begins(
    spoil: str, said: str, site: Path
) -> None:
    first, *rest = spoil.splitlines()
    install_plugin(site, first)
    with (site / "plain_plugin.py").open("a", encoding="utf-8") as file:
        file.writelines(f"    {line}\n" for line in rest)
    with pytest.raises(PluginError, match=f"{WHO}: its .*{said}"):
        find_method("plain")


def invoke(data: Path, runs: Path, *words: str) -> Result:
    overrides = [part for pair in TINY for part in ("--set", pair)]
    where = ["--data", str(data), "--runs", str(runs), "--preset", "demo"]
    return CliRunner().invoke(cli, [*words, *where, *overrides])


def test_a_command_ends_with_code_1_and_debug_shows_the_traceback(
    site: Path, data: Path, tmp_path: Path
) -> None:
    install_plugin(site, "raise ValueError('bad idea')")
    plain = invoke(data, tmp_path, "train", "--method", "plain")
    assert plain.exit_code == 1
    assert plain.stderr.splitlines()[-1].startswith("coopbench: method 'plain' (plain-plugin 1.2)")
    assert "Traceback" not in plain.output
    shown = invoke(data, tmp_path, "train", "--method", "plain", "--debug")
    assert shown.exit_code == 1
    assert "Traceback" in shown.stderr and "in spoil" in shown.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("without_figures")
def test_other_methods_of_a_study_go_on(
    site: Path, own_corrupted_data: Path, tmp_path: Path
) -> None:
    """One raises in its second step, another cannot even be imported."""
    install_plugin(site, "return found if step < 2 else found['no such term']")
    install_plugin(site, name="gone", package="gone-plugin", before="import no_such_module")
    result = invoke(
        own_corrupted_data, tmp_path / "runs", "--debug", "study",
        "--methods", "plain,gone,standard", "--out", str(tmp_path / "report"),
        "--jobs", str(default_workers()),
    )  # fmt: skip
    assert result.exit_code == 1, result.output
    last = result.stderr.splitlines()[-2:]
    assert any("'gone' (gone-plugin 1.2): its import" in line for line in last)
    assert any("'plain' (plain-plugin 1.2): step 2: raised KeyError" in line for line in last)
    assert "in spoil" in result.stderr  # the traceback of another process
    assert "Standard training" in (tmp_path / "report" / "tables" / "dice-ftn.md").read_text(
        "utf-8"
    )
