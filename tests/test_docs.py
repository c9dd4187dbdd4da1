"""What the documents name is there."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {page.name: page.read_text("utf-8") for page in PAGES}


@pytest.mark.parametrize("page", TEXTS)
def test_names_said_to_be_in_a_module_are_in_it(page: str) -> None:
    """As in: `name(arguments)` from `package.module`."""
    for name, module in re.findall(r"`(\w+)[^`]*` from `([\w.]+)`", TEXTS[page]):
        assert hasattr(importlib.import_module(module), name), f"{name} from {module}"


@pytest.mark.parametrize("page", TEXTS)
def test_imports_in_examples_work(page: str) -> None:
    ours = r"^from ((?:benchmark|baselines|corruptions|results)[\w.]*) import (.+)$"
    for module, names in re.findall(ours, TEXTS[page], flags=re.M):
        for name in names.split(","):
            found = importlib.import_module(module)
            assert hasattr(found, name.strip()), f"{name} from {module}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", TEXTS)
def test_options_in_commands_exist(page: str) -> None:
    from benchmark.cli import cli

    for line in re.findall(r"^coopbench (.+)$", TEXTS[page].replace("\\\n", " "), flags=re.M):
        words = line.split("#")[0].split()
        command = cli.commands.get(words[0])
        assert command is not None, line
        if hasattr(command, "commands") and len(words) > 1:
            command = command.commands.get(words[1], command)
        known = {name for parameter in command.params for name in parameter.opts}
        known |= {name for parameter in command.params for name in parameter.secondary_opts}
        for word in words[1:]:
            if word.startswith("--"):
                assert word.split("=")[0] in known, f"{word} in: coopbench {line}"
