"""The code behind an entry point: its package, version and source files, to tell when it changes.

What comments and blank lines change is no change: of Python files, the tokens count. Of a package
of its own, the files are those of the entry point's module and of all that it imports of the same
package or beside itself; other packages are known by their versions.
"""

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel, ConfigDict

OWN = "coopbench"
"""Our own package, whose methods are known by their module, not by all of the package."""

DATA = {".toml", ".json", ".yaml", ".yml"}
"""Endings of files that a package may compute with, besides Python's."""

UNCOUNTED = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}
STRUCTURE = {tokenize.NEWLINE: "\n", tokenize.INDENT: "\n{", tokenize.DEDENT: "\n}"}


class CodeRecord(BaseModel):
    """Which code computed something.

    Attributes:
        package: its distribution; empty where it is of none.
        version: of the package.
        commit: that our own code was checked out from; None where that is unknown.
        files: checksums of its source files, by their path below the folder they are imported from.
        mixed: whether it went on with what other code had begun.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    package: str
    version: str
    commit: str | None = None
    files: dict[str, str]
    mixed: bool = False

    @property
    def name(self) -> str:
        """Package and version, for messages."""
        return f"{self.package} {self.version}".strip() or "a package without a name"

    def changes(self, now: "CodeRecord") -> list[str]:
        """What is other ``now``: files, or the package; empty where the code computes the same."""
        names = sorted(self.files.keys() | now.files.keys())
        found = [name for name in names if self.files.get(name) != now.files.get(name)]
        if self.package != now.package:
            return [f"package {self.package or 'unknown'}, now {now.package or 'unknown'}"]
        if self.package != OWN and self.version != now.version:
            found.insert(0, f"version {self.version}, now {now.version}")
        return found


def record_code(entry: EntryPoint, *, own: tuple[Path, ...] = (), commit: str | None) -> CodeRecord:
    """The code behind an entry point, as installed here.

    Args:
        entry: of any package.
        own: the source files that count where the package is our own.
        commit: recorded where the package is our own.
    """
    package = entry.dist.name if entry.dist else ""
    version = entry.dist.version if entry.dist else ""
    if package == OWN:
        files = {f"{path.parent.name}/{path.name}": _checksum(path) for path in own}
        return CodeRecord(package=package, version=version, commit=commit, files=files)
    root, paths = _sources(entry)
    files = {path.relative_to(root).as_posix(): _checksum(path) for path in paths}
    return CodeRecord(package=package, version=version, files=files)


def _sources(entry: EntryPoint) -> tuple[Path, list[Path]]:
    """The folder that the entry point's module is imported from, and its package's files."""
    top = entry.module.partition(".")[0]
    start = _located(top)
    if start is None:
        return Path(), []
    root = start.parent
    listed = (entry.dist.files or ()) if entry.dist else ()
    installed = (
        {Path(str(entry.dist.locate_file(file))) for file in listed} if entry.dist else set()
    )
    # An editable package is in a folder of its own, an installed one among others.
    alone = not any(start in (file, *file.parents) for file in installed)
    found: set[Path] = set()
    seen, waiting = {top}, [start]
    while waiting:
        files = list(_files(waiting.pop()))
        found.update(files)
        for name in sorted({name for file in files for name in _imported(file)} - seen):
            seen.add(name)
            place = root / name if (root / name).is_dir() else root / f"{name}.py"
            ours = alone or any(place in (file, *file.parents) for file in installed)
            if place.exists() and ours:
                waiting.append(place)
    return root, sorted(found)


def _located(top: str) -> Path | None:
    """The folder of a package, or the file of a module."""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin) if spec.origin and Path(spec.origin).is_file() else None


def _files(place: Path) -> Iterator[Path]:
    """The source files of a package's folder, or of a module."""
    if place.is_file():
        yield place
        return
    for path in sorted(place.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(place).parts)
        counts = path.suffix == ".py" or path.suffix in DATA
        if path.is_file() and counts and not hidden:
            yield path


def _imported(file: Path) -> set[str]:
    """The top-level names of all modules that a Python file imports anywhere in it."""
    if file.suffix != ".py":
        return set()
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def _checksum(path: Path) -> str:
    """SHA-256 of a file: of a Python file's tokens, of any other's bytes."""
    content = path.read_bytes()
    if path.suffix == ".py":
        with suppress(SyntaxError, tokenize.TokenError):  # where it is no Python after all
            content = _tokens(content)
    return hashlib.sha256(content).hexdigest()


def _tokens(source: bytes) -> bytes:
    """What Python reads of a file: its tokens and blocks, without comments and blank lines."""
    parts = []
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type not in UNCOUNTED:
            parts.append(STRUCTURE.get(token.type) or f"{token.string}\0")
    return "".join(parts).encode()
