"""The page without a browser: structure, escaping, and that it asks for nothing."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.core.errors import ScoreFileError
from results.analysis.worst import MOST, SHOWN, worst_cases
from results.page import render
from results.page.content import Page, PageFigure, PageTable, RunRecord, Section, SetScore
from results.page.render import render_page, write_page
from results.tables.mean_table import MeanTable
from results.wording import HIGHER, PHANTOM_MARK

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
NASTY = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "<!--",
    "{{ 7 * 7 }}",
    "\u2028]]>",
    "javascript:alert(1)",
]


def table(names: list[str], **options: object) -> MeanTable:
    index = pd.Index([f"m{n}" for n in range(len(names))], name="method")
    values = 0.5 + 0.1 * np.arange(len(names), dtype=float)
    mean = pd.DataFrame({"x": values, "y": np.full(len(names), np.nan)}, index=index)
    given: dict[str, object] = {
        "mean": mean,
        "sd": mean * 0.1,
        "repeats": mean.notna().astype(int),
        "titles": dict(zip(index, names, strict=True)),
        "headers": {"x": "Set X", "y": names[0]},
        "notes": tuple(names),
        "phantom": False,
    }
    return MeanTable(**(given | options))  # type: ignore[arg-type]


def worst_rows(count: int, word: str = "a") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "method": [f"{word}{n % 3}" for n in range(count)],
            "repeat": 0,
            "test_set": [("ACDC", word)[n % 2] for n in range(count)],
            "subject": [f"{n:03d}" for n in range(count)],
            "draw": 0,
            "frame": "ED",
            "structure": [("LV", "MYO", "RV")[n % 3] for n in range(count)],
            "output": "FTN",
            "dice": np.arange(count) / max(1, count),
            "hd95_mm": [None if n == 1 else 5.0 + n for n in range(count)],
            "absent": "",
            "source": [f"{word}/scores.csv:{n + 2}" for n in range(count)],
        }
    ).astype({"hd95_mm": "float64"})


def page(word: str = "Method", *, phantom: bool = False, worst: int = 120) -> Page:
    names = [f"{word} {letter}" for letter in "BAC"]
    marks = pd.DataFrame("", index=["m0", "m1", "m2"], columns=["x", "y"])
    marks.loc["m2", "x"] = HIGHER
    return Page(
        title=word,
        phantom=phantom,
        summary=(word, "It is best."),
        facts=((word, word),),
        cautions=(word,),
        sections=(
            Section(
                "dice",
                "Dice",
                word,
                (PageTable("dice-ftn", word, table(names, marks=marks), (word,)),),
                (PageFigure("scores", word, word, PNG),),
            ),
            Section("more", "More", "More.", (PageTable("other", "Other", table(names), ()),)),
        ),
        worst=worst_rows(worst, word),
        runs=(
            RunRecord(
                word,
                word,
                ((word, word),),
                ((word, word),),
                (SetScore(word, "FTN", 0.5, 3, word), SetScore("M&Ms", "FTN", np.nan, 0, "")),
            ),
        ),
    )


class Elements(HTMLParser):
    """Every element and its attributes; the text of the page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


TAGS = [tag for tag, _ in Elements(render_page(page("plain"))).found]


def check_harmless(text: str) -> None:
    """The same elements as of a plain page, and no attribute that runs or fetches anything."""
    parsed = Elements(text)
    assert [tag for tag, _ in parsed.found] == TAGS
    for _, attributes in parsed.found:
        for name, value in attributes.items():
            assert not name.startswith("on") and name != "style"
            if name in ("src", "href"):
                assert re.match(r"(#|data:|tables/|figures/)", value or ""), value


@pytest.mark.parametrize("word", NASTY)
def test_hostile_names_are_text(word: str) -> None:
    text = render_page(page(word))
    check_harmless(text)
    assert any(word in words for words in Elements(text).words)
    assert "49" not in Elements(render_page(page("{{ 7 * 7 }}"))).words


@pytest.mark.slow
@settings(max_examples=40)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_any_name_is_text(word: str) -> None:
    check_harmless(render_page(page(f"n{word}")))


def test_nothing_is_fetched_and_only_this_script_runs() -> None:
    text = render_page(page())
    assert not re.search(r"https?://|url\(|@import|fetch\(|XMLHttp|import\(", text)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None and "default-src 'none'" in policy[1]
    for kind in ("script", "style"):
        inline = re.search(rf"<{kind}>(.*?)</{kind}>", text, re.S)
        assert inline is not None
        digest = base64.b64encode(hashlib.sha256(inline[1].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy[1]


def test_accessible_structure() -> None:
    found = Elements(render_page(page())).found
    identities = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(identities) == len(set(identities))
    levels = [int(tag[1]) for tag, _ in found if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert all("alt" in attributes for tag, attributes in found if tag == "img")
    assert all("scope" in attributes for tag, attributes in found if tag == "th")
    assert next(attributes for tag, attributes in found if tag == "html")["lang"] == "en"
    targets = {attributes["href"] for tag, attributes in found if tag == "a"}
    for target in targets:
        assert target is not None
        assert not target.startswith("#") or target[1:] in identities, target


def test_phantom_is_on_the_page_each_table_and_each_figure() -> None:
    text = render_page(page(phantom=True))
    captions = re.findall(r"<(?:figcaption|caption)[^>]*>(.*?)</", text, re.S)
    assert len(captions) == 4 and all(PHANTOM_MARK in caption for caption in captions)
    assert f'<p class="phantom" role="note">{PHANTOM_MARK}</p>' in text
    assert PHANTOM_MARK not in render_page(page())


def test_cells_hold_what_they_are_sorted_by() -> None:
    text = render_page(page())
    said = "1 repeat, significantly higher, of these trained networks"
    assert f'<td data-value="0.7" title="{said}"><b>0.7000</b><sup' in text
    assert '<td data-value="" class="missing">missing</td>' in text
    assert "<u>0.6000</u> <small>±0.0600</small>" in text


def test_worst_cases_are_as_they_were() -> None:
    rows = worst_rows(7, "</script>")
    text = render_page(page("</script>", worst=7))
    data = re.search(r'id="worst-data">(.*?)</script>', text, re.S)
    assert data is not None
    columns = json.loads(data[1])["columns"]
    assert columns["dice"]["values"] == rows["dice"].to_list()
    assert columns["hd95_mm"]["values"][1] is None
    for name in ("method", "source", "test_set"):
        coded = columns[name]
        assert [coded["names"][code] for code in coded["codes"]] == rows[name].to_list()
    without = render_page(page(worst=0))
    assert 'id="worst"' not in without and 'href="#worst"' not in without


def test_same_page_same_text(tmp_path: Path) -> None:
    write_page(page(), tmp_path / "one.html")
    write_page(page(), tmp_path / "two.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_too_large_a_page_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "LIMIT", 10_000)
    with pytest.raises(ScoreFileError, match="choose fewer"):
        write_page(page(), tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_a_full_study_fits() -> None:
    """Ten thousand worst cases with long paths are a few megabytes at most."""
    rows = worst_rows(MOST, "runs/acdc-paper/a-method-with-a-long-name-r0-s40/scores/RandGhosting")
    assert len(render._worst(rows)) < 3_000_000


def test_worst_of_every_group() -> None:
    rng = np.random.default_rng(0)
    scores = pd.DataFrame(
        [
            (m, r, t, f"{s:03d}", 0, "ED", structure, "FTN", rng.uniform(), 3.0, "")
            for m in "ab"
            for r in (0, 1)
            for t in ("ACDC", "Bias")
            for s in range(15)
            for structure in ("LV", "RV")
        ],
        columns=list(SHOWN),
    )
    scores.loc[0, "dice"] = np.nan
    worst = worst_cases(scores)
    assert len(worst) == 2 * 2 * 2 * 2 * 10 and worst["dice"].is_monotonic_increasing
    for key, rows in scores.groupby(["method", "repeat", "test_set", "structure"]):
        own = worst.set_index(["method", "repeat", "test_set", "structure"]).loc[key]
        assert sorted(own["dice"]) == sorted(rows["dice"].dropna())[:10]
    assert (scores.loc[worst.index, "dice"] == worst["dice"]).all()
