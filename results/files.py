"""Files that appear whole or not at all."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def appearing(path: Path, partial: Path, *, durable: bool) -> Iterator[None]:
    """On success rename ``partial``, written within, to ``path``; on error delete it.

    The folder is made where it is missing. ``durable`` has the content on the disk before the name.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
        if durable:
            with partial.open("rb") as written:
                os.fsync(written.fileno())
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it on success, delete it on error.

    The folder is made where it is missing. The content is on the disk before the name is.

    Raises:
        OSError: it cannot be written: the disk is full, the folder is read-only, and so on; its
            ``filename`` is ``path``.
    """
    partial = path.with_name(f".partial-{uuid.uuid4().hex[:12]}-{path.name}")
    try:
        with appearing(path, partial, durable=True):
            yield partial
    except OSError as error:
        reason = (
            f"cannot be written ({error.strerror or error}); what is finished is kept, and the "
            "same command again writes the rest once this is mended"
        )
        raise OSError(error.errno, reason, str(path)) from error
