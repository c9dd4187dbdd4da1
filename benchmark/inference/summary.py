"""Volumes of many files as a table, with the ejection fraction where ED and ES are known."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import write_text
from benchmark.data.acdc import read_phases
from benchmark.data.case_keys import CASE, NO_FRAME, case_key, case_pattern, subject_and_frame
from benchmark.inference.volume import Segmented

COLUMNS = (
    *("file", "subject", "frame", "phase", "phase_by", "LV_ml", "MYO_ml", "RV_ml"),
    *("LV_EF_percent", "RV_EF_percent"),
)


@dataclass(frozen=True)
class _Row:
    file: Path
    subject: str
    frame: str
    found: Segmented
    phase: str
    phase_by: str


def summarise(done: Mapping[Path, Sequence[Segmented]], root: Path) -> pd.DataFrame:
    """A row for each frame: volumes in ml, and ejection fractions in % for subjects with ED and ES.

    ED and ES are known from the file's name, from ACDC's ``Info.cfg`` beside it, or for a cine from
    its frames with the largest and smallest LV; the column ``phase_by`` says from which.

    Args:
        done: the frames of each file, whose path is relative to ``root``.
        root: the folder of the images.
    """
    rows = [row for path, frames in done.items() for row in _rows(path, frames, root)]
    subjects: dict[str, dict[str, Segmented]] = {}
    for row in rows:
        if row.phase:
            subjects.setdefault(row.subject, {})[row.phase] = row.found
    records = []
    for row in rows:
        phases = subjects.get(row.subject, {})
        records.append(
            (
                *(row.file.as_posix(), row.subject, row.frame, row.phase, row.phase_by),
                *(round(row.found.ml[name], 3) for name in ("LV", "MYO", "RV")),
                *(_ejection_fraction(phases, name) for name in ("LV", "RV")),
            )
        )
    return pd.DataFrame(records, columns=list(COLUMNS))


def _rows(path: Path, frames: Sequence[Segmented], root: Path) -> list[_Row]:
    key = case_key(path)
    try:
        subject, named = subject_and_frame(key, case_pattern(CASE))
    except CoopbenchError:
        subject, named = key.case, NO_FRAME
    if key.draw:
        subject = f"{subject}_draw{key.draw}"
    recorded = _recorded(root / path)
    if len(frames) > 1:
        if recorded:
            return _cine(path, subject, frames, recorded, "Info.cfg")
        size = {one.frame or 0: one.ml["LV"] for one in frames}
        largest = max(size, key=lambda frame: size[frame])
        smallest = min(size, key=lambda frame: size[frame])
        known = {largest: "ED", smallest: "ES"} if size[largest] > size[smallest] else {}
        return _cine(path, subject, frames, known, "LV volume")
    (one,) = frames
    if named in ("ED", "ES"):
        return [_Row(path, subject, named, one, named, "name")]
    number = named.removeprefix("frame")
    if one.frame is not None:
        return _cine(path, subject, frames, recorded, "Info.cfg")
    phase = recorded.get(int(number) - 1, "") if number.isdecimal() else ""
    shown = "" if named == NO_FRAME else named
    return [_Row(path, subject, shown, one, phase, "Info.cfg" if phase else "")]


def _cine(
    path: Path, subject: str, frames: Sequence[Segmented], known: Mapping[int, str], by: str
) -> list[_Row]:
    rows = []
    for one in frames:
        phase = known.get(one.frame or 0, "")
        rows.append(_Row(path, subject, str(one.frame), one, phase, by if phase else ""))
    return rows


def _recorded(image: Path) -> dict[int, str]:
    """The frames (from 0) that ACDC's ``Info.cfg`` beside an image says are ED and ES."""
    info = image.parent / "Info.cfg"
    if not info.is_file():
        return {}
    try:
        return {number - 1: phase for phase, number in read_phases(info).items()}
    except CoopbenchError:
        return {}


def _ejection_fraction(phases: Mapping[str, Segmented], structure: str) -> float | None:
    """(EDV - ESV) / EDV in %, or None where it is not known."""
    if not {"ED", "ES"} <= phases.keys():
        return None
    ed, es = (phases[phase].ml[structure] for phase in ("ED", "ES"))
    return round(100 * (ed - es) / ed, 2) if ed > 0 else None


def write_summary(table: pd.DataFrame, path: Path) -> None:
    """Write the table as CSV, whole or not at all."""
    text = io.StringIO()
    table.to_csv(text, index=False, lineterminator="\n")
    write_text(path, text.getvalue())
