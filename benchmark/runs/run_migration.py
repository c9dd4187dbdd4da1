"""Convert configurations of runs from earlier versions of coopbench to the current format.

The default of a newer setting is often not what the earlier code computed. This module adds the
values that the earlier code did use, so that a run's configuration stays true. These values never
change.
"""

from collections.abc import Mapping
from typing import Any

Values = dict[str, Any]

TRAINING_OF_1: Values = {"partial_batches": False, "augmentation": {"style": "stated"}}
"""Values in format 1 of harness settings that it did not record; a group is a mapping."""

STANDARD_PASS_OF_1: Values = {"stn_first": "prediction"}
HARD_PASS_OF_1: Values = {**STANDARD_PASS_OF_1, "hard_batch_norm": "none"}
SETTINGS_OF_1: dict[str, Values] = {
    "standard": STANDARD_PASS_OF_1,
    "proposed": HARD_PASS_OF_1,
    "proposed-x": HARD_PASS_OF_1,
    "rand-mwm": {**HARD_PASS_OF_1, "first": 1.0},
    "rand-conv": {**HARD_PASS_OF_1, "stn": True},
    "adv-noise": {**HARD_PASS_OF_1, "fit": "clip"},
    "adv-bias": {**HARD_PASS_OF_1, "grid": "covering", "points": "free"},
    "rsc": HARD_PASS_OF_1,
    "mixstyle": HARD_PASS_OF_1,
    "dsu": HARD_PASS_OF_1,
    "maxstyle": HARD_PASS_OF_1,
    "image-aug": HARD_PASS_OF_1,
}
"""Values in format 1 of methods' settings. Methods of other packages had none of these."""


def migrate(raw_config: dict[str, Any]) -> dict[str, Any]:
    """Convert the content of a ``config.json`` of any format to the current one.

    Content of the current format, or of an unknown one, is returned unchanged: the validation that
    follows gives a better message.
    """
    if raw_config.get("format") != "coopbench-run-1":
        return raw_config
    method = raw_config.get("method")
    settings = SETTINGS_OF_1.get(method, {}) if isinstance(method, str) else {}
    return {
        **raw_config,
        "format": "coopbench-run-2",
        "training": _filled(raw_config.get("training"), TRAINING_OF_1),
        "settings": _filled(raw_config.get("settings"), settings),
    }


def _filled(values: Any, missing: Mapping[str, Any]) -> Any:
    """A copy of ``values`` with the entries of ``missing`` added, group by group."""
    if not isinstance(values, Mapping):
        return values
    filled = dict(values)
    for key, value in missing.items():
        if isinstance(value, Mapping):
            filled[key] = _filled(values.get(key, {}), value)
        else:
            filled.setdefault(key, value)
    return filled
