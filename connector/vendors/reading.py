"""Typed reading of a vendor's JSON: strict about what the product needs, blind to the rest.

Shared by both vendors; knows no field of either. A failure tells where, what was expected and what
kind of value was found, never the value of a text or the whole body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

from connector.errors import VendorContractBroken

MAX_DIGITS = 40
_PLAIN_DECIMAL = re.compile(r"-?\d{1,40}(\.\d{1,40})?", re.ASCII)


def parse_json(text: bytes) -> object:
    """The JSON value, numbers with a point as Decimal; ValueError if it is not JSON."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


@dataclass(frozen=True)
class Fields:
    """One JSON object of an answer and where in the answer it stands, e.g. "invoice.lines[2]"."""

    vendor: str
    where: str
    data: Mapping[str, object]

    def __repr__(self) -> str:
        return f"Fields({self.vendor!r}, {self.where!r})"

    @classmethod
    def of(cls, value: object, *, vendor: str, where: str) -> Fields:
        """The value as an object. Raises VendorContractBroken if it is none."""
        if not isinstance(value, dict):
            raise contract_broken(vendor, where, expected="an object", found=value)
        return cls(vendor, where, value)

    def has(self, key: str) -> bool:
        """Whether the key is there and not null."""
        return self.data.get(key) is not None

    def text(self, key: str) -> str:
        """A required, non-empty text."""
        value = self.data.get(key)
        if isinstance(value, str) and value:
            return value
        raise self.broken(key, expected="a text", found=value)

    def text_or_empty(self, key: str) -> str:
        """A text, or "" if it is missing or null. A number is taken as its digits."""
        value = self.data.get(key)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return str(value)
        raise self.broken(key, expected="a text or null", found=value)

    def integer(self, key: str) -> int:
        """A required integer; digits in quotes are taken too (ids come both ways)."""
        value = self.data.get(key)
        if type(value) is int:
            return value
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
            return int(value)
        raise self.broken(key, expected="an integer", found=value)

    def integer_or_none(self, key: str) -> int | None:
        """An integer, or None if it is missing or null."""
        return self.integer(key) if self.has(key) else None

    def flag(self, key: str) -> bool:
        """A required boolean."""
        value = self.data.get(key)
        if isinstance(value, bool):
            return value
        raise self.broken(key, expected="true or false", found=value)

    def flag_or_false(self, key: str) -> bool:
        """A boolean, false if it is missing or null."""
        return self.flag(key) if self.has(key) else False

    def decimal(self, key: str) -> Decimal:
        """A required plain decimal, as text or number; never NaN or infinite."""
        value = self.data.get(key)
        if isinstance(value, str) and _PLAIN_DECIMAL.fullmatch(value):
            return Decimal(value)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            number = Decimal(value)
            # Nobody's quantity or price has 40 digits; writing out 1E+999999 would take all memory.
            if number.is_finite() and -MAX_DIGITS <= number.adjusted() <= MAX_DIGITS:
                return number
        raise self.broken(key, expected="a decimal", found=value)

    def decimal_or_zero(self, key: str) -> Decimal:
        """A decimal, 0 if it is missing, null or empty."""
        return Decimal(0) if self.data.get(key) in (None, "") else self.decimal(key)

    def child(self, key: str) -> Fields:
        """A required object."""
        return Fields.of(self.data.get(key), vendor=self.vendor, where=f"{self.where}.{key}")

    def child_or_none(self, key: str) -> Fields | None:
        """An object, or None if it is missing or null."""
        return self.child(key) if self.has(key) else None

    def children(self, key: str) -> list[Fields]:
        """A required list of objects."""
        return [
            Fields.of(item, vendor=self.vendor, where=f"{self.where}.{key}[{number}]")
            for number, item in enumerate(self.items(key))
        ]

    def items(self, key: str) -> list[object]:
        """A required list."""
        value = self.data.get(key)
        if isinstance(value, list):
            return value
        raise self.broken(key, expected="a list", found=value)

    def broken(self, key: str, *, expected: str, found: object) -> VendorContractBroken:
        """The error for a field that is not as the contract says."""
        return contract_broken(
            self.vendor, f"{self.where}.{key}", expected=expected, found=found, field=key
        )


def contract_broken(
    vendor: str, where: str, *, expected: str, found: object, field: str = ""
) -> VendorContractBroken:
    """Tell where, expected and found, without the value itself."""
    return VendorContractBroken(
        f"{vendor} answered {where}: expected {expected}, found {kind_of(found)}.",
        next_step="Tell the maintainers: the vendor's answer has changed.",
        vendor=vendor,
        field=field,
    )


def kind_of(value: object) -> str:
    """The kind of a JSON value in words, with its size but never its content."""
    if value is None:
        return "nothing"
    words = {bool: "a boolean", int: "a number", Decimal: "a number"}
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object of {len(value)} fields"
    return words.get(type(value), type(value).__name__)
