"""Join the scores of several runs into one file."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.core.files import whole_file
from benchmark.core.lock import FOREVER, folder_lock
from benchmark.data.dataset import Dataset
from benchmark.evaluation.kept_scores import kept_scores, made_from, out_of_reach
from benchmark.runs.run import Run, runs_of_group
from results.scores.score_table import COLUMNS


@dataclass(frozen=True)
class ScorePart:
    """One of the files that are joined: its path, number of rows, and test set's title."""

    path: Path
    rows: int
    title: str


def gather_scores(runs: Sequence[Run], datasets: Sequence[Dataset], out: Path) -> list[ScorePart]:
    """Write the scores of all runs on all sets into one ``scores.csv``.

    Returns:
        The joined files, in the order of their rows.
    """
    parts = []
    with whole_file(out) as partial_path, partial_path.open("w", encoding="utf-8") as file:
        file.write(",".join(COLUMNS) + "\n")
        for run in runs:
            unreachable = out_of_reach(run, datasets)
            for dataset in datasets:
                if dataset in unreachable:
                    continue
                path = kept_scores(run, dataset)
                rows = _rows_of(path, dataset)
                file.write(rows)
                parts.append(ScorePart(path, rows.count("\n"), dataset.title))
    return parts


def _rows_of(path: Path, dataset: Dataset) -> str:
    """The rows of a score file with the columns `COLUMNS`, under the set's current title.

    Columns that an earlier file lacks are empty.
    """
    header, _, rows = path.read_text("utf-8").partition("\n")
    names = header.split(",")
    parsed = list(csv.reader(rows.splitlines()))
    title = names.index("test_set")
    if names == list(COLUMNS) and all(row[title] == dataset.title for row in parsed):
        return rows
    place = {name: number for number, name in enumerate(names)}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in parsed:
        row[title] = dataset.title
        writer.writerow([row[place[name]] if name in place else "" for name in COLUMNS])
    return text.getvalue()


def gather_groups(runs: Sequence[Run], datasets: Sequence[Dataset]) -> list[tuple[Path, int]]:
    """Gather the scores of each group that one of ``runs`` belongs to, in the group's folder.

    Returns:
        The files written, each with its number of runs: all runs of the group with scores on every
        set.
    """
    written = []
    for folder in sorted({run.folder.parent for run in runs}):
        scored = [
            run
            for run in runs_of_group(folder)
            if all(made_from(run, one).get("data") == one.fingerprint for one in datasets)
        ]
        out = folder / "scores.csv"
        with folder_lock(folder, "gathering the scores of", patience=FOREVER, of=out.stem):
            gather_scores(scored, datasets, out)
        written.append((out, len(scored)))
    return written
