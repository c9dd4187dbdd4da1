"""What counts as a change of code."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from benchmark.core.code import record_code
from benchmark.methods.registry import method_entry
from tests.helpers.plug_in import HELPER, METHOD, forget_plug_in, write_plug_in


@pytest.fixture(params=[True, False], ids=["editable", "installed"])
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_plug_in(tmp_path / "site", editable=request.param)
    (tmp_path / "site" / "stranger.py").write_text("x = 1\n")  # imported by nothing of it
    monkeypatch.syspath_prepend(tmp_path / "site")
    forget_plug_in()
    return tmp_path / "site"


def entry() -> EntryPoint:
    return method_entry("plugged")


def test_the_module_and_what_it_imports_of_its_package_count(site: Path) -> None:
    record = record_code(entry(), commit="abc")
    assert (record.package, record.version, record.commit) == ("plug-in", "0.1.0", None)
    assert list(record.files) == ["plug_helper.py", "plug_method.py"]


@pytest.mark.parametrize(
    ("file", "text", "changes"),
    [
        ("plug_method.py", METHOD, []),
        ("plug_method.py", METHOD.replace("factor()", "2 * factor()"), ["plug_method.py"]),
        ("plug_helper.py", HELPER.replace("1.0", "1.5"), ["plug_helper.py"]),
        ("plug_helper.py", "# A remark.\n\n" + HELPER.replace("1.0", "1.0  # one"), []),
        ("stranger.py", "x = 2\n", []),
    ],
)
def test_what_is_computed_counts_and_comments_do_not(
    site: Path, file: str, text: str, changes: list[str]
) -> None:
    before = record_code(entry(), commit=None)
    (site / file).write_text(text)
    assert before.changes(record_code(entry(), commit=None)) == changes


def test_a_line_that_leaves_a_block_is_a_change(site: Path) -> None:
    inside = "def factor():\n    if False:\n        pass\n    return 1.0\n"
    (site / "plug_helper.py").write_text(inside.replace("    return", "        return"))
    before = record_code(entry(), commit=None)
    (site / "plug_helper.py").write_text(inside)
    assert before.changes(record_code(entry(), commit=None)) == ["plug_helper.py"]


def test_another_version_or_package_is_a_change(site: Path) -> None:
    record = record_code(entry(), commit=None)
    other = record.model_copy(update={"version": "0.2.0"})
    assert record.changes(other) == ["version 0.1.0, now 0.2.0"]
    assert record.changes(record.model_copy(update={"package": "another"})) == [
        "package plug-in, now another"
    ]
