"""What the package says of itself agrees, and what it needs is declared."""

import ast
import re
import runpy
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

import benchmark
from benchmark import cli

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES = ("benchmark", "baselines", "corruptions", "results")


def test_the_version_stands_in_one_place() -> None:
    assert "version" not in PROJECT["project"] and "version" in PROJECT["project"]["dynamic"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "benchmark.__version__"}
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert str(citation["version"]) == benchmark.__version__
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    released = re.findall(r"^## \[(\d[\w.]*)\] - \d{4}-\d\d-\d\d$", changes, flags=re.M)
    assert released[0] == benchmark.__version__
    assert released == sorted(released, key=lambda one: [*map(int, one.split("."))], reverse=True)
    assert changes.index("## [Unreleased]") < changes.index(f"## [{released[0]}]")


def imported() -> Iterator[str]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if "template" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    yield from (alias.name.partition(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield node.module.partition(".")[0]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!;\[ ]", name)[0]).lower()


@pytest.mark.slow
def test_every_library_that_is_imported_is_declared() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    declared = {normal(name) for name in [*PROJECT["project"]["dependencies"], *extras["dask"]]}
    known = packages_distributions()
    for name in {*imported()} - {*sys.stdlib_module_names, *PACKAGES, "coopbench_start"}:
        owners = {normal(owner) for owner in known.get(name, [name])}
        assert owners & declared, f"{name}: of {owners}, not in pyproject.toml"


def test_every_declared_library_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = {normal(line) for line in lines if "==" in line}
    extras = PROJECT["project"]["optional-dependencies"].values()
    for name in [*PROJECT["project"]["dependencies"], *(n for extra in extras for n in extra)]:
        assert normal(name) in pinned, name


def test_files_that_are_no_code_are_packaged() -> None:
    data = PROJECT["tool"]["setuptools"]["package-data"]
    packaged = {
        path
        for package, patterns in data.items()
        for pattern in patterns
        for path in (ROOT / package).glob(pattern)
    }
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            other = path.is_file() and path.suffix not in {".py", ".pyc"}
            if other and "measured" not in path.parts:
                assert path in packaged, path


def test_windows_is_refused_at_the_start_and_at_the_installation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not any("Windows" in line for line in PROJECT["project"]["classifiers"])
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SystemExit, match="Linux and macOS, not on Windows"):
        cli.main()
    with pytest.raises(SystemExit, match="Linux and macOS, not on Windows"):
        runpy.run_path(str(ROOT / "setup.py"))


def test_templates_and_workflow_can_be_read() -> None:
    folder = ROOT / ".github"
    forms = sorted(folder.glob("ISSUE_TEMPLATE/*.yml"))
    assert [form.stem for form in forms] == ["bug", "config", "new-data-set", "new-method"]
    for form in forms[:1] + forms[2:]:
        content = yaml.safe_load(form.read_text("utf-8"))
        assert {"name", "description", "body"} <= set(content)
        assert all("type" in part and "attributes" in part for part in content["body"])
    workflow = yaml.safe_load((folder / "workflows" / "tests.yml").read_text("utf-8"))
    matrix = workflow["jobs"]["tests"]["strategy"]["matrix"]
    supported = [
        line.rpartition(" ")[2]
        for line in PROJECT["project"]["classifiers"]
        if re.search(r":: 3\.\d+$", line)
    ]
    assert matrix["python"] == supported
