"""The folder for a corrupted set in a folder of data, and the set that it already holds."""

from pathlib import Path
from typing import Any

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import read_json
from benchmark.data.dataset import read_case
from benchmark.data.set_names import MadeBy, read_corruption


def held(folder: Path) -> MadeBy | None:
    """The origin of the corrupted set in ``folder``, complete or begun; None if there is no set.

    If a file cannot be read, the next one is tried.
    """
    for path in sorted(folder.glob("*/dataset.json")):
        try:
            record = read_json(path)
            corruption = read_corruption(record["preparation"])
        except (CoopbenchError, ValueError, KeyError, TypeError):
            continue
        if corruption is not None:
            return corruption.made_by
    for path in folder.glob("*/**/case.json"):  # stopped before the first dataset.json was written
        case = read_case(path)
        if case is not None and "recipe" in case.made_from:
            return _of_case(case.made_from)
    return None


def _of_case(made_from: dict[str, Any]) -> MadeBy | None:
    try:
        corruption = read_corruption({"kind": "", **made_from})
    except ValueError:
        return None
    return corruption.made_by if corruption else None


def set_folder(data: Path, made_by: MadeBy) -> Path:
    """The folder in ``data`` that holds this set, or the folder to make it in.

    An existing set is found under any folder name. A new set goes to ``RECIPE`` (or
    ``RECIPE-of-SET`` for a set other than ``acdc``), or to ``RECIPE-vVERSION`` if that folder holds
    another version.

    Raises:
        CoopbenchError: these folders hold other things.
    """
    usual = [data / made_by.folder, data / made_by.folder_of_version]
    others = sorted(path for path in data.glob("*") if path.is_dir() and path not in usual)
    there = {folder: held(folder) for folder in (*usual, *others)}
    for folder, other in there.items():
        if other is not None and other.same_as(made_by):
            return folder
    for folder in usual:
        if there[folder] is None and not (folder / "dataset.json").is_file():
            return folder
    raise CoopbenchError(
        f"{usual[0]} and {usual[1]}: hold other sets; move one of them to another name, to make "
        f"{made_by.words}"
    )


def refuse_another(out: Path, made_by: MadeBy) -> None:
    """Refuse to replace another set.

    Raises:
        CoopbenchError: ``out`` holds a set of another recipe, version or clean set.
    """
    there = held(out)
    if there is not None and not there.same_as(made_by):
        raise CoopbenchError(
            f"{out}: holds {there.words}, which stays as it is; give another folder for "
            f"{made_by.words}, or move that set away"
        )
