"""Records and settings that are wrong: every wrong key is named, with the one that may be meant."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.cli import cli
from benchmark.core.errors import CoopbenchError
from benchmark.core.validation import nearest
from benchmark.corrupted_sets.recipe import find_recipe
from benchmark.data.dataset import Dataset, read_case, read_dataset
from benchmark.runs.config import Augmentation, RunConfig, Training, resolve
from benchmark.runs.run import open_run


@pytest.fixture
def config(dataset: Dataset, tmp_path: Path) -> dict[str, Any]:
    """What stands in a run's ``config.json``."""
    found = resolve("proposed", dataset, preset="demo", repeat=0).model_dump(mode="json")
    return json.loads(json.dumps(found))


def opened(folder: Path, config: dict[str, Any]) -> list[str]:
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CoopbenchError) as error:
        open_run(folder)
    return error.value.lines


def test_every_wrong_key_of_a_run_is_named(config: dict[str, Any], tmp_path: Path) -> None:
    config["training"]["crpo"] = config["training"].pop("crop")
    config["training"]["augmentation"]["flipp"] = 0.5
    config["training"]["batch"] = 7
    config["data"]["fingerprnt"] = config["data"].pop("fingerprint")
    config["sede"] = config.pop("seed")
    said = opened(tmp_path, config)
    assert all(line.startswith(f"{tmp_path / 'config.json'}: ") for line in said)
    text = "\n".join(said)
    assert "training.crpo: no such key; did you mean 'crop'?" in text
    assert "training.augmentation.flipp: no such key; did you mean 'flip'?" in text
    assert "training.batch: Input should be a multiple of 2" in text
    assert "data.fingerprint: Field required" in text
    assert "data.fingerprnt: no such key; did you mean 'fingerprint'?" in text
    assert "seed: Field required" in text
    assert "sede: no such key; did you mean 'seed'?" in text


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a\nb", "<b>", "a" * 121])
def test_names_that_would_be_paths_or_markup_are_refused(
    name: str, config: dict[str, Any], tmp_path: Path
) -> None:
    config["name"] = name
    assert "name: String should" in opened(tmp_path, config)[0]


KEYS = sorted([*Training.model_fields, *(f"augmentation.{k}" for k in Augmentation.model_fields)])


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_a_letter_too_much_anywhere_names_the_right_key(
    data: st.DataObject, config: dict[str, Any], tmp_path: Path
) -> None:
    key = data.draw(st.sampled_from([k for k in KEYS if k != "augmentation"]))
    *groups, field = key.split(".")
    at = data.draw(st.integers(0, len(field)))
    wrong = field[:at] + data.draw(st.sampled_from("xyz")) + field[at:]
    training = json.loads(json.dumps(config["training"]))
    place = training
    for group in groups:
        place = place[group]
    place[wrong] = place[field]
    said = opened(tmp_path, config | {"training": training})
    assert said == [
        f"{tmp_path / 'config.json'}: training.{'.'.join([*groups, wrong])}: no such key; "
        f"did you mean '{field}'?"
    ]


def test_every_wrong_key_of_a_prepared_set_is_named(dataset: Dataset, tmp_path: Path) -> None:
    record = json.loads((dataset.root / "dataset.json").read_text("utf-8"))
    record["nmae"] = record.pop("name")
    record["cases"][0]["subjct"] = "001"
    (tmp_path / "dataset.json").write_text(json.dumps(record))
    with pytest.raises(CoopbenchError) as error:
        read_dataset(tmp_path)
    text = str(error.value)
    assert "nmae: no such key; did you mean 'name'?" in text
    assert "cases.0.subjct: no such key; did you mean 'subject'?" in text


def test_every_wrong_key_of_a_recipe_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\ntitel = "Mine"\nversion = 1\ndraws = 1\nunits = "pixels"\n'
        '[kinds.Noise]\ncorruption = "noise"\nseverties = [1]\n'
    )
    with pytest.raises(CoopbenchError) as error:
        find_recipe(str(path))
    text = str(error.value)
    assert "titel: no such key; did you mean 'title'?" in text
    assert "kinds.Noise.severties: no such key; did you mean 'severities'?" in text


def test_every_wrong_setting_of_a_command_is_named(data: Path, tmp_path: Path) -> None:
    words = ["train", "--method", "standard", "--data", str(data), "--runs", str(tmp_path)]
    words += ["--set", "batch=3", "--set", "crop=17", "--set", "learning_rate=nan"]
    words += ["--set", "crpo=32", "--set", "steps", "--set", "augmentation.flipp=0"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 2
    for wrong in ("--set batch=3: ", "--set crop=17: ", "--set learning_rate=nan: "):
        assert wrong in done.output
    assert "--set crpo=32: no such key; did you mean 'crop'?" in done.output
    assert "--set steps: write KEY=VALUE" in done.output
    meant = "did you mean 'augmentation.flip'?"
    assert f"--set augmentation.flipp=0: no such key; {meant}" in done.output
    assert not any(tmp_path.iterdir())


def test_nothing_is_suggested_where_nothing_is_like_it() -> None:
    assert nearest("qqqq", RunConfig.model_fields) == ""


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch harm']",
        '{"__class__": "os.system", "format": "coopbench-run-1"}',
        "[" * 100_000,
        "\x00\x01",
        "",
        "NaN",
        '{"format": ' + "9" * 5000 + "}",
    ],
)
def test_configurations_are_read_as_data_only(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(CoopbenchError, match=r"config\.json: "):
        open_run(tmp_path)
    assert read_case(tmp_path / "config.json") is None
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
