"""Scripts of the gallery as pages: text from their comments, code as it is."""

import ast
import re
from pathlib import Path


def as_page(script: Path) -> tuple[str, str]:
    """Title and Markdown of a script.

    Its docstring opens the page: the first line is the title. A comment that begins with ``# %%``
    becomes text, as does the comment right below it; all else is code.
    """
    source = script.read_text("utf-8")
    tree = ast.parse(source)
    docstring = ast.get_docstring(tree) or ""
    title, _, lead = docstring.partition("\n")
    title = title.rstrip(".")
    end = tree.body[0].end_lineno or 1
    code = "\n".join(source.splitlines()[end:])
    parts = [f"# {title}", lead.strip()]
    head, *cells = re.split(r"^# %%", code, flags=re.M)
    parts.append(_code(head))
    for cell in cells:
        lines = cell.splitlines()
        count = next((n for n, line in enumerate(lines[1:], 1) if not line.startswith("#")), None)
        text = [line.removeprefix("#").strip() for line in lines[:count]]
        parts += [f"## {text[0]}", "\n".join(text[1:]), _code("\n".join(lines[count:]))]
    parts.append(f"[The whole script]({script.name})")
    return title, "\n\n".join(part for part in parts if part) + "\n"


def _code(text: str) -> str:
    return f"```python\n{text.strip()}\n```" if text.strip() else ""
