"""The content of a report: scores, and all information needed for its tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypedDict

import pandas as pd

from benchmark.core.errors import ScoreFileError
from results.analysis.all_pairs import pair_tests
from results.analysis.clinical import ClinicalPairs, clinical_pairs
from results.analysis.excerpt import Excerpt, excerpt
from results.analysis.presence import with_presence
from results.analysis.ranking import Ranking, rank_over_sets, rank_over_subjects
from results.analysis.refinement import refinement_tests
from results.analysis.robustness import CorruptedSets
from results.analysis.statistics import paired_tests, subject_means, untested
from results.analysis.verdicts import MARGIN
from results.scores.order import averaged_sets, ordered_titles
from results.scores.published import AVERAGES, POSTER_SETS
from results.scores.score_groups import ScoreGroups
from results.scores.score_table import (
    CHOICES,
    alike_repeats,
    by_set,
    by_subject,
    repeat_scores,
    subject_scores,
)


class Naming(TypedDict):
    """Keyword arguments on the methods, for every table and figure."""

    titles: Mapping[str, str]
    remarks: Mapping[str, str]
    phantom: bool


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Scores of several methods, and information on the methods and the test sets.

    Raises `ScoreFileError` where the reference has no scores.
    """

    scores: pd.DataFrame
    """Scores, from `read_scores`."""
    name: str
    """What is compared, for captions."""
    reference: str
    """The reference of tests and of relative corruption errors."""
    titles: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)
    recipes: Mapping[str, CorruptedSets] = field(default_factory=dict)
    """The corrupted sets, by recipe (with version and clean set, if needed)."""
    graded: frozenset[str] = frozenset()
    """Test sets with a severity; only the tables of robustness show them."""
    cohorts: Mapping[str, str] = field(default_factory=dict)
    """For each test set, the cohort of its subjects; a set without an entry is its own cohort."""
    phantom: bool = False
    average_all: bool = False
    margin: float = MARGIN
    """Smaller differences in Dice are not relevant (`results.analysis.verdicts`)."""
    all_pairs: bool = False
    """Whether to compare every method with every other; the work grows with their square."""
    joint: bool = False
    """Whether to correct the comparisons of all outputs together, not of each output."""
    notes: tuple[str, ...] = ()
    """Notes on data and methods, for every table."""
    origins: tuple[str, ...] = ()
    """The notes on the origin of the numbers, which printed tables leave out."""
    made: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Cached results of this comparison, by a name that their function chooses."""
    _tests_of: dict[str, pd.DataFrame] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if self.reference not in set(self.methods):
            raise ScoreFileError(
                f"scores: hold no method called '{self.reference}', which the others are to be "
                f"compared with; choose one of {', '.join(self.methods)}"
            )
        if self.average_all and self.doubled:
            raise ScoreFileError(
                f"{', '.join(self.doubled)}: cannot be averaged with other sets of the same "
                "kinds, since these are of other recipes or versions; leave out the averages over "
                "all sets (--average-all), or one of the recipes"
            )

    @property
    def naming(self) -> Naming:
        """The keywords of tables and figures."""
        return {"titles": self.titles, "remarks": self.remarks, "phantom": self.phantom}

    @cached_property
    def methods(self) -> list[str]:
        """The names of all that are compared."""
        return sorted(str(name) for name in self.scores["method"].unique())

    @cached_property
    def shown(self) -> dict[str, str]:
        """The methods' titles, in the order of tables."""
        return ordered_titles(self.methods, self.titles, self.remarks)

    @cached_property
    def repeats(self) -> dict[str, int]:
        """The number of repeats of each method."""
        found = self.scores[["method", "repeat"]].drop_duplicates()
        return {str(name): int(count) for name, count in found["method"].value_counts().items()}

    @cached_property
    def ungraded(self) -> pd.DataFrame:
        """The scores on sets without severity; on all sets if there are no others."""
        graded = self.scores["test_set"].isin(list(self.graded))
        return self.scores if graded.all() or not graded.any() else self.scores[~graded]

    @cached_property
    def doubled(self) -> tuple[str, ...]:
        """Sets whose kind also exists from another recipe or version, for the same clean set.

        The poster's sets count as the first ones, and are not included. Averages over several sets
        leave these sets out, so that each kind counts once.
        """
        found = set(self.scores["test_set"])
        first: dict[tuple[str, str], str] = {}
        doubled = []
        for sets in sorted(
            self.recipes.values(), key=lambda sets: not set(POSTER_SETS) & set(sets.corruptions)
        ):
            for title, by in sets.corruptions.items():
                if title in found and title not in self.graded:
                    twin = first.setdefault((sets.clean, by.kind), title)
                    doubled += [title] if twin != title else []
        return tuple(doubled)

    @cached_property
    def outputs(self) -> list[str]:
        """The outputs that have scores."""
        return [name for name in AVERAGES if (self.ungraded["output"] == name).any()]

    @cached_property
    def subjects(self) -> pd.DataFrame:
        """Subject scores on the sets that are not graded."""
        return subject_scores(self.ungraded)

    @cached_property
    def clinical(self) -> ClinicalPairs:
        """Volumes, ejection fractions and mass on the sets that are not graded."""
        return clinical_pairs(self.ungraded)

    @cached_property
    def tests(self) -> pd.DataFrame:
        """Every method against the reference (`paired_tests`).

        An average over sets is also tested if the sets are of one cohort: only then a subject has
        an average. It appears as a test set with the average's name.
        """
        return paired_tests(self._paired, self.reference, margin=self.margin, joint=self.joint)

    @cached_property
    def excerpt(self) -> Excerpt:
        """The selection for figures and the page, if there are too many methods or sets."""
        return excerpt(self.subjects, self.outputs[0], self._averaged(), self.reference)

    @cached_property
    def by_repeat(self) -> pd.DataFrame:
        """Subject scores by repeat on the sets that are not graded."""
        return repeat_scores(self._of_subjects)

    @cached_property
    def with_presence(self) -> pd.DataFrame:
        """The scores on sets that are not graded, with `results.analysis.presence`'s columns."""
        return with_presence(self.ungraded)

    @cached_property
    def of_sets(self) -> ScoreGroups:
        """The rows `with_presence`, `by_set`."""
        return by_set(self.with_presence)

    @cached_property
    def of_structures(self) -> dict[str, ScoreGroups]:
        """The rows of each structure, `by_set`."""
        scores = self.ungraded
        parts = {name: scores[scores["structure"] == name] for name in CHOICES["structure"]}
        return {name: by_set(own) for name, own in parts.items() if len(own)}

    @cached_property
    def _of_subjects(self) -> ScoreGroups:
        return by_subject(self.with_presence)

    def tests_of(self, metric: str) -> pd.DataFrame:
        """The tests of another metric; it has no margin, so nothing is equivalent."""
        if metric not in self._tests_of:
            paired = self._with_averages(repeat_scores(self._of_subjects, metric), metric)
            self._tests_of[metric] = paired_tests(
                paired, self.reference, metric=metric, margin=float("nan"), joint=self.joint
            )
        return self._tests_of[metric]

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Tests of every pair of methods (`pair_tests`); empty unless chosen."""
        if not self.all_pairs:
            return pd.DataFrame()
        return pair_tests(self._paired, list(self.shown), margin=self.margin, joint=self.joint)

    @cached_property
    def refinement(self) -> pd.DataFrame:
        """FTN+STN against FTN of each method (`results.analysis.refinement.refinement_tests`)."""
        return refinement_tests(self._paired, margin=self.margin)

    @cached_property
    def _paired(self) -> pd.DataFrame:
        """The scores to test: subject scores by repeat, of the sets and of averages over them."""
        return self._with_averages(self.by_repeat, "dice")

    def _with_averages(self, of_sets: pd.DataFrame, metric: str) -> pd.DataFrame:
        parts = [of_sets]
        for output, name in AVERAGES.items():
            sets = self._averaged()
            if len(sets) > 1 and len({self.cohorts.get(one, one) for one in sets}) == 1:
                own = of_sets[of_sets["output"] == output]
                parts.append(subject_means(own, sets, name, metric))
        return pd.concat(parts)

    @cached_property
    def untested(self) -> dict[str, dict[str, list[str]]]:
        """By output and method, the sets without a pair of scores with the reference."""
        return untested(self._paired, self.tests, self.reference)

    def _averaged(self) -> tuple[str, ...]:
        """The sets behind the averages of the poster's table."""
        return averaged_sets(self.subjects["test_set"].unique(), everything=self.average_all)

    @cached_property
    def rankings(self) -> dict[str, list[Ranking]]:
        """By output, the stability of the methods' order over subjects and over test sets.

        If methods have different repeats, only common ones are used (`ranked_of`); `doubled` sets
        are left out.
        """
        subjects = subject_scores(self._alike[0])
        subjects = subjects[~subjects["test_set"].isin(list(self.doubled))]
        found = {}
        for output in self.outputs:
            both = (
                rank_over_subjects(subjects, output, self.cohorts, keep=[self.reference]),
                rank_over_sets(subjects, output, keep=[self.reference]),
            )
            if rankings := [one for one in both if one is not None]:
                found[output] = rankings
        return found

    @cached_property
    def _alike(self) -> tuple[pd.DataFrame, str]:
        return alike_repeats(self.ungraded)

    @property
    def ranked_of(self) -> str:
        """Words on the repeats of the rankings; empty if all methods have the same repeats."""
        return self._alike[1]
