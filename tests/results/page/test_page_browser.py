"""The page in a real browser: sorting, filters, keyboard, widths, colours."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from results.page.render import write_page
from tests.results.page.test_page import page

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
NEEDED = "COOPBENCH_NEED_BROWSER"  # set where a missing browser is a fault, as in CI

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(
        BROWSER is None and NEEDED not in os.environ,
        reason="neither Chromium nor Chrome is installed",
    ),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    assert BROWSER is not None, f"{NEEDED} is set, but there is no Chromium"
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=BROWSER, args=arguments)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_page(page(phantom=True), path)
    return path


@pytest.fixture
def view(browser: Any, file: Path) -> Iterator[Any]:
    """The page, opened from disk; at the end nothing was said and nothing asked for."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    opened = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(file.as_uri())
    yield opened
    assert said == []
    assert {url for url in asked if not url.startswith("data:")} <= {file.as_uri()}
    context.close()


def column(view: Any, table: str, place: int) -> list[str]:
    return list(view.locator(f"{table} tbody tr > :nth-child({place})").all_inner_texts())


TABLE = "#table-dice-ftn table"


@pytest.mark.slow
def test_sorting_by_a_number(view: Any) -> None:
    header = view.locator(f"{TABLE} thead th").nth(1)
    before = column(view, TABLE, 1)
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    assert column(view, TABLE, 1) == ["Method C", "Method A", "Method B"]
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert column(view, TABLE, 1) == ["Method B", "Method A", "Method C"]
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") is None
    assert column(view, TABLE, 1) == before


def test_sorting_by_keyboard_and_by_name(view: Any) -> None:
    header = view.locator(f"{TABLE} thead th").nth(0)
    header.get_by_role("button").focus()
    view.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "ascending"
    assert column(view, TABLE, 1) == ["Method A", "Method B", "Method C"]
    other = view.locator(f"{TABLE} thead th").nth(1)
    other.get_by_role("button").focus()
    view.keyboard.press("Space")
    assert header.get_attribute("aria-sort") is None
    assert other.get_attribute("aria-sort") == "descending"


def test_missing_values_are_last_either_way(view: Any) -> None:
    view.evaluate(f"document.querySelector('{TABLE} tbody tr:nth-child(2) td').dataset.value = ''")
    button = view.locator(f"{TABLE} thead th").nth(1).get_by_role("button")
    for _ in range(2):
        button.click()
        assert column(view, TABLE, 1)[-1] == "Method A"


@pytest.mark.slow
def test_worst_cases_filter_page_and_sort(view: Any) -> None:
    count = view.locator("#count")
    assert count.inner_text() == "Showing 50 of 120"
    view.locator("#more").click()
    view.locator("#more").click()
    assert count.inner_text() == "Showing 120 of 120" and not view.locator("#more").is_visible()
    view.get_by_label("Structure").select_option("MYO")
    assert count.inner_text() == "Showing 40 of 40 (of 120)"
    assert set(column(view, "#worst-table", 7)) == {"MYO"}
    view.get_by_label("Test set").select_option("ACDC")
    assert count.inner_text() == "Showing 20 of 20 (of 120)"
    view.get_by_label("Subject").fill("04")
    assert column(view, "#worst-table", 4) == ["004", "040", "046"]
    view.locator("#worst-table th[data-key=dice] button").click()
    assert column(view, "#worst-table", 4) == ["046", "040", "004"]
    view.get_by_label("Subject").fill("nobody")
    assert count.inner_text() == "Showing 0 of 0 (of 120)"


@pytest.mark.slow
def test_a_view_can_be_passed_on(view: Any, browser: Any) -> None:
    view.get_by_label("Structure").select_option("RV")
    view.locator("#worst-table th[data-key=subject] button").click()
    address = view.evaluate("location.href")
    other = browser.new_page()
    other.goto(address)
    assert other.locator("#count").inner_text() == "Showing 40 of 40 (of 120)"
    assert other.get_by_label("Structure").input_value() == "RV"
    sort = other.locator("#worst-table th[data-key=subject]")
    assert sort.get_attribute("aria-sort") == "ascending"
    other.goto(address.replace("RV", "no-such").replace("subject", "nothing"))
    other.reload()
    assert other.locator("#count").inner_text() == "Showing 50 of 120"
    other.close()


def test_missing_distance_is_empty_and_last(view: Any) -> None:
    view.locator("#worst-table th[data-key=hd95_mm] button").click()
    view.locator("#more").click()
    view.locator("#more").click()
    assert column(view, "#worst-table", 10)[-1] == ""


def test_figure_enlarges_and_closes_by_keyboard(view: Any) -> None:
    view.locator(".enlarge").first.focus()
    view.keyboard.press("Enter")
    dialog = view.locator("#large")
    assert dialog.is_visible()
    assert dialog.locator("img").get_attribute("alt") == "Method"
    view.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert view.evaluate("document.activeElement.className") == "enlarge"


def test_skip_link_is_the_first_stop(view: Any) -> None:
    view.keyboard.press("Tab")
    assert view.evaluate("document.activeElement.className") == "skip"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 768, 1440])
def test_nothing_overflows(browser: Any, tmp_path: Path, width: int, scheme: str) -> None:
    long = replace(page("Averylongwordthathasnobreak" * 3), title="A title " * 12)
    write_page(long, tmp_path / "report.html")
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    opened = context.new_page()
    opened.goto((tmp_path / "report.html").as_uri())
    opened.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


WIDE = [f"Measure {number} ↑" for number in range(8)]
"""As many columns as the table of Dice has."""

CUT_OFF = """
() => {
  const found = [];
  for (const table of document.querySelectorAll("main table")) {
    const frame = table.closest(".scroll");
    frame.scrollLeft = 0;
    const left = table.getBoundingClientRect().left - frame.getBoundingClientRect().left;
    frame.scrollLeft = 1e6;
    const right = frame.getBoundingClientRect().right - table.getBoundingClientRect().right;
    if (left < 0 || right < -0.5 || frame.getBoundingClientRect().right > innerWidth)
      found.push(table.id || table.closest("figure, details").id);
    for (const cell of table.querySelectorAll("td, thead th"))
      if (cell.scrollWidth > cell.clientWidth + 1) found.push(cell.textContent.trim());
  }
  return found;
}
"""

LONGEST_LINES = """
() => {
  const found = [];
  for (const block of document.querySelectorAll("main p, main li, main figcaption")) {
    if (!block.checkVisibility() || block.querySelector("button")) continue;
    const lines = new Map();
    const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode()); )
      for (let at = 0; at < node.length; at++) {
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + 1);
        const box = range.getBoundingClientRect();
        const line = Math.round(box.bottom / 6);
        if (box.width) lines.set(line, (lines.get(line) || 0) + 1);
      }
    found.push(Math.max(0, ...lines.values()));
  }
  return found;
}
"""


def wide_page(path: Path) -> Path:
    """A page with a table of many columns, and with notes and captions of many lines."""
    text = "The mean of what three repeats of a method have on the subjects of a test set. " * 6
    shown = page()
    first = shown.sections[0]
    (narrow,) = first.tables
    columns = {name: narrow.table.mean.iloc[:, 0] + place for place, name in enumerate(WIDE)}
    frame = pd.DataFrame(columns, index=narrow.table.mean.index)
    headers = {name: name for name in WIDE}
    numbers = replace(narrow.table, mean=frame, sd=frame, repeats=frame, headers=headers)
    wide = replace(numbers, marks=None, notes=(text,))
    table = replace(narrow, table=wide, caption=text, notes=(text,))
    section = replace(first, intro=text, tables=(table,))
    write_page(replace(shown, summary=(text,), cautions=(text,), sections=(section,)), path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("width", [400, 800, 1300])
def test_no_table_is_cut_off_and_text_is_as_wide_as_it_reads_well(
    browser: Any, tmp_path: Path, width: int
) -> None:
    """All of a table is there to be scrolled to; a line has 85 characters at most."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    opened = context.new_page()
    opened.goto(wide_page(tmp_path / "report.html").as_uri())
    opened.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    frame = opened.locator(f"{TABLE}").locator("xpath=..")
    goes_on = frame.evaluate("(one) => one.scrollWidth > one.clientWidth")
    assert goes_on == (width < 1300)
    assert opened.evaluate(CUT_OFF) == []
    longest = max(opened.evaluate(LONGEST_LINES))
    assert (30 if width == 400 else 60) <= longest <= 85
    opened.locator("#table-dice-ftn .scroll").focus()
    opened.keyboard.press("ArrowRight")
    opened.wait_for_timeout(300)
    assert (frame.evaluate("(one) => one.scrollLeft") > 0) == goes_on
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


CONTRASTS = """
() => {
  const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const linear = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim());
    if (!own || !node.checkVisibility() || ["SCRIPT", "OPTION"].includes(node.tagName)) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${node.tagName}.${node.className} ${ratio.toFixed(2)}`);
  }
  return [...new Set(found)];
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(browser: Any, file: Path, scheme: str) -> None:
    """WCAG 2.1, 1.4.3: a contrast of 4.5 at least."""
    context = browser.new_context(color_scheme=scheme)
    opened = context.new_page()
    opened.goto(file.as_uri())
    opened.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert opened.evaluate(CONTRASTS) == []
    context.close()


@pytest.mark.slow
def test_readable_without_a_script(browser: Any, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(file.as_uri())
    assert len(column(opened, "#worst-table", 1)) == 50
    assert opened.locator("#count").inner_text() == "The first 50 of 120."
    assert not opened.locator("#filters").is_visible() and not opened.locator("#more").is_visible()
    assert column(opened, TABLE, 1) == ["Method B", "Method A", "Method C"]
    context.close()
