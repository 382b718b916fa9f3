"""Text that may be sent to a vendor: control characters out, limits kept, shortening said.

Characters of every script stay, right-to-left and 4-byte ones included.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from decimal import Decimal

_LINE_BREAKS = {"\r\n": "\n", "\r": "\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n"}
# Control characters and lone surrogates: neither can be shown, and the latter cannot be encoded.
_UNSENDABLE = {"Cc", "Cs"}
_MAX_SHOWN_DIGITS = 60


def clean(text: str) -> str:
    """One line of text: no control characters, white space collapsed, ends trimmed."""
    spaced = "".join(" " if c.isspace() else c for c in text)
    return " ".join(_sendable(spaced).split())


def clean_lines(text: str) -> str:
    """Text that may have several lines: no control characters save the line break."""
    for found, wanted in _LINE_BREAKS.items():
        text = text.replace(found, wanted)
    lines = (_sendable(line.replace("\t", " ")).rstrip() for line in text.split("\n"))
    return "\n".join(lines).strip()


def shorten(text: str, limit: int) -> str:
    """The text, cut to `limit` characters with "…" as the last one when it was longer."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def fit(text: str, limit: int, *, what: str, notes: list[str]) -> str:
    """The text within `limit` characters, with a note when it was shortened."""
    if len(text) <= limit:
        return text
    notes.append(f"{what}: shortened from {len(text)} to {limit} characters.")
    return shorten(text, limit)


def join_present(parts: Iterable[str], separator: str) -> str:
    """The non-empty parts, joined."""
    return separator.join(part for part in parts if part)


def plain_decimal(value: Decimal, *, places: int = 0) -> str:
    """The number without exponent or needless zeros, with at least so many places."""
    if not value.is_finite() or abs(value.adjusted()) > _MAX_SHOWN_DIGITS:
        return str(value)  # never write out a billion zeros
    whole, _, fraction = format(value, "f").partition(".")
    fraction = fraction.rstrip("0").ljust(places, "0")
    return f"{whole}.{fraction}" if fraction else whole


def _sendable(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c) not in _UNSENDABLE)
