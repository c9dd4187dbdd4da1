"""A method's mistakes, ours or a plug-in's, said in one line that names it."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from benchmark.core.errors import CoopbenchError
from benchmark.core.memory import is_out_of_memory


class MethodError(CoopbenchError):
    """A method did what none may do; the line names method, package, and where it happened.

    Its ``details`` are the method's own traceback, where it raised something.
    """


@contextmanager
def blamed_on(who: str, place: str) -> Iterator[None]:
    """Whatever is raised within becomes a `MethodError`.

    What says that memory ran out goes through as it is, and so does a `CoopbenchError`.

    Args:
        who: the method, as `benchmark.methods.registry.method_origin` names it.
        place: where it is called, as ``step 3``.

    Raises:
        MethodError: something was raised, ``SystemExit`` included: a method does not end the
            program.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        if isinstance(error, CoopbenchError) or is_out_of_memory(error):
            raise
        said = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise MethodError(
            f"{who}: {place}: raised {said} (--debug shows where)",
            details="".join(traceback.format_exception(error)),
        ) from error
