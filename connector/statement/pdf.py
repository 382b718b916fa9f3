"""The statement as PDF for printing and filing. Loaded when asked for.

The font is embedded and has Latin, Greek, Cyrillic, Hebrew, Arabic and Thai letters. A letter that
it does not have (Chinese, Japanese, Korean) is shown as "?", and the last line of the document says
so: the other formats have every name in full.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, BinaryIO

import pymupdf_fonts
from bidi import get_display
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from connector.statement.cells import Amount, Cell, Table, shown

PLAIN, BOLD = "FiraGO", "FiraGO-Bold"
SIZE, LINE, MARGIN = 7, 4.1 * mm, 12 * mm
WIDTH, HEIGHT = landscape(A4)
MISSING = "?"


def write(tables: Iterable[Table], title: str, out: BinaryIO) -> None:
    """Write the document."""
    _load_fonts()
    paper = _Paper(out, title)
    for table in tables:
        paper.table(table)
    paper.finish()


@cache
def _load_fonts() -> frozenset[int]:
    """Embed both fonts; answer the letters they have."""
    letters: list[set[int]] = []
    for name, source in ((PLAIN, "figo"), (BOLD, "figbo")):
        font = TTFont(name, io.BytesIO(pymupdf_fonts.myfont(source)))
        pdfmetrics.registerFont(font)
        letters.append(set(font.face.charToGlyph))
    return frozenset(letters[0] & letters[1])


class _Paper:
    """Pages that are written from top to bottom."""

    def __init__(self, out: BinaryIO, title: str) -> None:
        self._canvas = Canvas(out, pagesize=(WIDTH, HEIGHT), pageCompression=1, invariant=1)
        self._canvas.setTitle(title)
        self._title, self._letters = title, _load_fonts()
        self._page, self._y, self._missing = 0, 0.0, False
        self._new_page()

    def table(self, table: Table) -> None:
        """A title, a note, the names of the columns, and all rows."""
        columns = [n for n, width in enumerate(table.widths) if width]
        edges = _edges([table.widths[n] for n in columns])
        if self._y < MARGIN + 8 * LINE:
            self._new_page()
        self._y -= 2 * LINE
        self._text(MARGIN, table.title, font=BOLD, size=11)
        self._y -= LINE
        self._text(MARGIN, table.note if table.count else f"{table.note} None.", size=SIZE)
        self._y -= 1.4 * LINE
        head = [table.columns[n] for n in columns]
        is_amount: list[bool] = []
        for row in table.rows():
            cells = [row[n] for n in columns]
            if not is_amount:
                is_amount = [isinstance(cell, Amount) for cell in cells]
                self._head(head, edges, is_amount)
            if self._y < MARGIN + LINE:
                self._new_page()
                self._y -= LINE
                self._head(head, edges, is_amount)
            self._row(cells, edges, font=PLAIN)

    def finish(self) -> None:
        """The last line and the end."""
        if self._missing:
            self._y -= LINE
            if self._y < MARGIN:
                self._new_page()
            note = f'"{MISSING}" stands for letters that this font does not have. The HTML, CSV and XLSX forms show them.'
            self._text(MARGIN, note, size=SIZE)
        self._canvas.save()

    def _new_page(self) -> None:
        if self._page:
            self._canvas.showPage()
        self._page += 1
        self._y = HEIGHT - MARGIN
        self._text(MARGIN, self._title, font=BOLD, size=SIZE)
        self._right(WIDTH - MARGIN, f"Page {self._page}", font=PLAIN)
        self._y -= LINE

    def _head(self, names: Sequence[str], edges: Sequence[Any], right: Sequence[bool]) -> None:
        """Column names, on two lines where they have two words, above a rule."""
        lines = [name.split(" ", 1) if " " in name else ["", name] for name in names]
        for number in (0, 1):
            for words, (left, end), at_right in zip(lines, edges, right, strict=True):
                text = self._fit(words[number], end - left, BOLD)
                if at_right:
                    self._right(end, text, font=BOLD)
                else:
                    self._text(left, text, font=BOLD)
            self._y -= LINE * 0.8
        self._canvas.setLineWidth(0.3)
        self._canvas.line(MARGIN, self._y + LINE * 0.55, WIDTH - MARGIN, self._y + LINE * 0.55)
        self._y -= LINE * 0.3

    def _row(self, cells: Sequence[Cell], edges: Sequence[Any], *, font: str) -> None:
        for cell, (left, end) in zip(cells, edges, strict=True):
            if cell is None or cell == "":
                continue
            if isinstance(cell, (Amount, int)):
                self._right(end, shown(cell), font=font)
            else:
                self._text(
                    left, self._fit(self._drawable(shown(cell)), end - left, font), font=font
                )
        self._y -= LINE

    def _text(self, x: float, text: str, *, font: str = PLAIN, size: int = SIZE) -> None:
        if text:
            self._canvas.setFont(font, size)
            self._canvas.drawString(x, self._y, self._drawable(text))

    def _right(self, x: float, text: str, *, font: str) -> None:
        self._canvas.setFont(font, SIZE)
        self._canvas.drawRightString(x, self._y, text)

    def _drawable(self, text: str) -> str:
        """In the order it is drawn, with a mark for each letter that the font does not have."""
        if text.isascii():
            return (
                text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
            )
        drawn = "".join(letter if ord(letter) in self._letters else MISSING for letter in text)
        self._missing = self._missing or drawn != text
        return str(get_display(drawn))

    def _fit(self, text: str, width: float, font: str) -> str:
        """Cut what is too wide for its column, visibly."""
        if len(text) * SIZE * 0.3 < width and pdfmetrics.stringWidth(text, font, SIZE) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if pdfmetrics.stringWidth(f"{text[:middle]}…", font, SIZE) <= width:
                low = middle
            else:
                high = middle - 1
        return text if low == len(text) else f"{text[:low]}…"


def _edges(widths: Sequence[int]) -> list[tuple[float, float]]:
    """Left and right of each column, across the whole page."""
    unit = (WIDTH - 2 * MARGIN) / sum(widths)
    found, left = [], MARGIN
    for width in widths:
        found.append((left + 3, left + width * unit - 3))
        left += width * unit
    return found
