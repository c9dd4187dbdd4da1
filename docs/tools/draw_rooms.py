"""Draw docs/images/rooms.svg: every room of the code, above all that it imports.

    python docs/tools/draw_rooms.py            # writes it
    python docs/tools/draw_rooms.py --check    # says whether it is what the code gives

Arrows that follow from others are left out. Boxes stand on floors; an arrow that passes a floor
takes a place of its own between the boxes there. Same code, same bytes.
"""

import sys
import textwrap
from html import escape
from itertools import pairwise

import rooms

PICTURE = rooms.ROOT / "docs" / "images" / "rooms.svg"
COLOURS = {
    "benchmark": ("#e8f0fb", "#2f5d9b"),
    "baselines": ("#fdf0dc", "#a86a12"),
    "corruptions": ("#fbe5e3", "#a8382c"),
    "results": ("#e6f3e8", "#2f7a43"),
}
WIDTH, HEIGHT, GAP_X, GAP_Y, PASSAGE, MARGIN = 232, 74, 26, 46, 14, 20

Place = tuple[str, str, int]
"""A box is (room, room, floor); the passage of an arrow through a floor (from, to, floor)."""


def lay_out(arrows: dict[str, set[str]], floor: dict[str, int]) -> list[list[Place]]:
    """The places of each floor from the left, lowest floor first, with few crossings."""
    levels: list[list[Place]] = [[] for _ in range(max(floor.values()) + 1)]
    for room in sorted(arrows, key=lambda room: (list(COLOURS).index(room.split(".")[0]), room)):
        levels[floor[room]].append((room, room, floor[room]))
        for other in sorted(arrows[room]):
            for level in range(floor[other] + 1, floor[room]):
                levels[level].append((room, other, level))
    steps = segments(arrows, floor)
    # Sugiyama's way: each floor in the order of the mean place of its neighbours, up and down.
    for sweep in range(24):
        up = sweep % 2 == 0
        order = range(1, len(levels)) if up else range(len(levels) - 2, -1, -1)
        for number in order:
            beside = levels[number - 1 if up else number + 1]
            at = {place: (index + 0.5) / len(beside) for index, place in enumerate(beside)}

            def mean(place: Place, at: dict[Place, float] = at, up: bool = up) -> float:
                ends = [b if up else a for a, b in steps if (a if up else b) == place]
                near = [at[end] for end in ends if end in at]
                return sum(near) / len(near) if near else 0.5

            levels[number] = sorted(levels[number], key=mean)
    return levels


def segments(arrows: dict[str, set[str]], floor: dict[str, int]) -> list[tuple[Place, Place]]:
    """Each arrow in steps of one floor, from the upper to the lower place."""
    found = []
    for room in sorted(arrows):
        for other in sorted(arrows[room]):
            passed = [(room, other, level) for level in range(floor[room] - 1, floor[other], -1)]
            way = [(room, room, floor[room]), *passed, (other, other, floor[other])]
            found += pairwise(way)
    return found


def width(place: Place) -> int:
    """Pixels that a place takes."""
    return WIDTH if place[0] == place[1] else PASSAGE


def draw() -> str:
    """The picture as SVG."""
    every = rooms.imports()
    floor = rooms.floors(every)
    arrows = rooms.without_implied(every)
    levels = lay_out(arrows, floor)
    across = max(sum(map(width, level)) + GAP_X * (len(level) - 1) for level in levels)
    total_x = across + 2 * MARGIN
    total_y = len(levels) * HEIGHT + (len(levels) - 1) * GAP_Y + 2 * MARGIN + 24
    centre: dict[Place, float] = {}
    top: dict[int, int] = {}
    for number, level in enumerate(levels):
        top[number] = MARGIN + (len(levels) - 1 - number) * (HEIGHT + GAP_Y)
        used = sum(map(width, level))
        gap = (across - used) / (len(level) + 1)
        x = MARGIN + gap
        for place in level:
            centre[place] = x + width(place) / 2
            x += width(place) + gap
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total_x} {total_y}" role="img" '
        f'font-family="Helvetica, Arial, sans-serif">',
        "<title>The rooms of coopbench, each above all that it imports</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#667"/></marker></defs>',
        f'<rect width="{total_x}" height="{total_y}" fill="white"/>',
    ]
    for upper, lower in segments(arrows, floor):
        is_box = upper[0] == upper[1]
        ends = lower[0] == lower[1]
        x0, x1 = centre[upper], centre[lower]
        y0, y1 = top[upper[2]] + HEIGHT, top[lower[2]] - (2 if ends else 0)
        bend = (y1 - y0) / 2
        through = "" if is_box else f"M{x0:.0f} {y0 - HEIGHT}V{y0}"
        tip = ' marker-end="url(#tip)"' if ends else ""
        parts.append(
            f'<path class="arrow" d="{through}M{x0:.0f} {y0}C{x0:.0f} {y0 + bend:.0f} {x1:.0f} '
            f'{y1 - bend:.0f} {x1:.0f} {y1}" fill="none" stroke="#667"{tip}/>'
        )
    for level in levels:
        parts += [box(place[0], centre[place], top[place[2]]) for place in level if is_room(place)]
    parts.append(
        f'<text x="{MARGIN}" y="{total_y - 10}" font-size="12" fill="#445">An arrow: imports. '
        "What follows from other arrows is left out. Colours: the packages benchmark, baselines, "
        "corruptions, results.</text>"
    )
    return "\n".join([*parts, "</svg>", ""])


def is_room(place: Place) -> bool:
    """Whether a place is a box."""
    return place[0] == place[1]


def box(room: str, centre: float, top: int) -> str:
    """A room: its name, and what it holds."""
    fill, line = COLOURS[room.split(".")[0]]
    lines = textwrap.wrap(rooms.description(room), 35, max_lines=3, placeholder=" …")
    x = centre - WIDTH / 2
    texts = [
        f'<text x="{x + 8:.0f}" y="{top + 17}" font-size="13" font-weight="bold" fill="{line}">'
        f"{escape(room)}</text>"
    ]
    for number, text in enumerate(lines):
        y = top + 34 + 14 * number
        texts.append(
            f'<text x="{x + 8:.0f}" y="{y}" font-size="11" fill="#333">{escape(text)}</text>'
        )
    return (
        f'<g class="room" data-room="{escape(room)}"><rect x="{x:.0f}" y="{top}" width="{WIDTH}" '
        f'height="{HEIGHT}" rx="6" fill="{fill}" stroke="{line}"/>' + "".join(texts) + "</g>"
    )


if __name__ == "__main__":
    drawn = draw()
    if "--check" in sys.argv[1:]:
        if PICTURE.read_text("utf-8") != drawn:
            sys.exit(f"{PICTURE}: not what the code gives; run: make rooms")
    else:
        PICTURE.write_text(drawn, encoding="utf-8")
