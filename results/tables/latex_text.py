"""Escape text for LaTeX, and measure its width in Computer Modern."""

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

import matplotlib

BOLD = 1.15
"""Factor by which bold Computer Modern is wider."""

_DESIGNS = {8.0: 1.063, 7.0: 1.139, 6.0: 1.222}
"""Width factors by size in points: smaller designs of Computer Modern are relatively wider."""

_ESCAPED = {
    **{char: f"\\{char}" for char in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # In the default font encoding these print as other characters.
    **{char: f"${char}$" for char in "<>|"},
    # At the start of a row, LaTeX would read them as an argument of the line break before.
    **{char: f"{{{char}}}" for char in "[]*"},
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "−": "$-$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "≠": r"$\neq$",
    "∞": r"$\infty$",
    "→": r"$\rightarrow$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "²": "$^{2}$",
    "³": "$^{3}$",
    "†": r"$^\dagger$",
    "‡": r"$^\ddagger$",
    "⁺": "$^{+}$",
    "⁻": "$^{-}$",
    "⁽": "$^{(}$",
    "⁾": "$^{)}$",
}
_RAISED = set("†‡⁺⁻⁽⁾²³")
_LATIN = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧο", "ABEZHIKMNOPTXo", strict=True))
"""Greek letters without a LaTeX command, since they look like Latin ones."""


def latex_text(text: str) -> str:
    """Escape text for LaTeX: special characters, signs and Greek letters as commands.

    Letters with accents stay as they are, for input in UTF-8.
    """
    escaped = "".join(map(_escape, " ".join(text.split())))
    return re.sub(r"-(?=-)", "-{}", escaped)  # two hyphens would join to a dash


@cache
def _escape(char: str) -> str:
    if char in _ESCAPED:
        return _ESCAPED[char]
    size, _, letter = unicodedata.name(char, "").removeprefix("GREEK ").partition(" LETTER ")
    if size not in ("SMALL", "CAPITAL") or not "α" <= char.lower() <= "ω":
        return char
    if char in _LATIN:
        return _LATIN[char]
    name = letter.lower().removeprefix("final ").replace("lamda", "lambda")
    return f"$\\{name if size == 'SMALL' else name.capitalize()}$"


@lru_cache(maxsize=2**16)  # many cells are equal, and each is measured for each setting
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of a line of text, in points.

    Args:
        text: the text, not escaped.
        size: type size: 8, 7 or 6 points.
        bold: whether the text is bold, like the best cell of a column.
    """
    wide = sum(_width(char) for char in text) + 0.12 * len(re.findall(r"[.:?!] ", text))
    wide *= _DESIGNS[size] * size
    return wide * (BOLD if bold else 1.0)


def _width(char: str) -> float:
    """The width of a character relative to the type size; wide for characters not in Computer
    Modern."""
    if char in _RAISED:
        return 0.75
    if char in "±−×≤≥≈≠→":
        return 0.78
    plain = unicodedata.normalize("NFD", char)[0]  # an accent takes no width
    return _metrics().get(plain, 0.9)


@cache
def _metrics() -> dict[str, float]:
    """Widths of Computer Modern Roman at 10 points, from metrics included in matplotlib."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "afm" / "cmr10.afm"
    found = re.findall(r"^C (\d+) ; WX ([\d.]+) ;", path.read_text("latin-1"), flags=re.MULTILINE)
    codes = {int(code): float(width) / 1000 for code, width in found}
    # Letters, digits and these signs have the codes of ASCII there.
    same = {chr(code): codes[code] for code in (*range(48, 58), *range(65, 91), *range(97, 123))}
    signs = {char: codes[ord(char)] for char in "!#%&()*+,-./:;=?@[]'"}
    return {" ": 1 / 3, "_": 0.5, "$": 0.5, "|": 0.28, "<": 0.78, ">": 0.78, **same, **signs}
