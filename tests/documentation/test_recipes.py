"""The page on recipes names every corruption, with what sets how strong it is."""

import re
from pathlib import Path

import pytest

pytest.importorskip("torchio", reason="TorchIO makes the corruptions")

import corruptions
from corruptions import Corruption

PAGE = (Path(__file__).parents[2] / "docs/recipes.md").read_text("utf-8")
KINDS: list[type[Corruption]] = [
    getattr(corruptions, name) for name in corruptions.__all__ if name != "Corruption"
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_corruption_is_in_the_lists(kind: type[Corruption]) -> None:
    text = " ".join(PAGE.split())
    settings = list(kind.ladder[0].model_dump())
    names = ", ".join(f"`{name}`" for name in settings)
    assert f"`{kind.name}` ({names})" in text, "in the list of strengths"
    title = kind.__name__.removeprefix("Graded")
    rows = re.findall(rf"^\| {title} \|(.*)\|$", PAGE, re.MULTILINE)
    severities = [row.split("|")[-5:] for row in rows]
    assert len(rows) == 2, "in the tables of severities and of similarity"
    first = [getattr(strength, settings[0]) for strength in kind.ladder]
    assert [float(cell) for cell in severities[0]] == pytest.approx(first)
