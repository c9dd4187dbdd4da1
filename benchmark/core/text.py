"""Read text files from a spreadsheet, an editor, or another system.

Byte-order marks, UTF-16, the 8-bit encoding of Windows, and line ends CR or CR LF are all accepted.
Tables may have commas, semicolons or tabs between their columns, blanks around them, and decimal
commas where the columns are not separated by commas.
"""

import codecs
import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.core.errors import CoopbenchError

if TYPE_CHECKING:
    import pandas as pd

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

SEPARATORS = (",", ";", "\t")


def decode(content: bytes) -> str:
    """Decode a file's bytes into text with LF as line ends.

    Without a mark, the encoding is UTF-8, or UTF-16 if every other byte is 0, else that of Windows
    in western Europe, in which every byte is valid.

    Raises:
        ValueError: the bytes have the mark of an encoding, but are not valid in it.
    """
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    if encoding is None:
        start = content[:1000]
        if len(start) > 3 and not any(start[1::2]):
            encoding = "utf-16-le"
        elif len(start) > 3 and not any(start[::2]):
            encoding = "utf-16-be"
    if encoding is not None:
        text = content.decode(encoding)
    else:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_text(path: Path) -> str:
    """Read the text in a file.

    Raises:
        CoopbenchError: the file is missing, or not text.
    """
    try:
        return decode(path.read_bytes())
    except FileNotFoundError as error:
        raise CoopbenchError(f"{path}: no such file") from error
    except ValueError as error:
        raise CoopbenchError(f"{path}: is not a text file ({error})") from error


def plain_csv(text: str) -> str:
    """Convert a table to CSV with commas, without blanks around cells, and with decimal points.

    The separator is the most frequent one in the first line.
    """
    header = text.partition("\n")[0]
    separator = max(SEPARATORS, key=header.count)
    rows = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        cells = [cell.strip() for cell in row]
        if separator != ",":
            cells = [re.sub(r"^([-+]?\d*),(\d+(?:[eE][-+]?\d+)?)$", r"\1.\2", one) for one in cells]
        writer.writerow(cells)
    return out.getvalue()


def read_table(path: Path) -> "pd.DataFrame":
    """Read a table of text cells; an empty cell is an empty text.

    Raises:
        CoopbenchError: the file is missing, or is not a table.
    """
    import pandas as pd

    try:
        plain = plain_csv(read_text(path))
        return pd.read_csv(io.StringIO(plain), dtype=str, keep_default_na=False)
    except (ValueError, csv.Error) as error:  # pandas raises these for bad text and for bad CSV
        reason = " ".join(str(error).split())
        raise CoopbenchError(f"{path}: cannot be read as CSV ({reason})") from error
