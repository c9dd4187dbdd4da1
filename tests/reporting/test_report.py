"""What a report takes from the prepared sets."""

from typing import Any

import pytest

from benchmark.core.errors import CoopbenchError, ScoreFileError
from benchmark.data.dataset import Dataset
from benchmark.evaluation.external.record import CorruptedBy
from benchmark.reporting.report import corrupted_sets, corruptions
from results.analysis.robustness import Corruption


def prepared(name: str, title: str = "", **preparation: Any) -> Dataset:
    return Dataset(
        name=name,
        title=title or name,
        source="test",
        in_plane_spacing_mm=1.36719,
        preparation=preparation,
        software={},
        cases=(),
    )


def test_no_set_is_corrupted() -> None:
    assert corrupted_sets(corruptions([prepared("acdc", "ACDC"), prepared("mnms", "M&Ms")])) == {}


def test_recipes_are_kept_apart() -> None:
    graded = {"recipe": "mr-c", "recipe_version": 1, "kind": "Motion", "seed": 1}
    sets = corrupted_sets(
        corruptions(
            [
                prepared("acdc", "Mine"),
                prepared("Motion-2", severity=2, **graded),
                prepared("RandMotion", recipe="acdc-c", recipe_version=2, kind="RandMotion"),
                prepared("Old", recipe="acdc-c", recipe_version=1, kind="RandMotion"),
                prepared(
                    "Other",
                    recipe="acdc-c",
                    recipe_version=2,
                    kind="RandBias",
                    clean="mnms",
                    clean_title="M&Ms",
                ),
                prepared("Motion-1", severity=1, **graded),
            ]
        ),
        "Mine",
    )
    assert list(sets) == ["acdc-c", "acdc-c on M&Ms", "acdc-c-torchio1", "mr-c"]
    assert sets["acdc-c"].corruptions == {"RandMotion": Corruption("RandMotion")}
    assert sets["mr-c"].levels == {"Motion": {1: "Motion-1", 2: "Motion-2"}}
    assert sets["acdc-c-torchio1"].corruptions == {"Old": Corruption("RandMotion")}
    assert sets.pop("acdc-c on M&Ms").clean == "M&Ms"
    assert {one.clean for one in sets.values()} == {"Mine"}


def test_clean_set_that_is_not_there_is_acdc() -> None:
    fog = prepared("Fog", recipe="fog", kind="Fog")
    sets = corrupted_sets(corruptions([fog]))
    assert sets["fog"].clean == "ACDC"


def test_impossible_severity_is_refused() -> None:
    with pytest.raises(ScoreFileError, match="severity 7"):
        corrupted_sets(
            corruptions([prepared("Motion-7", recipe="mr-c", kind="Motion", severity=7)])
        )


def test_sets_of_external_models_join_those_of_their_recipe() -> None:
    """And are refused where they would mix with others."""
    own = [prepared("acdc", "ACDC"), prepared("Fog", recipe="fog", kind="Fog", severity=1)]
    theirs = CorruptedBy(recipe="fog", kind="Fog", severity=2, clean="ACDC")
    sets = corrupted_sets(corruptions(own, {"Fog-2": theirs}))
    assert sets["fog"].levels == {"Fog": {1: "Fog", 2: "Fog-2"}} and sets["fog"].clean == "ACDC"
    with pytest.raises(CoopbenchError, match="Fog: is corrupted from ACDC by fog"):
        corruptions(own, {"Fog": theirs})
    for update in ({"clean": "labelsTs"}, {"version": 2}):
        other = theirs.model_copy(update=update)
        assert len(corrupted_sets(corruptions(own, {"Fog-2": other}))) == 2
