"""Checks values a caller writes, field by field, with FreshBooks' error numbers."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.core.switches import Switches
from sandbox.freshbooks.money import ZERO, read_decimal
from sandbox.freshbooks.problems import (
    BAD_DATE,
    BAD_PERCENT,
    INVALID,
    NEGATIVE,
    NOT_A_NUMBER,
    NOT_BOOLEAN,
    NOT_WRITABLE,
    REQUIRED,
    TOO_LONG,
    UNMAPPABLE,
    Problem,
)

Check = Callable[[Any], Any]
"""Value in, clean value out, or Problem."""

NAME_LIMIT = 255
LONG_LIMIT = 65535


def text(limit: int = NAME_LIMIT, *, empty: str | None = "") -> Check:
    """A text of at most `limit` characters; null becomes `empty`."""

    def check(value: Any) -> str | None:
        if value is None:
            return empty
        if not isinstance(value, str):
            raise Problem(INVALID, "Value must be a string.", value=value)
        if len(value) > limit:
            raise Problem(TOO_LONG, f"Value is longer than {limit} characters.", value=value)
        return value

    return check


def boolean(value: Any) -> bool:
    """True or false, nothing else."""
    if not isinstance(value, bool):
        raise Problem(NOT_BOOLEAN, "Value must be a boolean.", value=value)
    return value


def integer(value: Any) -> int:
    """A whole number; digits in a string are taken too."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Problem(NOT_A_NUMBER, "Value must be an integer.", value=value)
    return value


def not_negative(value: Any) -> int:
    """A whole number from zero."""
    number = integer(value)
    if number < 0:
        raise Problem(NEGATIVE, "Value must not be negative.", value=value)
    return number


def calendar_date(value: Any) -> date:
    """YYYY-MM-DD."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise Problem(BAD_DATE, "Date must be YYYY-MM-DD.", value=value)


def optional_date(value: Any) -> str | None:
    """YYYY-MM-DD or null, kept as text."""
    return None if value in (None, "") else calendar_date(value).isoformat()


def number(value: Any) -> Decimal:
    """A decimal as string or JSON number."""
    decimal = read_decimal(value)
    if decimal is None:
        raise Problem(NOT_A_NUMBER, "Value must be a number.", value=value)
    return decimal


def percent(value: Any) -> Decimal:
    """0 to 100 with at most three decimals; null and "" are 0."""
    if value in (None, ""):
        return ZERO
    decimal = read_decimal(value)
    if decimal is None or not 0 <= decimal <= 100 or decimal != round(decimal, 3):
        raise Problem(BAD_PERCENT, "Percentage must be between 0 and 100.", value=value)
    return decimal


def currency(value: Any) -> str:
    """Three capital letters."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{3}", value):
        raise Problem(INVALID, "Invalid currency code.", value=value)
    return value


def email(value: Any) -> str:
    """Something@something, or empty."""
    address = text()(value) or ""
    if address and not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
        raise Problem(INVALID, "Invalid email address.", value=value)
    return str(address)


def money(value: Any, expected_currency: str) -> Decimal:
    """`{"amount", "code"}`, the code optional but equal to the one expected."""
    if not isinstance(value, Mapping) or "amount" not in value:
        raise Problem(INVALID, "Amount must be an object with amount and code.", value=value)
    code = value.get("code") or expected_currency
    if code != expected_currency:
        raise Problem(INVALID, "Currency must match the invoice.", value=code)
    return number(value["amount"])


def clean(
    data: Mapping[str, Any],
    checks: Mapping[str, Check],
    *,
    thing: str,
    switches: Switches,
    read_only: Collection[str] = (),
) -> dict[str, Any]:
    """The writable fields of `data`, checked; others refused or dropped as switches say."""
    cleaned: dict[str, Any] = {}
    for name, value in data.items():
        if name in checks:
            try:
                cleaned[name] = checks[name](value)
            except Problem as problem:
                raise problem.about(name, thing) from problem
        elif name in read_only and switches["read_only_fields"] == "refused":
            raise not_writable(name, thing, value)
        elif name not in read_only and switches["unknown_fields"] == "refused":
            raise Problem(UNMAPPABLE, f"Unknown field {name}.", field=name, thing=thing)
    return cleaned


def not_writable(name: str, thing: str, value: Any) -> Problem:
    """Errno 1038."""
    message = f"Field {name} is not writable."
    return Problem(NOT_WRITABLE, message, field=name, thing=thing, value=value)


def require(data: Mapping[str, Any], names: tuple[str, ...], thing: str) -> None:
    """Refuse a create that lacks something."""
    for name in names:
        if data.get(name) in (None, ""):
            raise Problem(REQUIRED, f"The {name} field is required.", field=name, thing=thing)


def vis_state(value: Any, allowed: tuple[int, ...], thing: str) -> int:
    """One of the allowed states."""
    if isinstance(value, bool) or value not in allowed:
        raise Problem(INVALID, "Invalid vis_state.", field="vis_state", thing=thing, value=value)
    return int(value)


def phase_of(data: Mapping[str, Any]) -> str:
    """Which part of a PUT is carried out; the rest of the body is dropped silently."""
    if "ext_vis_state" in data:
        return "ext_vis_state"
    if "vis_state" in data:
        return "vis_state"
    if any(name.startswith("action_") and value for name, value in data.items()):
        return "actions"
    return "data"
