"""The rooms of the code and which of them imports which, read from the source files."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("baselines", "benchmark", "corruptions", "results")
SPLIT = ("benchmark", "results")
"""Packages whose parts are rooms of their own; each other package is one room."""
DOORS = ("benchmark.__main__",)
"""Modules that only start a room."""


def room_of(module: str) -> str | None:
    """The room that a module stands in; None for a package's own ``__init__``, and for doors."""
    parts = module.split(".")
    if parts[0] not in SPLIT:
        return parts[0]
    return None if len(parts) == 1 or module in DOORS else ".".join(parts[:2])


def imports() -> dict[str, set[str]]:
    """For each room, the other rooms that it imports, at whatever place in its files."""
    import grimp  # comes with import-linter; the site's build does without

    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    found: dict[str, set[str]] = {}
    for module in sorted(graph.modules):
        if (room := room_of(module)) is not None:
            others = map(room_of, graph.find_modules_directly_imported_by(module))
            found.setdefault(room, set()).update(o for o in others if o not in (None, room))
    return found


def folders() -> set[str]:
    """The rooms as the folders and files have them, without a look at what they import."""
    found = {package for package in PACKAGES if package not in SPLIT}
    for package in SPLIT:
        for part in (ROOT / package).iterdir():
            if (part / "__init__.py").is_file() or part.suffix == ".py":
                room = room_of(f"{package}.{part.stem}")
                if room is not None and part.stem != "__init__":
                    found.add(room)
    return found


def without_implied(found: dict[str, set[str]]) -> dict[str, set[str]]:
    """The same, without an arrow from a to c where a way leads over a further room anyway."""

    @cache
    def reached(room: str) -> frozenset[str]:
        return frozenset(found[room]).union(*(reached(other) for other in found[room]))

    return {
        room: {o for o in others if not any(o in reached(between) for between in others)}
        for room, others in found.items()
    }


def floors(found: dict[str, set[str]]) -> dict[str, int]:
    """How many rooms lie one above the other below each room, at most."""

    @cache
    def floor(room: str) -> int:
        return 1 + max((floor(other) for other in found[room]), default=-1)

    return {room: floor(room) for room in found}


def description(room: str) -> str:
    """The first sentence of the room's docstring, without marks of markup."""
    path = ROOT / room.replace(".", "/")
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(source.read_text("utf-8"))) or ""
    first = " ".join(text.split("\n\n")[0].split())
    return first.replace("`", "").rstrip(".")
