"""Make names from files safe to show."""

from benchmark.core.errors import printable

FORMULA = ("=", "+", "-", "@")
"""First characters that a spreadsheet takes for a formula, and may execute."""


def safe_name(name: str) -> str:
    """The safe form of a name, for terminals, tables, figures, pages and CSV files.

    Characters that cannot be printed are escaped: a terminal may execute them, and bidirectional
    controls can disguise text. Names that a spreadsheet would execute get an apostrophe in front,
    which marks text; numbers are not changed. A safe name is not changed.
    """
    shown = printable(name)
    if not shown.startswith(FORMULA):
        return shown
    try:
        float(shown)
    except ValueError:
        return f"'{shown}"
    return shown
