"""The score file of an external model, with its record beside it."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmark.core.errors import UsageError
from benchmark.core.files import write_json, write_text
from benchmark.evaluation.external.record import ExternalRecord
from benchmark.evaluation.external.scoring import Row, Scored


def check_target(out: Path, row: Row, sets: Sequence[str]) -> None:
    """Let scores be replaced only by a new version of the same scores.

    Raises:
        UsageError: the file already exists, with other scores or other content.
    """
    if out.suffix != ".csv":
        raise UsageError(f"--out {out}: give a name that ends in .csv")
    record = out.with_suffix(".json")
    if not out.exists() and not record.exists():
        return
    try:
        there = ExternalRecord.model_validate_json(record.read_bytes())
    except (OSError, ValueError):
        raise UsageError(
            f"{out}: already exists (or its .json), and is not from 'coopbench score'; "
            "give another --out"
        ) from None
    if (there.row, there.titles) != (asdict(row), list(sets)):
        raise UsageError(
            f"{out}: already exists, with scores of {there.name}, repeat {there.repeat}, "
            f"{there.output} on {', '.join(there.titles)}; give another --out"
        )


def write_scores(scored: Scored, out: Path) -> None:
    """Write the scores, and their record as ``.json`` beside them; each whole or not at all."""
    text = io.StringIO()
    scored.table.to_csv(text, index=False, float_format="%.6f", lineterminator="\n")
    content = text.getvalue()
    # Write the record first: if it does not fit the scores, this is noticed, and they can be made
    # again.
    checksum = hashlib.sha256(content.encode()).hexdigest()
    record = scored.record.model_copy(update={"sha256": checksum})
    write_json(out.with_suffix(".json"), record.model_dump(mode="json"))
    write_text(out, content)
