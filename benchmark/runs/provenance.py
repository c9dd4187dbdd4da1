"""Describe the software, hardware and data behind the numbers of a report."""

from collections.abc import Sequence

from benchmark.core.environment import commit
from benchmark.core.files import read_json
from benchmark.data.dataset import Dataset, read_splits
from benchmark.runs.config import RunConfig
from benchmark.runs.run import Run

LISTED = 4
"""Largest number of a recipe's sets to name one by one."""


def describe(config: RunConfig) -> str:
    """Describe the data and settings of a table's runs, in one sentence."""
    training = config.training
    length = f"{training.steps} steps" if training.steps else f"{training.epochs} epochs"
    return (
        f"Trained on {config.data.name} ({len(config.data.train)} subjects), preset "
        f"{config.preset}: {training.crop} × {training.crop}, batch {training.batch}, {length}; "
        "the checkpoint with the best validation IoU (FTN+STN) is scored."
    )


def provenance(runs: Sequence[Run], datasets: Sequence[Dataset]) -> list[str]:
    """Lines on the software and hardware that trained the runs, corrupted the sets and made the
    report."""
    made = set()
    for run in runs:
        record = read_json(run.folder / "environment.json")
        packages = record["packages"]
        made.add(
            f"Trained by coopbench {packages['coopbench']} (commit {record['commit'] or 'unknown'})"
            f" with torch {packages['torch']} in {record['precision']} on {record['device_name']}, "
            f"{record['threads']} thread(s)."
        )
    now = f"Reported by coopbench at commit {commit() or 'unknown'}."
    return [*sorted(made), *_corrupted_by(datasets), now]


def _corrupted_by(datasets: Sequence[Dataset]) -> list[str]:
    """Lines on the recipe, its version and the TorchIO version of each corrupted set."""
    titles: dict[str, list[str]] = {}
    for dataset in datasets:
        if (corruption := dataset.corruption) is not None:
            torchio = dataset.software.get("torchio")
            library = f" with TorchIO {torchio}" if torchio else ""
            by = f"corrupted by recipe {corruption.made_by.words}{library}."
            titles.setdefault(by, []).append(dataset.title)
    return sorted(
        f"{', '.join(own) if len(own) <= LISTED else f'{own[0]} and {len(own) - 1} more'}: {by}"
        for by, own in titles.items()
    )


def incomplete(datasets: Sequence[Dataset]) -> list[str]:
    """Lines on test subjects that are missing from a set, and on those left out as broken."""
    lines = []
    for dataset in datasets:
        if dataset.left_out:
            lines.append(f"{dataset.title}: {dataset.left_out} subjects were left out as broken.")
        if (dataset.root / "splits.json").is_file():
            test = set(read_splits(dataset).test)
            missing = sorted(test - {case.subject for case in dataset.cases})
            if missing:
                lines.append(
                    f"{dataset.title}: {len(missing)} of {len(test)} test subjects are missing "
                    f"({' '.join(missing)})."
                )
    return lines
