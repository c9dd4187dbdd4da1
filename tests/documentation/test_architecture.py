"""The picture and the page of the architecture are of the code as it is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
FOLDERS = {
    f"{package}.{part.stem}"
    for package in ("benchmark", "results")
    for part in (ROOT / package).iterdir()
    if (part / "__init__.py").is_file() or (part.suffix == ".py" and "__" not in part.name)
}


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "tools"))


@pytest.mark.usefixtures("tools")
def test_the_picture_is_what_the_code_gives() -> None:
    import draw_rooms

    committed = draw_rooms.PICTURE.read_text("utf-8")
    assert committed == draw_rooms.draw(), "the rooms have changed: run 'make rooms'"
    drawn = set(re.findall(r'data-room="([\w.]+)"', committed))
    assert drawn == {*FOLDERS, "baselines", "corruptions"}


@pytest.mark.usefixtures("tools")
def test_arrows_lead_down_and_none_that_counts_is_left_out() -> None:
    import rooms

    every = rooms.imports()
    floor = rooms.floors(every)
    shown = rooms.without_implied(every)

    def reached(room: str) -> set[str]:
        return {room}.union(*(reached(other) for other in shown[room]))

    for room, others in every.items():
        assert all(floor[other] < floor[room] for other in others)
        assert others <= reached(room) and shown[room] <= others


def test_every_room_is_explained_and_every_file_named_exists() -> None:
    explained = set(re.findall(r"`((?:benchmark|results)\.\w+)`", PAGE.split("\n## ")[1]))
    assert explained == FOLDERS
    named = re.findall(r"`((?:benchmark|baselines|corruptions|results|tests)/[\w./]*)`", PAGE)
    assert len(named) > 25
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_what_a_file_is_said_to_hold_is_in_it() -> None:
    for path, name in re.findall(r"`([\w/]+\.py)` `(\w+)`", PAGE):
        assert re.search(rf"^(def|class) {name}\b", (ROOT / path).read_text("utf-8"), re.M), name
