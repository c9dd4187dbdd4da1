"""Each section of the protocol that code or documents cite exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\d+)\. (.+)$", PAGE, flags=re.M))
CITED = re.compile(r"\bprotocol(?:'s way[^.]*)?,\s+sections?\s+(\d+(?:(?:, | and )\d+)*)")


def sources() -> list[Path]:
    """Every file of code and documents."""
    roots = ("benchmark", "baselines", "corruptions", "results", "docs")
    found = [path for root in roots for path in sorted((ROOT / root).rglob("*"))]
    return [ROOT / "README.md", *(p for p in found if p.suffix in {".py", ".md", ".toml"})]


def test_the_sections_have_their_numbers() -> None:
    assert SECTIONS == {
        "1": "Data",
        "2": "Network",
        "3": "Cooperative training",
        "4": "Baselines",
        "5": "ACDC-C",
        "6": "Evaluation",
    }


def test_each_cited_section_exists() -> None:
    cited = {
        (path.relative_to(ROOT).as_posix(), number)
        for path in sources()
        for numbers in CITED.findall(re.sub(r"\s+#?\s*", " ", path.read_text("utf-8")))
        for number in re.findall(r"\d+", numbers)
    }
    assert len(cited) > 15  # the pattern finds what it looks for
    assert {number for _, number in cited} == set(SECTIONS)
