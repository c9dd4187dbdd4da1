"""What a folder that was made for another framework says of itself."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import digest
from benchmark.core.validation import FileName
from benchmark.data.dataset import Dataset, evaluated_cases, read_record

RECORD = "coopbench.json"
"""The file that it stands in."""

PREDICTIONS = "predictions"
"""The folder beside it for label maps, with a folder for each test set."""


class Converted(BaseModel):
    """The content of that file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["coopbench-nnunet-1"] = "coopbench-nnunet-1"
    data: str
    """The folder of prepared sets."""
    training_set: FileName
    repeat: int
    nnunet_id: int
    fingerprints: dict[FileName, str]
    """By name of each test set, the digest of its data and of its test subjects."""


def cases_fingerprint(dataset: Dataset) -> str:
    """Digest of a prepared set's data, and of the cases that it is evaluated on."""
    cases = [case.folder for case in evaluated_cases(dataset)]
    return digest({"data": dataset.fingerprint, "cases": cases})


def find_converted(predictions: Path) -> tuple[Path, Converted]:
    """The folder of predictions that is meant, and the record beside it.

    Args:
        predictions: that folder, or the one that was converted into.

    Raises:
        CoopbenchError: there is no record, or it is broken.
    """
    if (predictions / RECORD).is_file():
        predictions = predictions / PREDICTIONS
    path = predictions.parent / RECORD
    if not path.is_file():
        raise CoopbenchError(
            f"{predictions}: has no {RECORD} beside it, as 'coopbench convert nnunet OUT' writes; "
            "give OUT/predictions, or name PREDICTIONS and LABELS without --nnunet"
        )
    return predictions, read_record(path, Converted)
