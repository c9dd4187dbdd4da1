"""Find the settings of a run that differ from the defaults."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.core.errors import CoopbenchError
from benchmark.methods.registry import find_method
from benchmark.runs.config import RunConfig, Training, presets
from benchmark.runs.run import Run


def changed_settings(config: RunConfig) -> tuple[str, ...]:
    """List ``KEY=VALUE`` of each setting that differs from its default, in TOML.

    The defaults are those of the installed method, and of the harness with the run's preset.

    Raises:
        CoopbenchError: the method is not installed here.
    """
    own = find_method(config.method).Settings().model_dump(mode="json")
    harness = Training(**presets().get(config.preset, {})).model_dump(mode="json")
    return (
        *_differences(own, config.settings),
        *_differences(harness, config.training.model_dump(mode="json")),
    )


def settings_notes(runs: Sequence[Run]) -> list[str]:
    """Notes on the rows whose settings differ from the defaults; rows with the same settings share
    one."""
    rows: dict[str, list[str]] = {}
    unknown: list[str] = []
    for name, config in {run.config.name: run.config for run in runs}.items():
        try:
            changed = list(changed_settings(config))
        except CoopbenchError:
            unknown.append(config.title)
            continue
        if name != config.method and config.method != config.title:
            changed.insert(0, f"method {config.method}")
        if changed:
            rows.setdefault(", ".join(changed), []).append(config.title)
    parts = [f"{', '.join(titles)}: {changed}" for changed, titles in rows.items()]
    notes = [f"Settings other than the defaults: {'; '.join(parts)}."] if parts else []
    if unknown:
        notes.append(
            f"The defaults of {', '.join(unknown)} are not known, since the method is not "
            "installed here."
        )
    return notes


def _differences(
    defaults: Mapping[str, Any], given: Mapping[str, Any], prefix: str = ""
) -> list[str]:
    found = []
    for key, value in given.items():
        default = defaults.get(key)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            found += _differences(default, value, f"{prefix}{key}.")
        elif value != default:
            found.append(f"{prefix}{key}={_spelt(value)}")
    return found


def _spelt(value: Any) -> str:
    """Write a value in the form that ``--set`` takes."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_spelt, value))}]"
    return "none" if value is None else str(value)
