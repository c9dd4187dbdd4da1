"""Pages of the site that nobody writes by hand."""

import re
from dataclasses import dataclass

from command_reference import command_reference
from gallery import as_page
from method_reference import method_reference
from rooms import ROOT, folders

MEASURED = "results/measured"


@dataclass(frozen=True)
class GeneratedPage:
    """Where a page stands in the site, its title in the navigation, and its Markdown."""

    path: str
    title: str
    text: str


def pages() -> list[GeneratedPage]:
    """All of them."""
    top = [
        ("changelog.md", "Changelog", "CHANGELOG.md"),
        ("contributing.md", "Contributing", "CONTRIBUTING.md"),
        ("code-of-conduct.md", "Code of conduct", "CODE_OF_CONDUCT.md"),
        ("measured.md", "A measured table", f"{MEASURED}/compact/README.md"),
        ("measured-0.1.md", "The table of version 0.1", f"{MEASURED}/acdc-compact/README.md"),
    ]
    return [
        GeneratedPage("reference/commands.md", "Commands", command_reference()),
        GeneratedPage("reference/methods.md", "Methods and settings", method_reference()),
        *api_pages(),
        *gallery_pages(),
        *(
            GeneratedPage(path, title, _for_the_site((ROOT / source).read_text("utf-8")))
            for path, title, source in top
        ),
    ]


def api_pages() -> list[GeneratedPage]:
    """A page for each room, with all that is public in its modules."""
    found = []
    for room in sorted(folders()):
        text = f"# {room}\n\n::: {room}\n    options: {{show_root_heading: false}}\n"
        found.append(GeneratedPage(f"reference/api/{room}.md", room, text))
    return found


def gallery_pages() -> list[GeneratedPage]:
    """A page for each script of the gallery."""
    found = []
    for script in sorted((ROOT / "docs" / "gallery").glob("*.py")):
        title, text = as_page(script)
        found.append(GeneratedPage(f"gallery/{script.stem}.md", title, text))
    return found


def _for_the_site(text: str) -> str:
    """A document from outside docs/: links to docs/ lead to pages, others are plain text."""

    def link(match: re.Match[str]) -> str:
        label, target = match.groups()
        if "://" in target or target.startswith("#"):
            return match[0]
        target = re.sub(r"^(\.\./)+", "", target)
        if target.startswith("docs/"):
            return f"[{label}]({target.removeprefix('docs/')})"
        same = {
            "CHANGELOG.md": "changelog.md",
            "CODE_OF_CONDUCT.md": "code-of-conduct.md",
            "acdc-compact/README.md": "measured-0.1.md",
        }
        return f"[{label}]({same[target]})" if target in same else f"{label} (`{target}`)"

    return re.sub(r"(?<!!)\[([^]]*)\]\(([^)]+)\)", link, text)
