"""Names from files, made safe to show wherever they are shown."""

from benchmark.core.errors import printable

FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of a formula, and may execute."""


def safe_name(name: str) -> str:
    """A name as it is shown: on terminals, in tables, figures, pages and CSV files.

    What cannot be printed is escaped: a terminal would act on it, and bidirectional controls have
    text look like other text. What a spreadsheet would execute has an apostrophe before it, by
    which a spreadsheet knows text; numbers stay as they are. A safe name stays as it is.
    """
    shown = printable(name)
    if not shown.startswith(FORMULA):
        return shown
    try:
        float(shown)
    except ValueError:
        return f"'{shown}"
    return shown
