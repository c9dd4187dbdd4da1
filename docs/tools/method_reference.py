"""The reference of the installed methods and of all settings, from the registry."""

from benchmark.methods import find_method, method_names
from benchmark.runs.config import describe_settings


def method_reference() -> str:
    """One page: the methods side by side, the settings of each, and the harness's."""
    methods = {name: find_method(name) for name in method_names()}
    rows = [
        f"| [`{name}`](#{name}) | {method.title} | {method.summary} | {method.reference} |"
        for name, method in methods.items()
    ]
    parts = [
        "# Methods and settings",
        "What `coopbench methods` and `coopbench methods NAME` print. Each setting can be given to "
        "`coopbench train --set KEY=VALUE`; defaults are those of preset `paper`.",
        "\n".join(
            ["| `--method` | in tables | what it does | reference |", "|---|---|---|---|", *rows]
        ),
    ]
    harness: list[tuple[str, str, str]] = []
    for name, method in methods.items():
        own, every = method.Settings.model_fields, describe_settings(method)
        harness = [row for row in every if row[0] not in own]
        parts.append(f"## {name}")
        parts.append(f"{method.title}: {method.summary} ({method.reference}).")
        parts.append(_table([row for row in every if row[0] in own]) if own else "No settings.")
    parts += ["## Settings of the harness", "The same for every method.", _table(harness)]
    return "\n\n".join(parts) + "\n"


def _table(rows: list[tuple[str, str, str]]) -> str:
    cells = [
        f"| `{key}` | `{default or '(empty)'}` | {' '.join(meaning.split())} |"
        for key, default, meaning in rows
    ]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *cells])
