"""Read score files, and compute the means over volumes and structures for the tables.

A score file is a CSV with one row per segmented structure:

    method, repeat, seed   which trained network (the seed goes with the repeat, it is no key)
    test_set, subject      e.g. "M&Ms" and "007"; a subject is text, its zeros are kept
    draw, frame            0 as acquired, 1, 2, ... the corrupted draws; "ED", "ES" or another name
    structure, output      "LV", "MYO" or "RV"; "FTN" or "FTN+STN"
    dice, hd95_mm          in [0, 1] and in mm; both empty where `absent` is "both"
    nsd_2mm, jaccard       normalised surface Dice at 2 mm, and Jaccard index, in [0, 1]; likewise
    hd_mm, assd_mm         Hausdorff and average symmetric surface distance in mm; likewise
    label_ml,              volume in ml of the structure in the label and in the prediction, 0
    prediction_ml          where it is absent
    absent                 who lacks the structure: "", "label", "prediction" or "both"

A file may lack `nsd_2mm` and the columns below it except `absent`, or leave such a column empty for
a whole test set of a run: then it was not measured.

If only label or prediction lacks the structure, the evaluator has set overlaps to 0 and distances
to the diagonal of the field. If both lack it, the row is undefined and left out of every mean.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype, union_categoricals

from benchmark.core.errors import ScoreFileError
from benchmark.core.files import whole_file
from results.scores.names import safe_name
from results.scores.score_files import read_csv, read_parquet
from results.scores.score_groups import ScoreGroups

NAMES = ("method", "test_set", "subject", "frame")
WHOLE = ("repeat", "seed", "draw")
CHOICES = {
    "structure": ("LV", "MYO", "RV"),
    "output": ("FTN", "FTN+STN"),
    "absent": ("", "label", "prediction", "both"),
}
SHARES = {"dice": "Dice", "nsd_2mm": "NSD", "jaccard": "Jaccard"}
"""The metrics in [0, 1], and their names in texts."""
DISTANCES = {"hd95_mm": "HD95", "hd_mm": "HD", "assd_mm": "ASSD"}
"""The metrics in mm, and their names in texts."""
METRICS = ("dice", "hd95_mm", "nsd_2mm", "jaccard", "hd_mm", "assd_mm")
VOLUMES = {"label_ml": "label", "prediction_ml": "prediction"}
"""The volumes in ml, and whether they are of label or prediction."""
OPTIONAL = ("nsd_2mm", "jaccard", "hd_mm", "assd_mm", *VOLUMES)
"""Columns that older score files lack."""
KEY = ("method", "repeat", "test_set", "subject", "draw", "frame", "structure", "output")
"""The columns that identify a score; no two rows agree in all of them."""

COLUMNS = (
    *("method", "repeat", "seed", "test_set", "subject", "draw", "frame", "structure", "output"),
    *(*METRICS, *VOLUMES, "absent"),
)
"""The columns of a score table, in the order of the file."""

MAX_NAME = 1000
"""Most characters of a method's, test set's, subject's or frame's name; file names may have 255."""

_GROUP = ["method", "repeat", "output", "test_set"]
_UNIT = ["output", "test_set", "method", "subject"]
_PAIRED_UNIT = ["output", "test_set", "method", "repeat", "subject"]

VOLUMES_OF = "volumes_of"
"""The column of `repeat_scores` that tells volumes and structures apart."""


def read_scores(paths: Path | str | Iterable[Path | str]) -> pd.DataFrame:
    """Read one or several score files (CSV, compressed or not, or Parquet) into a checked table.

    Returns the columns `COLUMNS`: names and choices as categoricals, `repeat`, `seed` and `draw` as
    int64, `METRICS` and `VOLUMES` as float64. Those of `OPTIONAL` are NaN in the rows of a file
    without them. Further columns are dropped.

    Raises `ScoreFileError` for a file that cannot be read, holds no scores, lacks a column or has a
    value that breaks the format, and for a score that is given twice, within or across files.
    """
    files = [Path(paths)] if isinstance(paths, Path | str) else [Path(path) for path in paths]
    if not files:
        raise ScoreFileError("no score files given: name at least one")
    tables = [check_scores(_read_file(file), source=str(file)) for file in files]
    return join_scores(tables, source=", ".join(str(file) for file in files))


def join_scores(tables: Sequence[pd.DataFrame], source: str = "scores") -> pd.DataFrame:
    """Join checked tables.

    Raises `ScoreFileError` if a score is in two of them; `source` names the tables in the message.
    """
    if len(tables) == 1:
        return tables[0]
    joined = pd.DataFrame(
        {
            # A plain concat turns categoricals that differ into slow, large object columns.
            name: union_categoricals([table[name] for table in tables], sort_categories=True)
            if name in NAMES
            else pd.concat([table[name] for table in tables], ignore_index=True)
            for name in COLUMNS
        }
    )
    _refuse_duplicates(joined, source)
    return joined


def rename_sets(scores: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """Rename the test sets of a checked table; ``titles`` has new names by old names.

    Raises `ScoreFileError` if two sets would get the same name.
    """
    present = {
        name: new for name, new in titles.items() if name in scores["test_set"].cat.categories
    }
    if not present:
        return scores
    try:
        return scores.assign(test_set=scores["test_set"].cat.rename_categories(present))
    except ValueError:
        raise ScoreFileError(
            f"scores: {', '.join(present.values())} would name two test sets; leave one "
            "of the files out"
        ) from None


def check_scores(frame: pd.DataFrame, source: str = "scores") -> pd.DataFrame:
    """Check a score table made in memory; returns it with the dtypes of `read_scores`.

    `source` names the table in the message of the `ScoreFileError` raised for a broken one.
    """
    if lacking := [name for name in COLUMNS if name not in {*frame.columns, *OPTIONAL}]:
        raise ScoreFileError(
            f"{source}: no column {', '.join(lacking)}; write the scores again with coopbench"
        )
    if frame.empty:
        raise ScoreFileError(f"{source}: holds no scores; evaluate again or leave the file out")
    checked = pd.DataFrame(index=pd.RangeIndex(len(frame)))
    for name in COLUMNS:
        if name not in frame.columns:
            checked[name] = np.nan
            continue
        values = frame[name].reset_index(drop=True)
        if name in NAMES:
            checked[name] = _names(values, source)
        elif name in CHOICES:
            checked[name] = _choices(values, source)
        elif name in WHOLE:
            checked[name] = _whole(values, source)
        else:
            checked[name] = _numbers(values, source)
    _check_metrics(checked, source)
    _refuse_duplicates(checked, source)
    return checked


def write_parquet(scores: pd.DataFrame, path: Path) -> None:
    """Write a checked table as Parquet, whole or not at all; the same table gives the same bytes.

    `read_scores` reads it back as it is.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(scores[list(COLUMNS)], preserve_index=False)
    with whole_file(path) as partial:
        pq.write_table(table.replace_schema_metadata(None), partial, compression="zstd")


def by_set(scores: pd.DataFrame | ScoreGroups) -> ScoreGroups:
    """Group the rows by method, repeat, output and test set, unless they are grouped already."""
    return scores if isinstance(scores, ScoreGroups) else ScoreGroups.of(scores, _GROUP)


def by_subject(scores: pd.DataFrame | ScoreGroups) -> ScoreGroups:
    """Group the rows by output, test set, method, repeat and subject, unless they are already."""
    return scores if isinstance(scores, ScoreGroups) else ScoreGroups.of(scores, _PAIRED_UNIT)


def set_scores(scores: pd.DataFrame | ScoreGroups, metric: str = "dice") -> pd.DataFrame:
    """The score of each test set: mean Dice over its volumes and the three structures.

    `scores` is a table from `read_scores`, or its rows `by_set`; `metric`, one of `METRICS`,
    replaces Dice. Returns one row per method, repeat, output and test_set with a column named as
    the metric (undefined rows left out; NaN where all are, or where any was not measured), `rows`
    (structure scores given) and `scored` (those in the mean), sorted by the four names.
    """
    groups = by_set(scores)
    means = groups.means(metric)
    if metric in OPTIONAL and (unmeasured := _unmeasured(groups.scores, metric)).any():
        means.loc[groups.counts(unmeasured.to_numpy()) > 0, "mean"] = np.nan
    return means.rename(columns={"mean": metric})


def subject_scores(scores: pd.DataFrame, sets: Iterable[str] | None = None) -> pd.DataFrame:
    """Mean Dice per output, test_set, method and subject: the subject is the unit.

    Frames, structures, draws and repeats of a subject are not independent, so they are averaged
    first; undefined scores are left out, and a subject with no other is dropped. ``sets`` limits
    the means to these sets.
    """
    if sets is not None:
        # Select only the needed columns: rows with all columns are slow to select.
        scores = scores[[*_UNIT, "dice"]][scores["test_set"].isin(list(sets))]
    means = ScoreGroups.of(scores, _UNIT).means("dice").rename(columns={"mean": "dice"})
    return means[[*_UNIT, "dice"]].dropna(ignore_index=True)


def repeat_scores(scores: pd.DataFrame | ScoreGroups, metric: str = "dice") -> pd.DataFrame:
    """Subject scores per repeat, of any metric: output, test_set, method, repeat, subject, the
    metric.

    A repeat is a split and a seed that methods share, so methods are paired within repeats. The
    column `VOLUMES_OF` has a number for the volumes and structures behind each mean: means with
    different numbers must not be paired. `scores` is a table from `read_scores`, or its rows
    `by_subject`.
    """
    groups = by_subject(scores)
    means = groups.means(metric)[[*groups.keys, "mean"]].rename(columns={"mean": metric})
    means[VOLUMES_OF] = groups.volumes
    return means.dropna(subset=[metric], ignore_index=True)


def common_repeats(scores: pd.DataFrame) -> tuple[int, ...]:
    """The repeats that every method of a table has."""
    held = scores[["method", "repeat"]].drop_duplicates()
    counts = held["repeat"].value_counts()
    every = counts.index[counts == held["method"].nunique()]
    return tuple(sorted(int(repeat) for repeat in every))


def alike_repeats(scores: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The scores to rank methods by, and words on their repeats.

    If methods have different repeats, only common repeats are used, so that another split and seed
    does not count as another method. If there are no common repeats, all scores are used, and the
    words say so. If all methods have the same repeats, all scores are used, and there are no words.
    """
    common = common_repeats(scores)
    if set(common) == set(scores["repeat"]):
        return scores, ""
    if not common:
        return scores, "of all repeats of each method, since no repeat is common to all"
    names = ", ".join(map(str, common))
    word = "repeat" if len(common) == 1 else "repeats"
    return scores[scores["repeat"].isin(common)], f"of {word} {names}, which all methods have"


def _read_file(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return read_parquet(path, COLUMNS)
    return read_csv(
        path,
        COLUMNS,
        # "category" would read the subject "007" as a 7.
        dtype=dict.fromkeys(NAMES, "str") | dict.fromkeys(CHOICES, "category"),
        keep_default_na=False,  # a method may be called "NA"
        na_values={name: ["", "nan", "NaN"] for name in (*METRICS, *VOLUMES)},
    )


def _refuse(bad: pd.Series, values: pd.Series, source: str, rule: str) -> None:
    """Raise an error that quotes the first bad row."""
    if bad.any():
        row = int(np.argmax(bad.to_numpy()))
        raise ScoreFileError(
            f"{source}: {values.name} is {str(values.iloc[row])!r} in data row {row + 1}; {rule}"
        )


def _names(values: pd.Series, source: str) -> pd.Series:
    if is_numeric_dtype(values):
        _refuse(
            pd.Series(True, index=values.index),
            values,
            source,
            "give it as text, so that 007 stays",
        )
    text = values.astype("category")
    _refuse(text.isna() | (text == ""), values, source, "it must not be empty")
    labels = [str(label) for label in text.cat.categories]
    longest = max(map(len, labels))
    shown = [safe_name(label) for label in labels]
    if len(set(shown)) < len(shown):
        raise ScoreFileError(f"{source}: two names of a {values.name} differ only in an escape")
    if longest > MAX_NAME:
        raise ScoreFileError(
            f"{source}: a {values.name} has a name of {longest} characters, more than {MAX_NAME}; "
            "write the scores again"
        )
    return text.cat.rename_categories(shown).cat.reorder_categories(sorted(shown))


def _choices(values: pd.Series, source: str) -> pd.Series:
    allowed = CHOICES[str(values.name)]
    _refuse(
        ~values.isin(allowed),
        values,
        source,
        "expected one of " + ", ".join(name or "(empty)" for name in allowed),
    )
    return values.astype(pd.CategoricalDtype(list(allowed)))


def _whole(values: pd.Series, source: str) -> pd.Series:
    if values.dtype == np.int64:  # avoid copies of millions of values
        _refuse(values < 0, values, source, "expected a whole number from 0")
        return values
    numbers = pd.to_numeric(values, errors="coerce")
    whole = numbers.where(np.isfinite(numbers), 0).astype("int64")
    bad = (numbers != whole) | (whole < 0)
    _refuse(bad, values, source, "expected a whole number from 0")
    return whole


def _numbers(values: pd.Series, source: str) -> pd.Series:
    if values.dtype == np.float64:
        return values
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    bad = numbers.isna() & values.notna()
    _refuse(bad, values, source, "expected a number, or nothing where both lack the structure")
    return numbers


def _check_metrics(scores: pd.DataFrame, source: str) -> None:
    absent = scores["absent"]
    both, one = absent == "both", absent.isin(["label", "prediction"])
    for name in (*DISTANCES, *VOLUMES):
        size, unit = scores[name], "mm" if name in DISTANCES else "ml"
        _refuse((size < 0) | np.isinf(size), size, source, f"expected {unit}, finite, from 0")
    for name, title in SHARES.items():
        share = scores[name]
        _refuse(
            (share < 0) | (share > 1),
            share,
            source,
            f"{title} lies in [0, 1]: score the predictions again",
        )
        _refuse(
            one & share.notna() & (share != 0),
            share,
            source,
            f"{title} is 0 where only one of two has the structure",
        )
    for name in METRICS:
        values = scores[name]
        empty = (values.isna() != both) & ~_never_measured(scores, name)
        # An empty cell elsewhere would silently drop a case from the mean.
        _refuse(empty, values, source, "it is empty exactly where absent is 'both'")
    for name, of in VOLUMES.items():
        volume = scores[name]
        empty = volume.isna() & ~_never_measured(scores, name)
        _refuse(empty, volume, source, "it is 0, and not empty, where the structure is absent")
        lacking = absent.isin([of, "both"])
        _refuse(
            lacking & (volume > 0),
            volume,
            source,
            f"the {of} lacks the structure, by column absent",
        )


def _unmeasured(scores: pd.DataFrame, metric: str) -> pd.Series:
    """True where a metric is empty although the structure is in the label or the prediction."""
    return scores[metric].isna() & ((scores["absent"] != "both") | (metric in VOLUMES))


def _never_measured(scores: pd.DataFrame, metric: str) -> pd.Series:
    """True in the rows of a run's test set for which an optional metric is empty throughout."""
    never = pd.Series(False, index=scores.index)
    if metric not in OPTIONAL or not _unmeasured(scores, metric).any():
        return never
    if (given := scores[metric].notna()).any():
        group = [scores[name] for name in ("method", "repeat", "test_set")]
        return ~given.groupby(group, observed=True).transform("any")
    return ~never


def _refuse_duplicates(scores: pd.DataFrame, source: str) -> None:
    numbers = _key_numbers(scores)
    if numbers is not None:
        numbers.sort()
        if not (numbers[1:] == numbers[:-1]).any():
            return
    if (again := scores.duplicated(list(KEY))).any():
        row = scores[list(KEY)].iloc[int(np.argmax(again.to_numpy()))]
        score = ", ".join(f"{name} {value}" for name, value in row.items())
        raise ScoreFileError(f"{source}: given twice: {score}; keep one of the two")


def _key_numbers(scores: pd.DataFrame) -> NDArray[np.int64] | None:
    """A number for each `KEY`; equal keys have equal numbers. None if there are too many for int64.

    The numbers need an eighth of the memory that pandas needs to compare the columns.
    """
    numbers, total = np.zeros(len(scores), dtype=np.int64), 1
    for name in KEY:
        values = scores[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            own, count = values.cat.codes.to_numpy(), len(values.cat.categories)
        else:
            own, labels = pd.factorize(values)
            count = len(labels)
        total *= count
        if total > np.iinfo(np.int64).max:
            return None
        numbers *= count
        numbers += own
    return numbers
