"""The record beside the scores of an external model."""

from collections import Counter
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from benchmark.core.validation import FileName
from benchmark.data.set_names import CLEAN, CLEAN_TITLE, MadeBy
from benchmark.evaluation.metrics import EARLIER, IMPLEMENTATION

Missing = Literal["fail", "zero", "skip"]
"""How to treat a case whose prediction is missing or broken (option --missing)."""
COUNTED: dict[Missing, str] = {"zero": "counted as zero", "skip": "left out", "fail": ""}
"""The words for it in tables."""


class CorruptedBy(BaseModel):
    """The recipe that corrupted a test set's images, and the clean test set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: FileName
    version: int = 1
    """Version of the recipe; older records without it are always of version 1."""
    kind: str
    severity: int | None
    clean: str
    """Title of the clean test set."""

    @property
    def made_by(self) -> MadeBy:
        """Of a corrupted folder: the recipe as it is called today, and the clean set."""
        clean = CLEAN if self.clean == CLEAN_TITLE else self.clean
        return MadeBy(self.recipe, self.version, clean, self.clean)

    def called_today(self) -> Self:
        """The same under the name that the recipe has today."""
        made_by = self.made_by
        return self.model_copy(update={"recipe": made_by.recipe, "version": made_by.version})


class ScoredSet(BaseModel):
    """A test set that predictions were scored on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    labels: str
    """Name of the labels' folder."""
    fingerprint: str
    """Digest of the labels, and of which of them count; of a corrupted folder, its images too."""
    prepared: bool
    phantom: bool
    field: str
    """The scored part of a volume: the centre, or the whole."""
    cases: int
    """Number of volumes of the set, including broken ones."""
    faults: dict[str, int]
    """Numbers of predictions that were missing, unreadable, of wrong geometry or with unknown
    values."""
    unmatched: int
    """Number of predictions that match no label."""
    corruption: CorruptedBy | None = None
    """The corruption of a corrupted folder; a prepared set has its own record."""
    kind: str | None = None
    """The recipe's name for the kind of a corrupted folder; earlier records had it as title."""

    @property
    def title_today(self) -> str:
        """The current title of its column, from `set_names`."""
        if self.corruption is None:
            return self.title
        return self.corruption.made_by.title(self.title if self.kind is None else self.kind)


class ExternalRecord(BaseModel):
    """The content of the ``.json`` beside scores of 'coopbench score'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["coopbench-external-1"] = "coopbench-external-1"
    name: str
    repeat: int
    seed: int
    output: str
    missing: Missing
    options: dict[str, str | None]
    predictions: str
    """Name of the predictions' folder."""
    predictions_fingerprint: str
    test_sets: tuple[ScoredSet, ...]
    faults: dict[str, str]
    """What was wrong, by test set and case."""
    metrics: str
    software: dict[str, str]
    commit: str | None
    sha256: str = ""
    """SHA-256 of the score file."""

    @property
    def titles(self) -> list[str]:
        """The test sets' titles."""
        return [one.title for one in self.test_sets]

    @property
    def row(self) -> dict[str, Any]:
        """The columns that describe the model in each score row."""
        return {
            "name": self.name,
            "repeat": self.repeat,
            "seed": self.seed,
            "output": self.output,
        }

    @property
    def remark(self) -> str:
        """The footnote of the model's row in tables."""
        parts = [f"external: scored by 'coopbench score' from {self.predictions}"]
        parts += [
            f"{one.title}{self._corrupted_from(one)}: {one.field} of the labels in {one.labels}"
            for one in self.test_sets
            if not one.prepared and one.corruption is None
        ]
        if self.faults:
            of = sum(one.cases for one in self.test_sets)
            absent = sum(one.faults.get("missing", 0) for one in self.test_sets)
            what = "missing" if absent == len(self.faults) else "missing or broken"
            counts = {one.title: sum(one.faults.values()) for one in self.test_sets}
            each = ", ".join(f"{title} {count}" for title, count in counts.items() if count)
            where = f" ({each})" if len(counts) > 1 else ""
            parts.append(f"{len(self.faults)} of {of} cases {what}{where}, {COUNTED[self.missing]}")
        if self.metrics not in (IMPLEMENTATION, *EARLIER):
            parts.append(f"by other metrics ({self.metrics})")
        return "; ".join(parts)

    def _corrupted_from(self, clean: ScoredSet) -> str:
        """How many sets were corrupted from a clean one, whose labels they share."""
        recipes = Counter(
            one.corruption.recipe
            for one in self.test_sets
            if one.corruption is not None and one.corruption.clean == clean.title
        )
        return "".join(f" and {count} sets of {recipe}" for recipe, count in recipes.items())
