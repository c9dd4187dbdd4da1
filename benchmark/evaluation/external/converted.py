"""Find predictions of sets that were converted for another framework."""

from pathlib import Path

from benchmark.conversion.record import Converted, cases_fingerprint, find_converted
from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.data.dataset import find_datasets


def check_converted(
    predictions: Path, labels: Path | None, repeat: int | None
) -> tuple[Path, Path, Converted]:
    """Find the predictions, the prepared sets that they are of, and the record of the conversion.

    Args:
        predictions: folder beside the record, with a subfolder for each set; or the folder of both.
        labels: the folder of prepared sets, if it has moved.
        repeat: the repeat that the user gave, or None.

    Raises:
        CoopbenchError: there is no record, or the prepared sets are not the converted ones.
        UsageError: the conversion is of another repeat.
    """
    folder, record = find_converted(predictions)
    if repeat not in (None, record.repeat):
        raise UsageError(f"--repeat {repeat}: {folder} has predictions for repeat {record.repeat}")
    data = labels or Path(record.data)
    if not data.is_dir():
        raise CoopbenchError(
            f"{data}: the prepared sets that {folder.parent} was made from do not exist; give "
            "the folder where they are now as LABELS"
        )
    here = {dataset.name: dataset for dataset in find_datasets(data)}
    for name, fingerprint in record.fingerprints.items():
        if name not in here or cases_fingerprint(here[name]) != fingerprint:
            what = "is not the set" if name in here else "holds no set"
            raise CoopbenchError(
                f"{data / name if name in here else data}: {what} {name} that {folder.parent} was "
                "made from; convert, predict and score again"
            )
    return folder, data, record
