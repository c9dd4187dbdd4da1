"""Every table of a report, in its order."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import pandas as pd

from results.analysis.comparison import Comparison
from results.analysis.excerpt import MOST, Excerpt
from results.analysis.presence import DETECTED, PRESENT, absent_share_notes, all_present
from results.analysis.refinement import FAST, REFINED
from results.analysis.robustness import degradation_curves
from results.scores.score_table import METRICS
from results.tables.clinical_tables import clinical_tables
from results.tables.comparison_tables import comparison_table, interval_table
from results.tables.excerpt_table import excerpt_table
from results.tables.kind_tables import degradation_table, severity_table
from results.tables.latex import DEFAULT_WIDTH, latex_table, latex_tabular
from results.tables.leave_one_out import leave_one_out_table
from results.tables.mean_table import MeanTable, without_empty_columns
from results.tables.notes_of_tests import mark_frame, mark_notes, untested_notes
from results.tables.pairs_table import pairs_table
from results.tables.poster_comparison import poster_comparison
from results.tables.poster_table import PosterTable, poster_table
from results.tables.render import csv_table, markdown_table, text_table
from results.tables.repeats_table import repeats_table
from results.tables.robustness_table import robustness_table
from results.tables.structure_table import structure_table

_FILE = {"FTN": "ftn", "FTN+STN": "ftn-stn"}
"""The outputs' names in file names."""

BY_SET = ("dice", "structures", "distances")
"""The sections whose tables have a column for each test set."""


@dataclass(frozen=True)
class NamedTable:
    """A table with its file name, section of the report, caption and notes."""

    stem: str
    section: str
    caption: str
    table: MeanTable
    notes: tuple[str, ...]
    long: bool = False
    """Whether the table is too large to read; it is then written only as CSV."""
    excerpt: Excerpt = field(default_factory=Excerpt)
    """The part to show; the CSV has the whole table."""

    @cached_property
    def shown(self) -> MeanTable:
        """The shown part of the table."""
        return excerpt_table(self.table, self.excerpt)

    @property
    def shown_notes(self) -> tuple[str, ...]:
        """The notes; the first ones say if only a part is shown."""
        part = self.shown.mean.shape != self.table.mean.shape
        return (*(self.excerpt.notes if part else ()), *self.notes)

    def renderings(
        self, *, width: float = DEFAULT_WIDTH, left_out: Collection[str] = ()
    ) -> dict[str, str]:
        """The table in every format, by file name; many test sets are only in the CSV.

        Args:
            width: width of the LaTeX tables, in mm.
            left_out: notes that the LaTeX tables leave out.
        """
        whole = csv_table(self.table, caption=self.caption, notes=self.notes)
        if self.long:
            return {f"{self.stem}.csv": whole}
        shown, caption, notes = self.shown, self.caption, self.shown_notes
        texts = {
            f"{self.stem}.md": markdown_table(shown, caption=caption, notes=notes),
            f"{self.stem}.csv": whole,
            f"{self.stem}.txt": text_table(shown, caption=caption, notes=notes),
        }
        texts[f"{self.stem}.tex"] = latex_table(
            shown,
            caption=caption,
            notes=notes,
            label=f"tab:{self.stem}",
            width=width,
            left_out=left_out,
        )
        texts[f"{self.stem}-tabular.tex"] = latex_tabular(shown, width=width)
        return texts


def main_table(comparison: Comparison, output: str = "FTN") -> PosterTable:
    """The poster's table of an output, with marks of the tests; computed once for a comparison."""
    name = f"main table of {output}"
    if name not in comparison.made:
        comparison.made[name] = _main_table(comparison, output)
    table: PosterTable = comparison.made[name]
    return table


def _main_table(comparison: Comparison, output: str) -> PosterTable:
    table = poster_table(
        comparison.of_sets,
        average_all=comparison.average_all,
        output=output,
        **comparison.naming,
    )
    unpaired = untested_notes(
        comparison.untested.get(output, {}), table.titles, comparison.reference
    )
    table = replace(table, notes=(*table.notes, *unpaired))
    tests = comparison.tests
    if not (tests["output"] == output).any():
        return table
    # The average of the other output is tested with that output.
    marks = mark_frame(tests[tests["test_set"].isin(list(table.headers))], output, table.mean)
    notes = mark_notes(tests, table.titles[comparison.reference], output, table.titles)
    return replace(table, marks=marks, notes=(*table.notes, *notes))


def report_tables(comparison: Comparison, *, compare_poster: bool = False) -> Iterator[NamedTable]:
    """Yield all tables; the first is that of Dice of the first output.

    `compare_poster` adds the comparison with the poster's rows. Test-set columns without any score
    are left out, and a note says so.
    """
    for named in _all_tables(comparison, compare_poster=compare_poster):
        by_set = named.section in BY_SET
        table = without_empty_columns(named.table) if by_set else named.table
        yield replace(named, table=table, excerpt=comparison.excerpt.of_sets)


def _all_tables(comparison: Comparison, *, compare_poster: bool) -> Iterator[NamedTable]:
    of = comparison.name
    graded = sorted(comparison.graded & set(comparison.scores["test_set"]))
    shared = comparison.notes
    if graded and len(comparison.ungraded) < len(comparison.scores):
        line = f"Graded by severity, and so in the tables of robustness alone: {', '.join(graded)}."
        shared = (line, *shared)
    given = comparison.naming
    for output in comparison.outputs:
        yield NamedTable(
            f"dice-{_FILE[output]}",
            "dice",
            f"Dice of {output} on each test set ({of})",
            main_table(comparison, output),
            shared,
        )
    for output in comparison.outputs:
        without = leave_one_out_table(main_table(comparison, output), output)
        if without is not None:
            yield NamedTable(
                f"averages-{_FILE[output]}",
                "dice",
                f"Average Dice of {output} with and without any one set ({of})",
                without,
                shared,
            )
    if compare_poster and (beside := poster_comparison(main_table(comparison))) is not None:
        yield NamedTable(
            "poster", "poster", f"Dice of FTN here and in the poster ({of})", beside, shared
        )
    for output in comparison.outputs:
        yield NamedTable(
            f"intervals-{_FILE[output]}",
            "statistics",
            f"Dice of {output}, with intervals over subjects ({of})",
            interval_table(comparison.subjects, comparison.repeats, output=output, **given),
            shared,
        )
    for output in comparison.outputs:
        if (comparison.tests["output"] == output).any():
            yield NamedTable(
                f"comparison-{_FILE[output]}",
                "statistics",
                f"Every method against {comparison.shown[comparison.reference]}, {output} ({of})",
                comparison_table(
                    comparison.tests,
                    comparison.reference,
                    output=output,
                    margin=comparison.margin,
                    untested=comparison.untested.get(output),
                    **given,
                ),
                shared,
            )
    for output in comparison.outputs:
        crossed = repeats_table(
            comparison.tests,
            comparison.reference,
            output=output,
            margin=comparison.margin,
            **given,
        )
        if crossed is not None:
            yield NamedTable(
                f"repeats-{_FILE[output]}",
                "statistics",
                f"Every method against {comparison.shown[comparison.reference]} over subjects and "
                f"repeats, {output} ({of})",
                crossed,
                shared,
            )
    for output in comparison.outputs if len(comparison.pairs) else ():
        yield NamedTable(
            f"pairs-{_FILE[output]}",
            "statistics",
            f"Every method against every other, {output} ({of})",
            pairs_table(comparison.pairs, output=output, **given),
            shared,
            long=len(comparison.methods) > MOST,
        )
    yield from _refinement(comparison, shared)
    for output in comparison.outputs:
        yield NamedTable(
            f"structures-{_FILE[output]}",
            "structures",
            f"Dice of {output} by structure ({of})",
            structure_table(
                comparison.of_sets,
                comparison.of_structures,
                output=output,
                average_all=comparison.average_all,
                **given,
            ),
            shared,
        )
    yield from _other_metrics(comparison, shared)
    yield from _clinical(comparison, shared)
    yield from _robustness(comparison)


def _refinement(comparison: Comparison, notes: tuple[str, ...]) -> Iterator[NamedTable]:
    """FTN+STN against FTN of each method: tests over subjects, and over subjects and repeats."""
    tests, given = comparison.refinement, comparison.naming
    if tests.empty:
        return
    of = f"({comparison.name})"
    yield NamedTable(
        "refinement",
        "statistics",
        f"FTN+STN against FTN of every method {of}",
        comparison_table(tests, FAST, output=REFINED, margin=comparison.margin, **given),
        notes,
    )
    crossed = repeats_table(tests, FAST, output=REFINED, margin=comparison.margin, **given)
    if crossed is not None:
        yield NamedTable(
            "refinement-repeats",
            "statistics",
            f"FTN+STN against FTN of every method over subjects and repeats {of}",
            crossed,
            notes,
        )


def _marked(
    comparison: Comparison, table: PosterTable, output: str, metric: str, measure: str
) -> PosterTable:
    """A table of a metric with the marks of its tests; ``measure`` is its name."""
    tests = comparison.tests_of(metric)
    if not (tests["output"] == output).any():
        return table
    own = tests[tests["test_set"].isin(list(table.headers))]
    reference = table.titles[comparison.reference]
    notes = mark_notes(tests, reference, output, table.titles, measure=measure)
    return replace(table, marks=mark_frame(own, output, table.mean), notes=(*table.notes, *notes))


def _other_metrics(comparison: Comparison, notes: tuple[str, ...]) -> Iterator[NamedTable]:
    metrics = {
        "hd95_mm": ("hd95", "HD95", " in mm"),
        DETECTED: ("detection", "Share of structures found", ", in percent,"),
        PRESENT: ("hd95-present", "HD95", " in mm of structures present in both,"),
        "nsd_2mm": ("nsd", "Surface Dice at 2 mm", ""),
        "hd_mm": ("hd", "Hausdorff distance", " in mm"),
        "assd_mm": ("assd", "Average symmetric surface distance", " in mm"),
        "jaccard": ("jaccard", "Jaccard index", ""),
    }
    if all_present(comparison.ungraded):  # then detection adds nothing
        metrics = {name: said for name, said in metrics.items() if name in METRICS}
    scores = comparison.with_presence
    for metric, (stem, measure, unit) in metrics.items():
        name = measure + unit
        if scores[metric].isna().all():
            continue
        for output in comparison.outputs:
            shares = absent_share_notes(scores, output) if metric == "hd95_mm" else []
            table = poster_table(
                comparison.of_sets,
                average_all=comparison.average_all,
                output=output,
                metric=metric,
                **comparison.naming,
            )
            yield NamedTable(
                f"{stem}-{_FILE[output]}",
                "dice" if metric == "jaccard" else "distances",
                f"{name} of {output} on each test set ({comparison.name})",
                # Structures present in both differ between methods, so they cannot be paired.
                table if metric == PRESENT else _marked(comparison, table, output, metric, measure),
                (*shares, *notes),
            )
            if metric in METRICS and (comparison.tests_of(metric)["output"] == output).any():
                yield NamedTable(
                    f"comparison-{stem}-{_FILE[output]}",
                    "distances",
                    f"{name} of every method against {comparison.shown[comparison.reference]}, "
                    f"{output} ({comparison.name})",
                    comparison_table(
                        comparison.tests_of(metric),
                        comparison.reference,
                        output=output,
                        margin=float("nan"),
                        metric=metric,
                        **comparison.naming,
                    ),
                    notes,
                )


def recipe_suffix(comparison: Comparison, recipe: str) -> str:
    """The ending of the names of a recipe's tables and figures, if there are several recipes."""
    name = re.sub(r"[^\w.+-]+", "-", recipe)
    return "" if len(comparison.recipes) == 1 else f"-{name}"


def _clinical(comparison: Comparison, notes: tuple[str, ...]) -> Iterator[NamedTable]:
    for output in comparison.outputs:
        tables = clinical_tables(comparison.clinical, output=output, **comparison.naming)
        if tables is None:
            continue
        names = {
            "agreement": "Bias and limits of agreement of clinical measures",
            "correlation": "Correlation of clinical measures with the labels'",
        }
        for (stem, name), table in zip(names.items(), tables, strict=True):
            yield NamedTable(
                f"{stem}-{_FILE[output]}",
                "clinical",
                f"{name}, {output} ({comparison.name})",
                table,
                notes,
            )


def _robustness(comparison: Comparison) -> Iterator[NamedTable]:
    given = comparison.naming
    for recipe, sets in comparison.recipes.items():
        suffix = recipe_suffix(comparison, recipe)
        of = f"recipe {recipe} ({comparison.name})"
        yield NamedTable(
            f"robustness{suffix}",
            "robustness",
            f"Robustness to the corruptions of {of}",
            robustness_table(comparison.scores, sets, reference=comparison.reference, **given),
            comparison.notes,
        )
        yield NamedTable(
            f"degradation{suffix}",
            "robustness",
            f"Dice lost under each kind of corruption, {of}",
            degradation_table(comparison.scores, sets, **given),
            comparison.notes,
        )
        for output in comparison.outputs:
            table = severity_table(comparison.scores, sets, output=output, **given)
            if table is not None:
                yield NamedTable(
                    f"severity-{_FILE[output]}{suffix}",
                    "robustness",
                    f"Dice of {output} by severity, {of}",
                    table,
                    comparison.notes,
                )


def severity_csv(comparison: Comparison) -> str | None:
    """Dice and its loss by kind and severity, in long form for plots; None without recipes."""
    curves = [
        degradation_curves(comparison.scores, sets).assign(
            recipe=recipe, phantom=comparison.phantom
        )
        for recipe, sets in comparison.recipes.items()
    ]
    return pd.concat(curves).to_csv(index=False, float_format="%.6f") if curves else None


def ranks_csv(comparison: Comparison) -> str | None:
    """The rank distributions in long form: output, over, method, rank, share; None if there is
    none.

    Further columns, equal in all rows of a ranking: Kendall's τ of a resample's order with that of
    all data, its mean and 95 % interval.
    """
    parts = [
        ranking.shares.rename_axis("method")
        .reset_index()
        .melt("method", var_name="rank", value_name="share")
        .assign(
            output=output,
            over=ranking.over,
            **dict(zip(("tau", "tau_low", "tau_high"), ranking.tau, strict=True)),
            phantom=comparison.phantom,
        )
        for output, rankings in comparison.rankings.items()
        for ranking in rankings
    ]
    if not parts:
        return None
    columns = ["output", "over", "method", "rank", "share", "tau", "tau_low", "tau_high", "phantom"]
    return pd.concat(parts)[columns].to_csv(index=False, float_format="%.6f")
