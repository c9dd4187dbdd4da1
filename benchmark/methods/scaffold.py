"""Write a small package with a working method, as a start for a user's own."""

import importlib.util
import keyword
import re
from importlib.resources import files
from pathlib import Path

from benchmark.core.errors import UsageError
from benchmark.core.files import whole_folder
from benchmark.methods.registry import method_names


def new_method(name: str, folder: Path) -> list[Path]:
    """Write a package with the working method ``name`` into ``folder``; returns its files.

    Raises:
        UsageError: the name is not allowed for a method and a package, or is taken; or the folder
            exists.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UsageError(
            f"{name!r}: a method's name has small letters, digits and - only, as my-mix"
        )
    module = name.replace("-", "_")
    if name in method_names():
        raise UsageError(f"{name}: already is a method; choose another name")
    if keyword.iskeyword(module):
        raise UsageError(f"{name}: is a keyword of Python; choose another name")
    if importlib.util.find_spec(module) is not None:
        raise UsageError(f"{name}: is the name of another Python package; choose another name")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: already exists; give a new folder")
    words = name.split("-")
    replaced = {
        "my_method": module,
        "my-method": name,
        "MyMethod": "".join(word.capitalize() for word in words),
        "My method": " ".join(words).capitalize(),
    }
    with whole_folder(folder) as partial:
        for source in files("benchmark.methods").joinpath("template").iterdir():
            if source.is_file():
                text = source.read_text("utf-8")
                for old, new in replaced.items():
                    text = text.replace(old, new)
                target = source.name.replace("my_method", module)
                (partial / target).write_text(text, encoding="utf-8")
    return sorted(folder.iterdir())
