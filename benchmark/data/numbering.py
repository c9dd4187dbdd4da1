"""Parse a user's text on the meaning of label values."""

import re

from benchmark.core.errors import UsageError
from benchmark.data.labels import REST, STRUCTURES

BACKGROUND = "background"


def parse_numbering(option: str, text: str) -> dict[int, int]:
    """Parse ``1=RV,2=MYO,3=LV`` into a map from raw to prepared label values.

    0 is background unless named.

    Args:
        option: the option that the text was given by, for the message.
        text: values and structures; several values may be one structure, or ``background``; the
            value ``rest`` stands for all values that are not named.

    Raises:
        UsageError: the text does not have this form, names a value twice, or leaves a structure
            out.
    """
    names = {name.lower(): value for value, name in STRUCTURES.items()} | {BACKGROUND: 0}
    numbering: dict[int, int] = {}
    for part in text.split(","):
        raw, _, name = (word.strip() for word in part.partition("="))
        is_rest = raw.lower() == "rest"
        if not (is_rest or re.fullmatch(r"-?\d+", raw)) or name.lower() not in names:
            raise UsageError(
                f"{option} {text!r}: {part.strip()!r} is not VALUE=STRUCTURE, "
                f"with one of {', '.join(STRUCTURES.values())} or {BACKGROUND}"
            )
        value = REST if is_rest else int(raw)
        if value in numbering:
            raise UsageError(f"{option} {text!r}: names the value {raw} twice")
        numbering[value] = names[name.lower()]
    lacking = [name for value, name in STRUCTURES.items() if value not in numbering.values()]
    if lacking:
        raise UsageError(
            f"{option} {text!r}: names no {' and no '.join(lacking)}, which would score 0; "
            f"if the labels have none, name a value that never occurs, as 99={lacking[0]}"
        )
    return {0: 0} | numbering
