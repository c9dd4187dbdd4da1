"""Check records and settings completely: report every fault, and suggest similar keys."""

import difflib
import re
from collections.abc import Iterable
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, StringConstraints, ValidationError

from benchmark.core.errors import UsageError

_NAME = r"\w[\w.+-]*"

FileName = Annotated[str, StringConstraints(pattern=rf"^{_NAME}$", max_length=120)]
"""A name that files and folders may have."""


def _below(path: str) -> str:
    parts = path.split("/")
    if not path.isprintable() or "\\" in path or any(part in ("", ".", "..") for part in parts):
        raise ValueError("is not a path below the folder")
    return path


RelativePath = Annotated[str, AfterValidator(_below)]
"""A path that stays below the folder that it is relative to."""


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds a character that cannot be printed")
    if text.startswith(("=", "+", "-", "@")):
        raise ValueError("begins like a formula of a spreadsheet; begin with a letter or digit")
    return text


Line = Annotated[str, AfterValidator(_one_line)]
"""Text that is safe to show unchanged on a terminal, on a page and in a spreadsheet."""


def check_name(name: str) -> str:
    """Check a row's name, which folders and files also get.

    Raises:
        UsageError: the name is not allowed.
    """
    if not re.fullmatch(_NAME, name):
        raise UsageError(f"--name {name!r}: use letters, digits and . _ + - only")
    return name


def faults(error: ValidationError, kind: type[BaseModel]) -> list[str]:
    """List the faults of each key, as ``key: reason``."""
    found = []
    for one in error.errors():
        place = [str(part) for part in one["loc"]]
        where = ".".join(place) or "the file"
        if one["type"] == "extra_forbidden":
            known = _fields(kind, one["loc"][:-1])
            found.append(f"{where}: no such key{nearest(place[-1], known)}")
        else:
            found.append(f"{where}: {one['msg']}")
    return found


def nearest(key: str, known: Iterable[str]) -> str:
    """A hint, as ``; did you mean 'crop'?``; empty if no known key is similar."""
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.4)
    return f"; did you mean '{near[0]}'?" if near else ""


def _fields(kind: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """The keys that exist at a place in a record."""
    for part in place:
        field = kind.model_fields.get(str(part))
        models = list(_models(field.annotation)) if field else [kind]
        if len(models) != 1:
            return []
        kind = models[0]
    return list(kind.model_fields)


def _models(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
