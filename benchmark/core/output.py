"""Write to standard output and error in any encoding of terminal, file or pipe."""

import codecs
import sys
import unicodedata
from io import TextIOWrapper

STAND_INS = {
    "−": "-",
    "⁻": "-",
    "⁺": "+",
    "–": "-",
    "—": "-",
    "…": "...",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "→": "->",
    "×": "x",
    "±": "+/-",
    "·": "*",
    "†": "+",
    "‡": "#",
}
"""Replacements for characters that an encoding lacks."""

NAME = "coopbench-readable"


def _stand_in(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace each character that the encoding lacks by the most similar one that it has."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = [
        _nearest(character, error.encoding) for character in error.object[error.start : error.end]
    ]
    return "".join(found), error.end


def _nearest(character: str, encoding: str) -> str:
    for text in (STAND_INS.get(character), unicodedata.normalize("NFKD", character)):
        if text is None:
            continue
        bare = "".join(one for one in text if not unicodedata.combining(one))
        try:
            bare.encode(encoding)
        except UnicodeEncodeError:
            continue
        if bare:
            return bare
    return "?"


def write_readably() -> None:
    """Make standard output and error replace characters that their encoding lacks."""
    codecs.register_error(NAME, _stand_in)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=NAME)
