"""The reference of all commands, from what click itself knows of them."""

import inspect
import re

import click

from benchmark.cli import cli


def command_reference() -> str:
    """One page: the groups and their commands, in the order of `coopbench --help`."""
    parts = [
        "# Commands",
        "Made from the commands themselves: what `--help` says. Exit codes: 0, done; 1, something "
        "failed; 2, the command or an option is wrong; 130, interrupted.",
    ]
    context = click.Context(cli, info_name="coopbench")
    for name in cli.list_commands(context):
        parts += _of(cli.commands[name], name, context, level=2)
    return "\n\n".join(parts) + "\n"


def _of(command: click.Command, name: str, parent: click.Context, *, level: int) -> list[str]:
    context = click.Context(command, info_name=name, parent=parent)
    parts = [f"{'#' * level} {context.command_path}"]
    if isinstance(command, click.Group):
        parts += markdown_help(command.help)
        for inner in command.list_commands(context):
            parts += _of(command.commands[inner], inner, context, level=level + 1)
        return parts
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts += [f"```text\n{usage}\n```", *markdown_help(command.help)]
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    rows = [
        f"| <code>{_cell(form)}</code> | {_cell(text)} |"
        for form, text in filter(None, records)
        if text  # an argument's meaning stands in the text
    ]
    parts.append("\n".join(["| option | meaning |", "|---|---|", *rows]))
    if command.epilog:
        parts.append(f"```sh\n{_examples(command.epilog)}\n```")
    return parts


def markdown_help(text: str | None) -> list[str]:
    r"""A help text in paragraphs; those that click prints as they are (``\b``) become blocks."""
    found = []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text or "")):
        if paragraph.startswith("\b"):
            block = inspect.cleandoc(paragraph.removeprefix("\b").lstrip("\n"))
            found.append(f"```text\n{block}\n```")
        else:
            found.append(_plain(" ".join(paragraph.split())))
    return found


def _examples(epilog: str) -> str:
    lines = epilog.replace("\b", "").strip().splitlines()
    return "\n".join(line.removeprefix("  ") for line in lines if line.strip() != "Examples:")


def _plain(text: str) -> str:
    return re.sub(r"([*_<>\[])", r"\\\1", text)


def _cell(text: str) -> str:
    """What a table can hold: every sign that means something in Markdown as its number in HTML."""
    return re.sub(r"[|\[\]*_<>&`]", lambda sign: f"&#{ord(sign[0])};", " ".join(text.split()))
