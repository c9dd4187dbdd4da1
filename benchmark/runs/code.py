"""Whether a run was trained by the code that is installed now."""

from collections.abc import Sequence
from typing import Literal

from benchmark.core.code import OWN, CodeRecord
from benchmark.core.environment import commit
from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.core.files import write_json
from benchmark.data.dataset import read_record
from benchmark.methods.code import method_code
from benchmark.methods.registry import method_entry
from benchmark.runs.run import Run

OnChange = Literal["refuse", "keep", "retrain"]
"""What to do with a run trained by other code: refuse it, keep it, or train it again."""

CHOICE = "--retrain trains it again, --keep keeps it as it is"


def write_code(run: Run) -> None:
    """Record the installed code, which trains a run from its first step on."""
    record = method_code(run.config.method, commit=commit())
    write_json(run.code, record.model_dump(mode="json"))


def mark_mixed(run: Run) -> None:
    """Record that an unfinished run continues with other code than it began with."""
    if (record := read_code(run)) is not None:
        write_json(run.code, record.model_copy(update={"mixed": True}).model_dump(mode="json"))


def read_code(run: Run) -> CodeRecord | None:
    """Read the record of the code that trained a run; None where an earlier coopbench wrote none.

    Raises:
        CoopbenchError: the record is broken.
    """
    return read_record(run.code, CodeRecord) if run.code.is_file() else None


def changed_code(run: Run) -> str:
    """Describe how the code that trained a run differs from the installed code; else empty.

    For a run of our own methods without a record of code, from an earlier coopbench, the result is
    empty; the environment's record has the commit.

    Raises:
        UsageError: the method is not installed here.
        CoopbenchError: the record is broken.
    """
    record = read_code(run)
    if record is None:
        entry = method_entry(run.config.method)
        own = entry.dist is not None and entry.dist.name == OWN
        return "" if own else "the code that trained it was not recorded"
    now = method_code(run.config.method)
    if changes := record.changes(now):
        by = record.name + (f" at commit {record.commit[:10]}" if record.commit else "")
        return f"trained by other code of {by} than is installed now ({', '.join(changes)})"
    return "trained in part by other code than the rest" if record.mixed else ""


def is_due(run: Run, on_change: OnChange) -> bool:
    """Whether a run has to be trained, given what to do where its code has changed."""
    return not run.finished or (on_change == "retrain" and bool(changed_code(run)))


def refuse_changed(runs: Sequence[Run]) -> None:
    """Refuse runs, finished or begun, that were trained by other code than the installed code.

    Raises:
        CoopbenchError: the message names each such run, and what to do.
    """
    lines = [f"{run.folder}: {said}; {CHOICE}" for run in runs if (said := _said_if_begun(run))]
    if lines:
        raise CoopbenchError(*lines)


def _said_if_begun(run: Run) -> str:
    return changed_code(run) if run.begun else ""


def code_remarks(runs: Sequence[Run]) -> tuple[dict[str, str], list[str]]:
    """Remarks for tables on the code that trained their rows.

    Returns:
        For each row trained by other code, a remark; and a line for each method that is not
        installed here, whose code cannot be compared.
    """
    said: dict[str, dict[str, list[int]]] = {}
    absent = set()
    records: dict[str, list[CodeRecord]] = {}
    for run in runs:
        try:
            change = changed_code(run)
        except UsageError:
            absent.add(run.config.method)
            change = ""
            if (record := read_code(run)) is not None:
                records.setdefault(run.config.name, []).append(record)
        if change:
            said.setdefault(run.config.name, {}).setdefault(change, []).append(run.config.repeat)
    remarks = {
        name: "; ".join(
            f"repeat {', '.join(map(str, found))}: {change}" for change, found in changes.items()
        )
        for name, changes in said.items()
    }
    for name, several in records.items():
        if any(several[0].changes(other) for other in several[1:]):
            remarks[name] = "its repeats were trained by different code"
    lines = [
        f"Method {name} is not installed here, so its code could not be compared with its runs'."
        for name in sorted(absent)
    ]
    return remarks, lines
