"""Read splits of a user's own set, from a table or from nnU-Net's ``splits_final.json``."""

from collections.abc import Mapping
from pathlib import Path
from re import Pattern
from typing import Any

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import read_json
from benchmark.core.text import read_table
from benchmark.data.case_keys import Key, subject_and_frame
from benchmark.data.dataset import Split, Splits

PARTS = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("validation", "val", "valid"), "validation"),
    **dict.fromkeys(("test", "testing", "ts"), "test"),
}


def read_split_table(path: Path) -> tuple[Splits | None, dict[str, dict[str, int]]]:
    """Read a CSV with a row for each subject.

    Columns: ``subject``; optionally ``split`` (train, validation or test), ``repeat`` (from 0; only
    where there are several, and not for test subjects), ``ED`` and ``ES`` (frames of 4D files, from
    0).

    Returns:
        The splits, or None without the column ``split``; and the frames by subject.

    Raises:
        CoopbenchError: the file is not such a table.
    """
    table = read_table(path)
    table.columns = table.columns.str.lower()
    if "subject" not in table.columns:
        raise CoopbenchError(f"{path}: has no column subject (but {', '.join(table.columns)})")
    phases: dict[str, dict[str, int]] = {}
    test: list[str] = []
    repeats: dict[int, dict[str, list[str]]] = {}
    for line, row in enumerate(table.to_dict("records"), start=2):
        subject = str(row["subject"])
        frames = {name: str(row.get(name.lower(), "")) for name in ("ED", "ES")}
        for name, number in frames.items():
            if number and not number.isdecimal():
                raise CoopbenchError(
                    f"{path}: line {line}: {name} {number!r} is not a frame number (from 0)"
                )
            if number:
                phases.setdefault(subject, {})[name] = int(number)
        if "split" not in table.columns:
            continue
        part, repeat = PARTS.get(str(row["split"]).lower()), str(row.get("repeat", "") or "0")
        if part is None or not repeat.isdecimal():
            raise CoopbenchError(
                f"{path}: line {line}: split {row['split']!r}, repeat {repeat!r}: give train, "
                "validation or test, and a whole number"
            )
        if part == "test":
            test.append(subject)
        else:
            parts = repeats.setdefault(int(repeat), {"train": [], "validation": []})
            parts[part].append(subject)
    if "split" not in table.columns:
        return None, phases
    return _splits(path, list(dict.fromkeys(test)), repeats), phases


def read_nnunet_splits(path: Path, pattern: Pattern[str], subjects: set[str]) -> Splits:
    """Read nnU-Net's ``splits_final.json``: folds become repeats; subjects in no fold become test
    subjects.

    Raises:
        CoopbenchError: the file does not have this form, or leaves no test subject.
    """
    folds: Any = read_json(path)
    repeats: dict[int, dict[str, list[str]]] = {}
    try:
        for number, fold in enumerate(folds):
            repeats[number] = {
                part: sorted({subject_and_frame(Key(str(one), None), pattern)[0] for one in cases})
                for part, cases in (("train", fold["train"]), ("validation", fold["val"]))
            }
    except (TypeError, KeyError) as error:
        raise CoopbenchError(f"{path}: is not a list of folds with 'train' and 'val'") from error
    used = {one for fold in repeats.values() for part in fold.values() for one in part}
    return _splits(path, sorted(subjects - used), repeats)


def _splits(path: Path, test: list[str], repeats: Mapping[int, Mapping[str, list[str]]]) -> Splits:
    if not test:
        raise CoopbenchError(f"{path}: has no test subject, so nothing can be scored")
    for number, parts in repeats.items():
        twice = sorted({*test} & {*parts["train"], *parts["validation"]})
        twice = twice or sorted({*parts["train"]} & {*parts["validation"]})
        if twice:
            raise CoopbenchError(f"{path}: repeat {number} uses {' '.join(twice[:5])} twice")
        for part in ("train", "validation"):
            if not parts[part]:
                raise CoopbenchError(f"{path}: repeat {number} has no {part} subject")
    return Splits(
        source=path.name,
        test=tuple(test),
        repeats={
            number: Split(train=tuple(parts["train"]), validation=tuple(parts["validation"]))
            for number, parts in sorted(repeats.items())
        },
    )
