"""The statement as PDF for printing and filing. Loaded when asked for.

The font is embedded and has Latin, Greek, Cyrillic, Hebrew, Arabic and Thai letters. A letter that
it does not have (Chinese, Japanese, Korean) is shown as "?", and the last line of the document says
so: the other formats have every name in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from reportlab.lib.units import mm

from connector.statement.cells import Amount, Cell, Table, numeric, shown
from connector.statement.paper import (
    BOLD,
    HEADING,
    HEIGHT,
    MISSING,
    PLAIN,
    TITLE,
    WIDTH,
    Ink,
    Paper,
)

LINE, MARGIN = 3.4 * mm, 12 * mm
LEFT, RIGHT = MARGIN, WIDTH - MARGIN
GAP = 4  # points on both sides of a column
ROW_GAP = 0.8 * mm
MOST_LINES = 6  # of one cell
KEPT_TOGETHER = 9 * LINE  # a heading, the names of the columns, and some rows
PALE = 0.85


def write(tables: Iterable[Table], title: str, out: BinaryIO) -> None:
    """Write the document."""
    pages = _Pages(Paper(out, title), title)
    for table in tables:
        pages.table(table)
    pages.finish()


@dataclass(frozen=True, slots=True)
class _Column:
    """One column on paper: its place in a row of the table, its name, and its edges."""

    place: int
    name: str
    left: float
    right: float
    is_numeric: bool

    @property
    def width(self) -> float:
        """What a text may take."""
        return self.right - self.left


class _Pages:
    """Tables one below the other, over as many pages as they need."""

    def __init__(self, paper: Paper, title: str) -> None:
        self._paper, self._title = paper, title
        self._y = 0.0
        self._top_of_page()
        paper.text(LEFT, self._y - LINE / 2, title, TITLE)

    def table(self, table: Table) -> None:
        """A heading, a note, the names of the columns, and all rows."""
        if self._y < MARGIN + KEPT_TOGETHER:
            self._new_page()
        self._heading(table)
        columns = _columns(table)
        if table.count:
            self._names(columns)
        for row in table.rows():
            cells = [row[column.place] for column in columns]
            texts = [
                [] if cell is None or cell == "" else _lines(cell, column.width)
                for cell, column in zip(cells, columns, strict=True)
            ]
            height = max(1, *map(len, texts)) * LINE + ROW_GAP
            if self._y - height < MARGIN:
                self._new_page()
                self._y -= 1.2 * LINE
                self._paper.text(LEFT, self._y, f"{table.title} (continued)", BOLD)
                self._y -= LINE
                self._names(columns)
            self._row(texts, cells, columns)
            self._y -= height

    def finish(self) -> None:
        """The last line and the end."""
        if self._paper.has_missing:
            self._y -= 2 * LINE
            if self._y < MARGIN:
                self._new_page()
                self._y -= LINE
            note = f'"{MISSING}" stands for letters that this font does not have. The HTML, CSV and XLSX forms show them.'
            self._paper.text(LEFT, self._y, note)
        self._paper.finish()

    def _heading(self, table: Table) -> None:
        self._y -= 3 * LINE
        self._paper.text(LEFT, self._y, table.title, HEADING)
        note = table.note if table.count else f"{table.note} None."
        for text in _wrapped(note, RIGHT - LEFT, PLAIN):
            self._y -= LINE
            self._paper.text(LEFT, self._y, text)
        self._y -= 0.8 * LINE

    def _top_of_page(self) -> None:
        self._y = HEIGHT - MARGIN
        self._paper.page_number(RIGHT, self._y)
        if self._paper.pages > 1:
            self._paper.text(LEFT, self._y, self._title, BOLD)

    def _new_page(self) -> None:
        self._paper.next_page()
        self._top_of_page()

    def _names(self, columns: Sequence[_Column]) -> None:
        """The names of the columns above a rule, on as many lines as the longest needs."""
        names = [_wrapped(column.name, column.width, BOLD) for column in columns]
        most = max(map(len, names))
        for lines, column in zip(names, columns, strict=True):
            for number, text in enumerate(lines, start=most - len(lines) + 1):
                y = self._y - number * LINE * 0.85
                if column.is_numeric:
                    self._paper.text_to(column.right, y, text, BOLD, most=column.width)
                else:
                    self._paper.text(column.left, y, text, BOLD)
        self._y -= most * LINE * 0.85 + ROW_GAP
        self._paper.rule(LEFT, RIGHT, self._y)

    def _row(
        self, texts: Sequence[list[str]], cells: Sequence[Cell], columns: Sequence[_Column]
    ) -> None:
        for lines, cell, column in zip(texts, cells, columns, strict=True):
            y = self._y - LINE + ROW_GAP / 2
            if isinstance(cell, (Amount, int)):
                self._paper.text_to(column.right, y, lines[0], most=column.width)
                continue
            for text in lines:
                self._paper.text(column.left, y, text)
                y -= LINE
        below = self._y - max(1, *map(len, texts)) * LINE - ROW_GAP
        self._paper.rule(LEFT, RIGHT, below, grey=PALE)


def _columns(table: Table) -> list[_Column]:
    """Those that are shown on paper, across the whole page."""
    unit = (RIGHT - LEFT) / sum(table.widths)
    found: list[_Column] = []
    left = LEFT
    each = zip(table.columns, table.widths, numeric(table), strict=True)
    for place, (name, width, is_numeric) in enumerate(each):
        if width:
            end = left + width * unit
            found.append(_Column(place, name, left + (GAP if found else 0), end - GAP, is_numeric))
            left = end
    return found


def _lines(cell: Cell, width: float) -> list[str]:
    """What stands in a cell: an amount on one line, a text on as many as it needs, up to a limit."""
    text = shown(cell)
    if isinstance(cell, (Amount, int)) or PLAIN.width(text) <= width:
        return [text]
    lines = _wrapped(text, width, PLAIN)
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], f"{lines[MOST_LINES - 1][:-1]}…"]
    return lines


def _wrapped(text: str, width: float, ink: Ink) -> list[str]:
    """A text on lines that are not wider than this, broken between words where that is possible."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if ink.width(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while ink.width(line) > width:
            fits = _fitting(line, width, ink)
            lines.append(line[:fits])
            line = line[fits:]
    return [*lines, line]


def _fitting(word: str, width: float, ink: Ink) -> int:
    """How many letters of a word fit, one at least."""
    fits = 1
    while fits < len(word) and ink.width(word[: fits + 1]) <= width:
        fits += 1
    return fits
