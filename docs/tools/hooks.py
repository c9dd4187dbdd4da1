"""What MkDocs asks while it builds the site: the pages that are made from the code."""

import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

import generated


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the empty lists in the navigation."""
    lists: dict[str, list[Any]] = {
        "Python API": [{page.title: page.path} for page in generated.api_pages()],
        "Gallery": [
            "gallery/index.md",
            *({page.title: page.path} for page in generated.gallery_pages()),
        ],
    }
    config.nav = _filled(config.nav, lists)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from the code and from the documents at the repository's top."""
    for page in generated.pages():
        files.append(File.generated(config, page.path, content=page.text))
    return files


def _filled(nav: Any, lists: dict[str, list[Any]]) -> Any:
    if isinstance(nav, list):
        return [_filled(entry, lists) for entry in nav]
    if isinstance(nav, dict):
        return {
            title: lists[title] if title in lists and below == [] else _filled(below, lists)
            for title, below in nav.items()
        }
    return nav
