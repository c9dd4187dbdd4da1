"""The generated pages hold what the code has."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from benchmark.cli import cli
from benchmark.methods import find_method, method_names
from benchmark.runs.config import Training

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "tools"))


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def test_every_command_has_its_section_with_its_options_and_examples() -> None:
    from command_reference import command_reference

    page = command_reference()
    sections = {part.split("\n")[0].lstrip("# "): part for part in page.split("\n##")[1:]}
    every = dict(commands(cli, "coopbench"))
    assert set(sections) == set(every)
    for path, command in every.items():
        if isinstance(command, click.Group):
            continue
        for option in command.params:
            if isinstance(option, click.Option) and option.help:
                hidden = getattr(option, "formerly", None)  # understood, and no longer shown
                shown = [name for name in option.opts if name != hidden]
                form = f"<code>{', '.join(shown)}"
                assert form in sections[path].replace(" / ", ", "), (path, form)
        if command.epilog:
            assert "```sh\ncoopbench " in sections[path], path
    assert page.count("```") % 2 == 0 and "\b" not in page


def test_paragraphs_that_click_leaves_alone_become_blocks() -> None:
    from command_reference import markdown_help

    text = "One\n    line_a.\n\n    \b\n      A    b\n      C\n\n    Two <x>."
    assert markdown_help(text) == ["One line\\_a.", "```text\nA    b\nC\n```", "Two \\<x\\>."]


def test_every_method_and_setting_is_there() -> None:
    from method_reference import method_reference

    page = method_reference()
    own, harness = page.split("## Settings of the harness")
    for name in method_names():
        (section,) = [part for part in own.split("\n## ") if part.split("\n")[0] == name]
        for key in find_method(name).Settings.model_fields:
            assert f"| `{key}` |" in section
    assert all(f"| `{key}` |" in harness for key in Training.model_fields if key != "augmentation")
    assert "| `augmentation.flip` |" in harness


def test_every_room_has_its_page() -> None:
    import generated
    import rooms

    assert {page.title for page in generated.api_pages()} == set(rooms.imports())


def test_links_of_documents_at_the_top_lead_to_pages() -> None:
    import generated

    texts = {page.path: page.text for page in generated.pages()}
    assert "[docs/architecture.md](architecture.md)" in texts["contributing.md"]
    assert "(decisions.md#randomness)" in texts["contributing.md"]
    assert "](docs/" not in "".join(texts.values())
    assert "[Keep a Changelog](https://" in texts["changelog.md"]
