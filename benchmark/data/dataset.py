"""A prepared set: a folder of cases described by its ``dataset.json``.

DATA/acdc/dataset.json                    what it is, its cases and their checksums
DATA/acdc/splits.json                     only in a set for training
DATA/acdc/007/ED_img.nii.gz, ED_seg.nii.gz, ES_img.nii.gz, ES_seg.nii.gz, case.json
DATA/acdc-c/RandBias/007/draw1/...        the same, for a corrupted set
"""

from collections import Counter
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from benchmark.core.errors import CoopbenchError, first_lines
from benchmark.core.files import check_present, digest, sha256, write_json
from benchmark.core.parsing import parse_json
from benchmark.core.text import read_text
from benchmark.core.validation import FileName, Line, RelativePath, faults
from benchmark.data.labels import STRUCTURES
from benchmark.data.set_names import CorruptionRecord, read_corruption

Record = TypeVar("Record", bound=BaseModel)


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Case(_Record):
    """One subject (and one draw of a corruption of it): its frames and what they were made from."""

    subject: str
    draw: int = 0
    folder: RelativePath = Field(pattern=r"^\w[\w.-]*(/\w[\w.-]*)*$")
    frames: tuple[FileName, ...]
    files: dict[FileName, str]
    """SHA-256 of each file in the case's folder."""
    made_from: dict[str, Any]
    """Checksum of the source files and the parameters; if it changes, the case is made again."""

    def intact(self, root: Path) -> bool:
        """Whether every file exists with its recorded checksum."""
        return all(
            (path := root / self.folder / name).is_file() and sha256(path) == value
            for name, value in self.files.items()
        )


class Dataset(_Record):
    """The content of a ``dataset.json``; ``root`` is the folder that it lies in."""

    format: Literal["coopbench-dataset-1"] = "coopbench-dataset-1"
    name: FileName
    title: Line
    source: str
    phantom: bool = False
    labels: dict[int, str] = {0: "background", **STRUCTURES}
    in_plane_spacing_mm: float = Field(gt=0, allow_inf_nan=False)
    preparation: dict[str, Any]
    software: dict[str, str]
    cases: tuple[Case, ...]
    left_out: int = 0
    """Subjects of the download that could not be prepared."""
    root: Path = Field(default=Path(), exclude=True)

    @field_validator("cases")
    @classmethod
    def _each_once(cls, cases: tuple[Case, ...]) -> tuple[Case, ...]:
        for kind, names in (
            ("folder", [case.folder for case in cases]),
            ("subject and draw", [f"{case.subject}, {case.draw}" for case in cases]),
        ):
            name, count = max(Counter(names).items(), key=itemgetter(1), default=("", 0))
            if count > 1:
                raise ValueError(f"the {kind} {name} occurs {count} times; keep one")
        return cases

    @property
    def fingerprint(self) -> str:
        """Digest of every case's checksums: the same exactly when the data are the same."""
        return digest({case.folder: case.files for case in self.cases})

    @property
    def corruption(self) -> CorruptionRecord | None:
        """The record of the corruption; None for a clean set.

        Raises:
            CoopbenchError: the record in ``preparation`` is not valid.
        """
        try:
            return read_corruption(self.preparation)
        except ValueError as error:
            raise CoopbenchError(f"{self.root / 'dataset.json'}: {error}") from error

    @property
    def kind(self) -> str:
        """The recipe's name for the kind and severity of a corrupted set; the name of a clean
        set."""
        corruption = self.corruption
        return (corruption and corruption.test_set) or self.name

    def called_today(self) -> "Dataset":
        """A copy with today's name and title of a corrupted set, from `set_names`.

        Sets made by an earlier version, or by a recipe that was renamed since, get their current
        names here, once for all readers.
        """
        corruption = self.corruption
        if corruption is None:
            return self
        made_by, kind = corruption.made_by, self.kind
        preparation = self.preparation | {"test_set": kind}
        names = {"name": made_by.name(kind), "title": made_by.title(kind)}
        return self.model_copy(update={**names, "preparation": preparation})

    def of_subjects(self, subjects: tuple[str, ...]) -> tuple[Case, ...]:
        """The cases of ``subjects``.

        Raises:
            CoopbenchError: subjects are missing from this set; the message names all of them.
        """
        missing = sorted(set(subjects) - {case.subject for case in self.cases})
        if missing:
            raise CoopbenchError(
                f"{self.root}: lacks the subjects {' '.join(missing)}; "
                "prepare the complete download, or another --repeat"
            )
        wanted = set(subjects)
        return tuple(case for case in self.cases if case.subject in wanted)

    def write(self) -> None:
        """Write ``dataset.json`` into ``root``.

        Raises:
            CoopbenchError: a file of a case has vanished since it was written.
        """
        check_present(self.root / case.folder / name for case in self.cases for name in case.files)
        write_json(self.root / "dataset.json", self.model_dump(mode="json"))


def read_record(path: Path, kind: type[Record]) -> Record:
    """Read and validate a JSON file.

    Raises:
        CoopbenchError: the file is missing, not JSON, or not valid for ``kind``.
    """
    try:
        text = read_text(path)
        parse_json(text)  # refuses duplicate keys, which pydantic accepts
        return kind.model_validate_json(text)
    except ValidationError as error:
        lines = [f"{path}: {fault}" for fault in faults(error, kind)]
        raise CoopbenchError(*first_lines(lines)) from error
    except ValueError as error:
        raise CoopbenchError(f"{path}: is not valid JSON ({error})") from error


def read_dataset(folder: Path) -> Dataset:
    """Read the prepared set in ``folder``.

    Raises:
        CoopbenchError: there is no set, or its ``dataset.json`` is not valid.
    """
    if not (folder / "dataset.json").is_file():
        raise CoopbenchError(
            f"{folder}: holds no prepared set (no dataset.json); "
            "make one with 'coopbench prepare' or 'coopbench phantom'"
        )
    dataset = read_record(folder / "dataset.json", Dataset)
    return dataset.model_copy(update={"root": folder}).called_today()


def find_datasets(data: Path) -> Iterator[Dataset]:
    """Find every prepared set in ``data``, at most two folders deep, ordered by path."""
    for path in sorted([*data.glob("*/dataset.json"), *data.glob("*/*/dataset.json")]):
        yield read_dataset(path.parent)


def all_datasets(data: Path) -> list[Dataset]:
    """Find every prepared set in ``data``.

    Raises:
        CoopbenchError: two sets have the same name, so their scores would be mixed up.
    """
    found = list(find_datasets(data))
    for names in ([dataset.title for dataset in found], [dataset.name for dataset in found]):
        for name in names:
            if names.count(name) > 1:
                raise CoopbenchError(
                    f"{data}: two prepared sets are called {name}; keep one of them in another "
                    "folder, and give that as --data"
                )
    return found


class Split(_Record):
    """The subjects of one repeat."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    dropped_from_validation: tuple[str, ...] = ()


class Splits(_Record):
    """The content of a ``splits.json``: the test subjects, and the other subjects of each
    repeat."""

    source: str
    test: tuple[str, ...]
    repeats: dict[int, Split]


def read_splits(dataset: Dataset) -> Splits:
    """Read the splits of a set for training.

    Raises:
        CoopbenchError: the set has none, or a test subject is also trained or validated on.
    """
    path = dataset.root / "splits.json"
    if not path.is_file():
        raise CoopbenchError(f"{path}: no such file; only a set with splits can be trained on")
    splits = read_record(path, Splits)
    for repeat, split in splits.repeats.items():
        seen = set(splits.test) & {*split.train, *split.validation}
        both = set(split.train) & set(split.validation)
        if seen or both:
            raise CoopbenchError(
                f"{path}: repeat {repeat} uses {' '.join(sorted(seen | both))} twice "
                "(as test, validation or training subject)"
            )
    return splits


def evaluated_cases(dataset: Dataset) -> tuple[Case, ...]:
    """The cases to evaluate a set on: its test subjects where it has splits, else all cases.

    Raises:
        CoopbenchError: there are no such cases.
    """
    cases = dataset.cases
    if (dataset.root / "splits.json").is_file():
        test = set(read_splits(dataset).test)
        cases = tuple(case for case in cases if case.subject in test)
    if not cases:
        raise CoopbenchError(
            f"{dataset.root}: holds none of its test subjects; prepare the complete download, or "
            "name others in its splits.json"
        )
    return cases


def read_case(path: Path) -> Case | None:
    """Read the ``case.json`` of a finished case; None if it is missing or cannot be used."""
    try:
        return Case.model_validate(parse_json(path.read_bytes()))
    except (OSError, ValueError):
        return None
