"""Configurations of earlier formats say what was computed then."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmark.core.errors import CoopbenchError
from benchmark.methods.registry import find_method
from benchmark.runs.run import open_run
from benchmark.runs.run_migration import SETTINGS_OF_1, migrate

MEASURED = Path(__file__).parents[2] / "results/measured/acdc-compact/runs"


def of_format_1(**changes: Any) -> dict[str, Any]:
    """A configuration as it was written before settings told the order of the STN's passes."""
    return {
        "format": "coopbench-run-1",
        "method": "rand-conv",
        "name": "rand-conv",
        "title": "Rand Conv",
        "preset": "compact",
        "repeat": 0,
        "seed": 40,
        "data": {
            "name": "acdc",
            "phantom": False,
            "fingerprint": "0",
            "train": ["001"],
            "validation": ["011"],
        },
        "training": {"steps": 1000, "augmentation": {"flip": 0.2}},
        "settings": {"kernels": [1, 3, 5, 7], "views": 3, "consistency": 10.0},
    } | changes


def opened(folder: Path, config: dict[str, Any]) -> Any:
    (folder / "config.json").write_text(json.dumps(config))
    return open_run(folder).config


def test_an_earlier_run_says_what_it_did(tmp_path: Path) -> None:
    config = opened(tmp_path, of_format_1())
    assert config.format == "coopbench-run-2"
    assert config.settings == {
        "kernels": [1, 3, 5, 7],
        "views": 3,
        "consistency": 10.0,
        "stn_first": "prediction",
        "hard_batch_norm": "none",
        "stn": True,
    }
    assert config.training.steps == 1000


def test_what_an_earlier_run_did_say_is_kept() -> None:
    raw = of_format_1(settings={"stn": False})
    assert migrate(raw)["settings"]["stn"] is False
    assert raw == of_format_1(settings={"stn": False})  # not changed in place


def test_a_present_run_and_a_stranger_are_left_alone() -> None:
    for raw in (of_format_1(format="coopbench-run-2"), of_format_1(format="another"), {}):
        assert migrate(raw) is raw


@pytest.mark.parametrize(
    ("changes", "where"),
    [({"settings": 3}, "settings"), ({"training": [1]}, "training"), ({"method": 5}, "method")],
)
def test_a_broken_earlier_run_is_refused(
    changes: dict[str, Any], where: str, tmp_path: Path
) -> None:
    with pytest.raises(CoopbenchError, match=where):
        opened(tmp_path, of_format_1(**changes))


@pytest.mark.parametrize("name", SETTINGS_OF_1)
def test_every_method_takes_what_the_earlier_code_did(name: str) -> None:
    method = find_method(name)
    before = method.Settings(**SETTINGS_OF_1[name])
    assert before != method.Settings()  # each differs from what is computed now


def test_the_measured_runs_can_be_read() -> None:
    paths = sorted(MEASURED.glob("*/*/config.json"))
    assert paths
    for path in paths:
        config = open_run(path.parent).config
        assert config.settings["stn_first"] == "prediction"
        config.build_method()
