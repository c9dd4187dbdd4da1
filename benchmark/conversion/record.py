"""The record in a folder that was converted for another framework."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import digest
from benchmark.core.validation import FileName
from benchmark.data.dataset import Dataset, evaluated_cases, read_record

RECORD = "coopbench.json"
"""Name of the record's file."""

PREDICTIONS = "predictions"
"""The folder for label maps beside the record, with a folder for each test set."""


class Converted(BaseModel):
    """The content of the record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["coopbench-nnunet-1"] = "coopbench-nnunet-1"
    data: str
    """The folder of prepared sets."""
    training_set: FileName
    repeat: int
    nnunet_id: int
    fingerprints: dict[FileName, str]
    """For each test set, by name, the digest of its data and test subjects."""


def cases_fingerprint(dataset: Dataset) -> str:
    """Digest of a prepared set's data and of the cases to evaluate it on."""
    cases = [case.folder for case in evaluated_cases(dataset)]
    return digest({"data": dataset.fingerprint, "cases": cases})


def find_converted(predictions: Path) -> tuple[Path, Converted]:
    """Find the folder of predictions, and the record beside it.

    Args:
        predictions: that folder, or the folder of the conversion.

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
