"""With what, and on what, the numbers of a report were made."""

from collections.abc import Sequence

from benchmark.core.environment import commit
from benchmark.core.files import read_json
from benchmark.data.dataset import Dataset, read_splits
from benchmark.runs.config import RunConfig
from benchmark.runs.run import Run

LISTED = 4
"""Sets of a recipe that are named one by one."""


def describe(config: RunConfig) -> str:
    """What the runs of a table rest on, in one sentence."""
    training = config.training
    length = f"{training.steps} steps" if training.steps else f"{training.epochs} epochs"
    return (
        f"Trained on {config.data.name} ({len(config.data.train)} subjects), preset "
        f"{config.preset}: {training.crop} × {training.crop}, batch {training.batch}, {length}; "
        "the checkpoint with the best validation IoU (FTN+STN) is scored."
    )


def provenance(runs: Sequence[Run], datasets: Sequence[Dataset]) -> list[str]:
    """With what, and on what, the runs were trained, the sets corrupted, and the report made."""
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
    """Which recipe and version each corrupted set is of, and made with which TorchIO."""
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
    """Test subjects that the splits name and a set does not hold, and those left out as broken."""
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
