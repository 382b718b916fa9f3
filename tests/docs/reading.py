"""How the tests of this folder read the documentation."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

_CODE_WORD = re.compile(r"`([^`\n]+)`")


def text_of(*parts: str) -> str:
    """A file of the project."""
    return ROOT.joinpath(*parts).read_text(encoding="utf-8")


def section(page: str, title: str) -> str:
    """The text under one heading of a page in docs, up to the next heading of the same depth."""
    found = re.search(
        rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)",
        text_of("docs", page),
        re.MULTILINE | re.DOTALL,
    )
    assert found, f"docs/{page} has no section {title!r}"
    return found.group(2)


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, heads and rulers left out."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| `"):
            found.append(cells)
    return found


def first_words(text: str) -> list[str]:
    """What the first cell of each table row names in code letters."""
    return [word for cells in rows(text) for word in _CODE_WORD.findall(cells[0])]
