"""JSON and TOML that others would take in silence, or fail at oddly."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import read_json
from benchmark.core.parsing import parse_json, parse_toml
from benchmark.data.dataset import read_dataset
from benchmark.evaluation.kept_scores import _record_of
from benchmark.runs.config import _parse
from corruptions.declared import DeclaredRecipe

DEEP = 100_000

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES)
def test_json_is_read_as_it_was_written(value: object) -> None:
    assert parse_json(json.dumps(value)) == value


@pytest.mark.parametrize("text", ['{"a": 1, "b": 2, "a": 1}', '[{"x": {"a": 1, "a": 2}}]'])
def test_a_key_that_stands_twice_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(CoopbenchError, match=r"x.json: is not valid JSON .*'a' occurs twice"):
        read_json(tmp_path / "x.json")


@pytest.mark.parametrize("text", ["[" * DEEP, '{"a":' * DEEP, "[" * DEEP + "]" * DEEP])
def test_deep_json_is_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(CoopbenchError, match="nested too deeply") as caught:
        read_json(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    assert _record_of(path.with_suffix(".csv")) == {}


@pytest.mark.parametrize("text", ["a = " + "[" * DEEP, "a = " + "{a = " * DEEP])
def test_deep_toml_is_one_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_toml(text)
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(CoopbenchError, match=r"recipe.toml: .*nested too deeply"):
        DeclaredRecipe.read(path)
    key, equals, value = _parse(f"crop={text.partition('= ')[2]}")
    assert (key, equals) == ("crop", True) and isinstance(value, str)  # refused as no number


DATASET = {
    "name": "mine",
    "title": "Mine",
    "source": "here",
    "in_plane_spacing_mm": 1.5,
    "preparation": {},
    "software": {},
    "cases": [
        {"subject": one, "folder": one, "frames": ["ED"], "files": {}, "made_from": {}}
        for one in ("001", "002")
    ],
}


def refusal(folder: Path, text: str) -> str:
    (folder / "dataset.json").write_text(text)
    with pytest.raises(CoopbenchError) as caught:
        read_dataset(folder)
    said = str(caught.value)
    assert said.startswith(str(folder / "dataset.json")) and "\n" not in said
    return said


def test_a_sound_record_is_read(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps(DATASET))
    assert [case.subject for case in read_dataset(tmp_path).cases] == ["001", "002"]


@pytest.mark.parametrize("spacing", ["NaN", "Infinity", "-Infinity", "-1.5", "0", "1e999", "null"])
def test_a_spacing_that_is_none(spacing: str, tmp_path: Path) -> None:
    text = json.dumps(DATASET).replace("1.5", spacing)
    assert "in_plane_spacing_mm" in refusal(tmp_path, text)


def test_a_case_that_is_listed_twice(tmp_path: Path) -> None:
    one, other = DATASET["cases"]
    assert "folder 001 occurs 2 times" in refusal(
        tmp_path, json.dumps(DATASET | {"cases": [one, other, one]})
    )
    same = other | {"subject": "001"}
    assert "subject and draw 001, 0 occurs 2 times" in refusal(
        tmp_path, json.dumps(DATASET | {"cases": [one, same]})
    )


def test_a_key_of_a_record_that_stands_twice(tmp_path: Path) -> None:
    text = json.dumps(DATASET).replace('"title": ', '"title": "Other", "title": ')
    assert "'title' occurs twice" in refusal(tmp_path, text)


def test_a_record_that_is_nested_deeply(tmp_path: Path) -> None:
    assert "nested too deeply" in refusal(tmp_path, '{"name": ' + "[" * DEEP)
