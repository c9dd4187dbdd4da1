"""The table of guarantees names tests that exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def functions_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_guarantee_has_its_test() -> None:
    text = (ROOT / "docs/guarantees.md").read_text("utf-8")
    tables = re.findall(r"^\| promise \| test \|\n\|---\|---\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = [row for table in tables for row in table.splitlines()]
    found = [re.search(r"\| `(tests/[\w/]+\.py)::(test_\w+)` \|$", row) for row in rows]
    assert len(rows) > 30 and all(found), rows
    for one in found:
        assert one and one[2] in functions_in(ROOT / one[1]), one
