"""Record the code behind an entry point (package, version, source files), to notice changes.

Changes of comments and blank lines do not count: only the tokens of Python files do. For another
package, the record has the files of the entry point's module and of all modules that it imports
from the same package or the same folder. Further packages are known by their versions.
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
"""Our own package; for its methods, only their modules count, not the whole package."""

DATA = {".toml", ".json", ".yaml", ".yml"}
"""Endings of data files that may change what a package computes, besides Python files."""

UNCOUNTED = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}
STRUCTURE = {tokenize.NEWLINE: "\n", tokenize.INDENT: "\n{", tokenize.DEDENT: "\n}"}


class CodeRecord(BaseModel):
    """The code that computed a result.

    Attributes:
        package: name of the distribution; empty if there is none.
        version: version of the package.
        commit: commit of our own code; None if unknown.
        files: checksums of the source files, by path below the folder that they are imported from.
        mixed: whether this code continued work that other code had begun.
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
        """List what differs ``now``: files, or the package; empty if the code is the same."""
        names = sorted(self.files.keys() | now.files.keys())
        found = [name for name in names if self.files.get(name) != now.files.get(name)]
        if self.package != now.package:
            return [f"package {self.package or 'unknown'}, now {now.package or 'unknown'}"]
        if self.package != OWN and self.version != now.version:
            found.insert(0, f"version {self.version}, now {now.version}")
        return found


def record_code(entry: EntryPoint, *, own: tuple[Path, ...] = (), commit: str | None) -> CodeRecord:
    """Record the installed code behind an entry point.

    Args:
        entry: an entry point of any package.
        own: for our own package, the source files that count.
        commit: for our own package, the commit to record.
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
    # An editable package has its own folder, an installed package shares one with others.
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
        with suppress(SyntaxError, tokenize.TokenError):  # if it is not valid Python
            content = _tokens(content)
    return hashlib.sha256(content).hexdigest()


def _tokens(source: bytes) -> bytes:
    """The tokens and blocks of a Python file, without comments and blank lines."""
    parts = []
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type not in UNCOUNTED:
            parts.append(STRUCTURE.get(token.type) or f"{token.string}\0")
    return "".join(parts).encode()
