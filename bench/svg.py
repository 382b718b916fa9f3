"""Plots as SVG, written by hand: points, lines, axes that are linear or logarithmic, a legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 36, 44, 48
COLOURS = ("#0f766e", "#c2410c", "#4338ca", "#a16207")
INK, GRID = "#334155", "#e2e8f0"
Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`; a logarithmic one has a tick at each power of ten."""

    title: str
    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """Where a value lies, from 0 to 1."""
        if self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            return (math.log10(max(value, self.low)) - low) / (high - low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Values to write beside the axis."""
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1)]
        step = nice_step((self.high - self.low) / 5)
        first = math.ceil(self.low / step)
        return [number * step for number in range(first, math.floor(self.high / step) + 1)]


@dataclass(frozen=True)
class Line:
    """One series; `dashed` for what is computed rather than measured."""

    name: str
    points: Sequence[Point]
    dashed: bool = False
    dots: bool = True


@dataclass
class Plot:
    """One picture."""

    title: str
    x: Axis
    y: Axis
    lines: list[Line] = field(default_factory=list)

    def svg(self) -> str:
        """The whole document."""
        body = [*self._grid(), *self._series(), *self._legend()]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
            f' font-family="system-ui, sans-serif" font-size="12" fill="{INK}" role="img">\n'
            f"<title>{escape(self.title)}</title>\n"
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n'
            + "\n".join(body)
            + "\n</svg>\n"
        )

    def _at(self, point: Point) -> Point:
        across, up = self.x.share(point[0]), self.y.share(point[1])
        return (
            round(LEFT + across * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 1),
        )

    def _grid(self) -> list[str]:
        parts = [_text(LEFT, 20, self.title, "font-size='14' font-weight='600'")]
        for tick in self.y.ticks():
            _, y = self._at((self.x.low, tick))
            parts.append(f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="{GRID}"/>')
            parts.append(_text(LEFT - 8, y + 4, label(tick), "text-anchor='end'"))
        for tick in self.x.ticks():
            x, _ = self._at((tick, self.y.low))
            parts.append(f'<path d="M{x} {TOP}V{HEIGHT - BOTTOM}" stroke="{GRID}"/>')
            parts.append(_text(x, HEIGHT - BOTTOM + 18, label(tick), "text-anchor='middle'"))
        middle = (LEFT + WIDTH - RIGHT) / 2
        parts.append(_text(middle, HEIGHT - 10, self.x.title, "text-anchor='middle'"))
        height = (TOP + HEIGHT - BOTTOM) / 2
        turned = f"text-anchor='middle' transform='rotate(-90 16 {height})'"
        parts.append(_text(16, height, self.y.title, turned))
        return parts

    def _series(self) -> list[str]:
        parts = []
        for line, colour in zip(self.lines, COLOURS, strict=False):
            points = [self._at(point) for point in line.points]
            path = "L".join(f"{x} {y}" for x, y in points)
            dash = ' stroke-dasharray="5 4"' if line.dashed else ""
            parts.append(
                f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
            )
            if line.dots:
                parts += [f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>' for x, y in points]
        return parts

    def _legend(self) -> list[str]:
        parts, x = [], float(LEFT)
        for line, colour in zip(self.lines, COLOURS, strict=False):
            parts.append(f'<rect x="{x}" y="29" width="12" height="4" fill="{colour}"/>')
            parts.append(_text(x + 16, 35, line.name, ""))
            x += 32 + 6.4 * len(line.name)
        return parts


def nice_step(rough: float) -> float:
    """1, 2 or 5 times a power of ten, at least as large."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * one for one in (1, 2, 5, 10) if power * one >= rough - 1e-12)


def label(value: float) -> str:
    """A number as people write it."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if float(value).is_integer() else f"{value:g}"


def _text(x: float, y: float, text: str, attributes: str) -> str:
    return f'<text x="{x}" y="{y}" {attributes}>{escape(text)}</text>'
