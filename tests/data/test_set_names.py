"""What corrupted sets are called."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.core.validation import FileName
from benchmark.corrupted_sets.set_folder import held, set_folder
from benchmark.data.dataset import Dataset, read_dataset
from benchmark.data.set_names import MadeBy, known_as


@pytest.mark.parametrize(
    ("made_by", "title", "name", "folder"),
    [
        (MadeBy("acdc-c", 2), "Fog", "acdc-c_Fog", "acdc-c"),
        (MadeBy("acdc-c", 1), "Fog (acdc-c-torchio1)", "acdc-c-torchio1_Fog", "acdc-c-torchio1"),
        (MadeBy("mine", 3), "Fog (mine v3)", "mine-v3_Fog", "mine"),
        (
            MadeBy("acdc-c", 2, "mnms", "M&Ms"),
            "Fog (acdc-c on M&Ms)",
            "acdc-c-of-mnms_Fog",
            "acdc-c-of-mnms",
        ),
        (
            MadeBy("mine", 2, "mnms", "M&Ms"),
            "Fog (mine v2 on M&Ms)",
            "mine-v2-of-mnms_Fog",
            "mine-of-mnms",
        ),
    ],
)
def test_a_set_carries_what_it_is_of(made_by: MadeBy, title: str, name: str, folder: str) -> None:
    assert (made_by.title("Fog"), made_by.name("Fog"), made_by.folder) == (title, name, folder)


ORIGINS = st.builds(
    MadeBy,
    recipe=st.sampled_from(["acdc-c", "acdc-c-torchio1", "acdc-c-physical", "mr-c"]),
    version=st.integers(1, 4),
    clean=st.sampled_from(["acdc", "mnms", "mscmr"]),
)


@given(ORIGINS, ORIGINS, st.sampled_from(["RandBias", "Noise-1"]))
def test_no_two_origins_share_a_name(one: MadeBy, other: MadeBy, kind: str) -> None:
    titled = [MadeBy(o.recipe, o.version, o.clean, o.clean.upper()) for o in (one, other)]
    names = [(made_by.name(kind), made_by.title(kind)) for made_by in titled]
    for mine, theirs in zip(*names, strict=True):
        assert (mine == theirs) == one.same_as(other)
    TypeAdapter(FileName).validate_python(names[0][0])


def test_what_was_renamed_keeps_its_versions_apart() -> None:
    assert known_as("acdc-c", 1) == ("acdc-c-torchio1", 1)
    assert known_as("acdc-c", 2) == ("acdc-c", 2) and known_as("mr-c", 1) == ("mr-c", 1)
    assert "formerly acdc-c version 1" in MadeBy("acdc-c", 1).words


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(UsageError, match="more than 120 characters"):
        MadeBy("r" * 80, 1).name("k" * 60)


def write_set(folder: Path, **preparation: object) -> Dataset:
    dataset = Dataset(
        name="RandBias",
        title="RandBias",
        source="test",
        in_plane_spacing_mm=1.4,
        preparation=preparation,
        software={},
        cases=(),
        root=folder,
    )
    dataset.write()
    return dataset


def test_a_set_of_an_earlier_version_is_called_what_it_is(tmp_path: Path) -> None:
    write_set(tmp_path, recipe="acdc-c", recipe_version=1, kind="RandBias", seed=0)
    read = read_dataset(tmp_path)
    assert (read.name, read.title) == (
        "acdc-c-torchio1_RandBias",
        "RandBias (acdc-c-torchio1)",
    )
    assert read.kind == "RandBias"
    read.write()  # under its name of today, it is the same again
    again = read_dataset(tmp_path)
    assert (again.name, again.title, again.kind) == (read.name, read.title, read.kind)


@pytest.mark.parametrize(
    ("preparation", "said"),
    [
        ({"recipe": 3, "kind": "A"}, "preparation.recipe"),
        ({"recipe": "a/b", "kind": "A"}, "preparation.recipe"),
        ({"recipe": "mr-c"}, "preparation.kind"),
        ({"recipe": "mr-c", "kind": "A", "recipe_version": "x"}, "preparation.recipe_version"),
        ({"recipe": "mr-c", "kind": "A", "clean": "../acdc"}, "preparation.clean"),
    ],
)
def test_a_set_that_says_it_wrongly_is_named(
    preparation: dict[str, object], said: str, tmp_path: Path
) -> None:
    write_set(tmp_path / "data" / "fog", **preparation)
    with pytest.raises(CoopbenchError, match=said):
        read_dataset(tmp_path / "data" / "fog")
    assert held(tmp_path / "data") is None


def test_a_folder_is_found_by_what_it_holds(tmp_path: Path) -> None:
    old, new = MadeBy("acdc-c", 1), MadeBy("acdc-c", 2)
    assert set_folder(tmp_path, new) == tmp_path / "acdc-c"
    write_set(tmp_path / "acdc-c" / "RandBias", recipe="acdc-c", recipe_version=1, kind="RandBias")
    assert set_folder(tmp_path, old) == tmp_path / "acdc-c"
    assert set_folder(tmp_path, new) == tmp_path / "acdc-c-v2"
    (tmp_path / "acdc-c").rename(tmp_path / "of-last-year")
    assert set_folder(tmp_path, old) == tmp_path / "of-last-year"
    assert set_folder(tmp_path, new) == tmp_path / "acdc-c"
    for folder in ("acdc-c", "acdc-c-v2"):
        kind = tmp_path / folder / "Fog"
        write_set(kind, recipe="fog", recipe_version=1, kind="Fog", clean="mnms")
    with pytest.raises(CoopbenchError, match="hold other sets"):
        set_folder(tmp_path, new)


def test_a_set_that_was_only_begun_is_known_by_its_cases(tmp_path: Path) -> None:
    case = {"subject": "1", "draw": 1, "folder": "1/draw1", "frames": ["ED"], "files": {}}
    case |= {"made_from": {"recipe": "acdc-c", "recipe_version": 1}}
    path = tmp_path / "acdc-c" / "RandBias" / "1" / "draw1" / "case.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(case))
    assert held(tmp_path / "acdc-c") == MadeBy("acdc-c-torchio1", 1)
