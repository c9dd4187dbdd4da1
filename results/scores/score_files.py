"""Read score files with bounded memory, whatever they contain.

The header is read first. The numbers of columns, of unpacked bytes and of scores are bounded: a
compressed file of megabytes can hold gigabytes. The environment variables
`COOPBENCH_MAX_SCORE_BYTES` and `COOPBENCH_MAX_SCORES` set other bounds.
"""

import csv
import io
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import union_categoricals
from pandas.io.common import get_handle

from benchmark.core.errors import ScoreFileError
from benchmark.core.text import decode, plain_csv

MAX_BYTES = 4 * 2**30
"""Most bytes of a file's unpacked text; 8 million scores have less than 1 GiB."""

MAX_SCORES = 50_000_000
"""Most scores in a Parquet file, where equal rows take almost no space."""

MAX_MENDED = 2**28
"""Most bytes of a file whose separators or encoding differ from coopbench's."""

CHUNK = 2**19
"""Number of rows to read at once."""

MAX_LINE = 2**16
"""Most bytes of the header, or of any other line."""

MAX_COLUMNS = 100
"""Most columns of a file, including those not needed."""

COMPRESSED = (".gz", ".bz2", ".xz", ".zip", ".zst", ".tar")
"""Endings of files that pandas unpacks by itself."""

_UNREADABLE = (
    *(OSError, EOFError, ValueError, ImportError),  # the last if a decompressor is missing
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError, csv.Error),
)
"""Errors from reading a broken file as text, compressed or not."""


def read_csv(path: Path, columns: Collection[str], **options: Any) -> pd.DataFrame:
    """Read the named columns of a CSV file, if present; its suffix says whether it is compressed.

    Args:
        path: the file.
        columns: the columns to read.
        options: for `pandas.read_csv`.

    Raises:
        ScoreFileError: the file cannot be read, names a column twice, or exceeds the bounds.
    """
    try:
        mended = _mended(path)
        with get_handle(mended or path, "rb", is_text=False, compression="infer") as opened:
            stream = _BoundedStream(opened.handle, path)
            _check_header(stream.first_line, path, columns)
            with pd.read_csv(
                io.BufferedReader(stream, 2**18),
                encoding="utf-8-sig",  # spreadsheet programs write a byte order mark
                chunksize=CHUNK,
                **options,
            ) as chunks:
                parts = [_wanted(chunk, columns, path) for chunk in chunks]
    except pd.errors.EmptyDataError:
        raise ScoreFileError(f"{path}: empty file; evaluate again or leave the file out") from None
    except FileNotFoundError:
        raise ScoreFileError(f"{path}: no such file; check the path") from None
    except _UNREADABLE as error:
        reason = " ".join(str(error).split())
        raise ScoreFileError(f"{path}: not a readable CSV ({reason}); write it again") from error
    return parts[0] if len(parts) == 1 else _joined(parts)


def _wanted(chunk: pd.DataFrame, columns: Collection[str], path: Path) -> pd.DataFrame:
    """Select the named columns of some rows; text of a full chunk becomes categories, to save
    memory."""
    if not isinstance(chunk.index, pd.RangeIndex):  # pandas takes the surplus fields as an index
        raise ScoreFileError(f"{path}: rows have more fields than the header; write it again")
    # Not with usecols: pandas would then drop surplus fields in silence.
    wanted = chunk[[name for name in columns if name in chunk.columns]]
    if len(chunk) < CHUNK and chunk.index.start == 0:
        return wanted
    texts = [name for name in wanted if isinstance(wanted[name].dtype, pd.StringDtype)]
    return wanted.astype(dict.fromkeys(texts, "category"))


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Join the parts of a file, column by column, so that only one column is in memory twice."""
    joined = {}
    for name in [str(name) for name in parts[0]]:
        columns = [part.pop(name) for part in parts]
        if all(isinstance(column.dtype, pd.CategoricalDtype) for column in columns) and (
            len({column.cat.categories.dtype for column in columns}) == 1
        ):
            joined[name] = pd.Series(union_categoricals(columns))
        else:
            joined[name] = pd.concat(columns, ignore_index=True)
    return pd.DataFrame(joined, copy=False)


def read_parquet(path: Path, columns: Collection[str]) -> pd.DataFrame:
    """Read the named columns of a Parquet file, if present.

    Raises:
        ScoreFileError: the file cannot be read, or exceeds the bounds.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    most = _bound("COOPBENCH_MAX_SCORES", MAX_SCORES)
    try:
        with pq.ParquetFile(path) as file:
            if file.metadata.num_rows > most:
                raise ScoreFileError(
                    f"{path}: holds {file.metadata.num_rows} scores, more than {most}; split it, "
                    "or set COOPBENCH_MAX_SCORES to a larger number"
                )
            names = [name for name in columns if name in file.schema_arrow.names]
            table = file.read(columns=names)
    except FileNotFoundError:
        raise ScoreFileError(f"{path}: no such file; check the path") from None
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise ScoreFileError(
            f"{path}: not a readable Parquet file ({reason}); write it again"
        ) from error
    return table.to_pandas(ignore_metadata=True)


def _mended(path: Path) -> io.BytesIO | None:
    """A CSV file with a spreadsheet's changes undone; None if it needs no change.

    Raises:
        ScoreFileError: the file is too long to be from a spreadsheet.
    """
    if path.suffix in COMPRESSED:
        return None
    with path.open("rb") as file:
        start = file.read(2000)
    header = start.partition(b"\n")[0].removesuffix(b"\r")
    odd = not header.isascii() or any(mark in header for mark in (b";", b"\t", b"\r", b"\0"))
    if b"," in header and not odd and b", " not in start:
        return None
    if path.stat().st_size > MAX_MENDED:
        raise ScoreFileError(
            f"{path}: is not a CSV of scores with commas between columns; write it again"
        )
    return io.BytesIO(plain_csv(decode(path.read_bytes())).encode())


class _BoundedStream(io.RawIOBase):
    """A binary stream that raises an error if it, or one of its lines, is too long."""

    def __init__(self, inner: Any, path: Path) -> None:
        self.inner, self.path = inner, path
        self.most = _bound("COOPBENCH_MAX_SCORE_BYTES", MAX_BYTES)
        self.count = self.open_line = 0
        self.first_line = inner.readline(MAX_LINE + 1)
        self.ahead = memoryview(self.first_line)

    def readable(self) -> bool:
        """True: the stream can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with the next bytes, if any."""
        if self.ahead:
            size = min(len(buffer), len(self.ahead))
            buffer[:size], self.ahead = self.ahead[:size], self.ahead[size:]
            return size
        content = self.inner.read(len(buffer))
        size = len(content)
        buffer[:size] = content
        self.count += size
        if self.count > self.most:
            raise ScoreFileError(
                f"{self.path}: unpacks to more than {self.most} bytes; split it, or set "
                "COOPBENCH_MAX_SCORE_BYTES to a larger number"
            )
        begins = content.find(b"\n")
        self.open_line += size if begins < 0 else begins
        if self.open_line > MAX_LINE:
            raise ScoreFileError(
                f"{self.path}: has a line of more than {MAX_LINE} bytes; write it again"
            )
        if begins >= 0:
            self.open_line = size - content.rfind(b"\n") - 1
        return size


def _check_header(line: bytes, path: Path, columns: Collection[str]) -> None:
    """Check the header before any rows are read."""
    names = next(csv.reader([line.decode("utf-8-sig", errors="replace")]), [])
    if len(line) > MAX_LINE or len(names) > MAX_COLUMNS:
        raise ScoreFileError(
            f"{path}: its header has {len(line)} bytes or more; scores have {len(columns)} "
            f"columns, and a file may have {MAX_COLUMNS}; write the scores again"
        )
    twice = [name for name in columns if names.count(name) > 1]
    if twice:
        raise ScoreFileError(f"{path}: has the column {twice[0]} twice; keep one of the two")


def _bound(variable: str, default: int) -> int:
    text = os.environ.get(variable, "")
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise ScoreFileError(f"{variable}={text}: give a whole number from 1")
    return value
