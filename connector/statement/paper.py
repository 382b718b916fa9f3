"""Texts and rules at given places on pages: what the PDF of a statement is drawn with.

A month has hundreds of thousands of cells. Drawing each as a text object of its own takes ReportLab
most of its time, so the operators of a page are put together here and handed over at its end, with
the fonts used as `reportlab.pdfbase.ttfonts` documents it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, BinaryIO

import pymupdf_fonts
from bidi import get_display
from reportlab import rl_config
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = landscape(A4)
MISSING = "?"
_SOURCES = {"FiraGO": "figo", "FiraGO-Bold": "figbo"}
_ESCAPED = str.maketrans({"\\": r"\\", "(": r"\(", ")": r"\)"})
_TOTAL = "total"  # the number of pages, drawn on each of them once it is known
rl_config.useA85 = 0  # pages as bytes: as letters they are larger, and take longer


@cache
def _font(name: str) -> TTFont:
    return TTFont(name, io.BytesIO(pymupdf_fonts.myfont(_SOURCES[name])))


@cache
def _letters() -> frozenset[int]:
    """The letters that all fonts have."""
    return frozenset(set.intersection(*(set(_font(name).face.charToGlyph) for name in _SOURCES)))


@dataclass(frozen=True)
class Ink:
    """A font in a size."""

    name: str
    size: float

    def width(self, text: str) -> float:
        """How wide a text is, in points."""
        widths = _widths(self.name)
        return sum([widths.get(letter, 500) for letter in text]) * self.size / 1000


@cache
def _widths(name: str) -> dict[str, float]:
    return {chr(code): width for code, width in _font(name).face.charWidths.items()}


PLAIN, BOLD = Ink("FiraGO", 7), Ink("FiraGO-Bold", 7)
TITLE, HEADING = Ink("FiraGO-Bold", 14), Ink("FiraGO-Bold", 11)


class Paper:
    """Pages, the first to the last; y is counted from the lower edge, in points."""

    def __init__(self, out: BinaryIO, title: str) -> None:
        self._canvas = Canvas(out, pagesize=(WIDTH, HEIGHT), pageCompression=1, invariant=1)
        self._canvas.setTitle(title)
        self._texts: list[str] = []
        self._rules: list[str] = []
        self._ink: Ink | None = None
        self._names = {name: self._subset(name, 0) for name in _SOURCES}
        self.pages = 1
        self._total_at = (0.0, 0.0)
        self.has_missing = False  # whether a letter was shown as MISSING

    def text(self, x: float, y: float, text: str, ink: Ink = PLAIN) -> None:
        """A text that begins here."""
        if ink is not self._ink:
            self._ink = ink
            self._texts.append(f"{self._names[ink.name]} {ink.size:g} Tf")
        self._texts.append(f"1 0 0 1 {x:.2f} {y:.2f} Tm {self._shown(text, ink)}")

    def text_to(self, x: float, y: float, text: str, ink: Ink = PLAIN, *, most: float = 0) -> None:
        """A text that ends here; pressed together if it is wider than `most`."""
        width = ink.width(text)
        if 0 < most < width:
            self._texts.append(f"{most / width * 100:.1f} Tz")
            self.text(x - most, y, text, ink)
            self._texts.append("100 Tz")
        else:
            self.text(x - width, y, text, ink)

    def rule(self, left: float, right: float, y: float, *, grey: float = 0) -> None:
        """A thin line."""
        self._rules.append(f"{grey:g} G 0.3 w {left:.2f} {y:.2f} m {right:.2f} {y:.2f} l S")

    def page_number(self, right: float, y: float) -> None:
        """Which page this is, of how many; at the same place on all of them."""
        self._total_at = (right - PLAIN.width("of 00000"), y)
        self.text_to(self._total_at[0] - 2, y, f"Page {self.pages}")
        self._canvas.doForm(_TOTAL)

    def next_page(self) -> None:
        """End this page."""
        self._flush()
        self._canvas.showPage()
        self.pages += 1

    def finish(self) -> None:
        """End the last page and the document."""
        self._flush()
        self._canvas.showPage()
        self._canvas.beginForm(_TOTAL)
        self.text(*self._total_at, f"of {self.pages}")
        self._flush()
        self._canvas.endForm()
        self._canvas.save()

    def _flush(self) -> None:
        if self._rules:
            self._canvas.addLiteral("\n".join(self._rules))
        if self._texts:
            self._canvas.addLiteral("BT\n" + "\n".join(self._texts) + "\nET")
        self._texts, self._rules, self._ink = [], [], None

    def _shown(self, text: str, ink: Ink) -> str:
        """The operators that show a text. ASCII stands in a font's first subset as it is."""
        if text.isascii() and text.isprintable():
            return f"({text.translate(_ESCAPED)}) Tj"
        drawn = "".join(
            letter if ord(letter) in _letters() else MISSING if letter.isprintable() else " "
            for letter in text
        )
        self.has_missing = self.has_missing or drawn.count(MISSING) > text.count(MISSING)
        parts = _font(ink.name).splitString(str(get_display(drawn)), self._document)
        return " ".join([*self._in_subsets(parts, ink), f"{self._names[ink.name]} {ink.size:g} Tf"])

    def _in_subsets(self, parts: Iterable[tuple[int, bytes]], ink: Ink) -> Iterable[str]:
        for number, codes in parts:
            yield f"{self._subset(ink.name, number)} {ink.size:g} Tf <{codes.hex()}> Tj"

    def _subset(self, name: str, number: int) -> str:
        return str(_font(name).getSubsetInternalName(number, self._document))

    @property
    def _document(self) -> Any:
        """What ReportLab counts a font's letters by."""
        return self._canvas._doc  # noqa: SLF001 - no other way to it
