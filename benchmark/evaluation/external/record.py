"""What is recorded beside the scores of an external model."""

from collections import Counter
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from benchmark.core.validation import FileName
from benchmark.data.set_names import CLEAN, CLEAN_TITLE, MadeBy
from benchmark.evaluation.metrics import EARLIER, IMPLEMENTATION

Missing = Literal["fail", "zero", "skip"]
"""What becomes of a case whose prediction is missing or broken, by the option --missing."""
COUNTED: dict[Missing, str] = {"zero": "counted as zero", "skip": "left out", "fail": ""}
"""How a table says it."""


class CorruptedBy(BaseModel):
    """What the images of a test set were corrupted by, and where the clean ones are scored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: FileName
    version: int = 1
    """Records without it are older than any recipe of theirs in a second version."""
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
    """What was scored of a volume."""
    cases: int
    """Volumes of the set, broken ones among them."""
    faults: dict[str, int]
    """How many predictions were missing, unreadable, of wrong geometry, with unknown values."""
    unmatched: int
    """Predictions that match no label."""
    corruption: CorruptedBy | None = None
    """Of a corrupted folder; a prepared set says it itself."""
    kind: str | None = None
    """Of a corrupted folder, as its recipe calls it; earlier ones had it as their title."""

    @property
    def title_today(self) -> str:
        """Its column: by `set_names`, whatever the title was when it was scored."""
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
    """Of the scores."""

    @property
    def titles(self) -> list[str]:
        """The test sets' titles."""
        return [one.title for one in self.test_sets]

    @property
    def row(self) -> dict[str, Any]:
        """What the rows of the scores say of the model."""
        return {
            "name": self.name,
            "repeat": self.repeat,
            "seed": self.seed,
            "output": self.output,
        }

    @property
    def remark(self) -> str:
        """What a reader of a table must know of the row."""
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
