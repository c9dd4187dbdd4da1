"""Versions of corrupted sets that a report cannot show, and the command that makes each."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmark.core.parsing import parse_json
from benchmark.data.dataset import Dataset
from benchmark.data.set_names import CLEAN, PUBLISHED, RENAMED, MadeBy
from benchmark.evaluation.kept_scores import out_of_reach
from benchmark.runs.run import Run

BEFORE_RECORDS = ("RandBias", "RandGhosting", "RandMotion", "RandSpike")
"""Score files of the first ACDC-C, whose records do not name the test set."""


def not_shown(runs: Sequence[Run], datasets: Sequence[Dataset]) -> list[str]:
    """A line on each group of scores that a report of these runs and sets cannot show."""
    return [*_without_data(runs, datasets), *_without_weights(runs, datasets), *_older(datasets)]


def _without_data(runs: Sequence[Run], datasets: Sequence[Dataset]) -> list[str]:
    """Lines on scores in the runs' folders whose test sets are not among the data."""
    here = {dataset.fingerprint for dataset in datasets}
    found: dict[MadeBy, set[str]] = {}
    for run in runs:
        for path in sorted((run.folder / "scores").glob("[!.]*.json")):
            if (made_by := _scored_on(path, here)) is not None:
                found.setdefault(made_by, set()).add(str(run.folder))
    return [
        f"Not shown: scores of {len(folders)} {'run' if len(folders) == 1 else 'runs'} on "
        f"{made_by.words}, whose sets are not among these data; {_command(made_by)} makes them."
        for made_by, folders in found.items()
    ]


def _scored_on(path: Path, here: Iterable[str]) -> MadeBy | None:
    """The origin of a score file's corrupted set, if that set is not ``here``; else None."""
    try:
        record = parse_json(path.read_bytes())
        if record["made_from"]["data"] in here:
            return None
        if path.stem in BEFORE_RECORDS:
            return MadeBy("acdc-c", 1)
        by = record["corruption"]
        return MadeBy(str(by["recipe"]), int(by["version"]), str(by["clean"]), str(by["clean"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _without_weights(runs: Sequence[Run], datasets: Sequence[Dataset]) -> list[str]:
    """Lines on columns that runs without weights cannot have."""
    lacking: dict[tuple[str, ...], int] = {}
    for run in runs:
        titles = tuple(dataset.title for dataset in out_of_reach(run, datasets))
        lacking[titles] = lacking.get(titles, 0) + 1
    return [
        f"{count} {'run has' if count == 1 else 'runs have'} no scores on {', '.join(titles)}, and "
        "no weights to score them with: 'coopbench train' makes them again."
        for titles, count in lacking.items()
        if titles
    ]


def _older(datasets: Sequence[Dataset]) -> list[str]:
    """A line on sets that had the name of the published set, if the published set itself is
    missing."""
    made = {one.corruption.made_by for one in datasets if one.corruption is not None}
    if any((one.recipe, one.version, one.clean) == (*PUBLISHED, CLEAN) for one in made):
        return []
    lines = [
        f"Not shown: {MadeBy(*PUBLISHED).words}, the published set; "
        f"{_command(MadeBy(*PUBLISHED))} makes it beside {one.words}."
        for one in made
        if (one.recipe, one.version) in RENAMED.values() and one.clean == CLEAN
    ]
    return list(dict.fromkeys(lines))


def _command(made_by: MadeBy) -> str:
    recipe = "" if (made_by.recipe, made_by.version) == PUBLISHED else f" --recipe {made_by.recipe}"
    clean = "" if made_by.clean == CLEAN else f" --test-set {made_by.clean}"
    return f"'coopbench corrupt{recipe}{clean}'"
