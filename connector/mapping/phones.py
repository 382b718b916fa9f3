"""Free-text telephone numbers to what Stripe takes: 20 characters at most."""

from __future__ import annotations

import re
from collections.abc import Iterable

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from connector.mapping.text import clean

MAX_PHONE = 20
_LOOKS_LIKE_A_NUMBER = re.compile(r"\+?[0-9()./ -]*")
_MIN_DIGITS = 5
_MAX_READ = 100  # people write stories into this field; nothing longer is a number


def to_phone(candidates: Iterable[str], country: str | None, notes: list[str]) -> str:
    """The first usable number, in E.164 form where it can be told, else as written; "" if none.

    A note says which number was left out, and when an extension was.
    """
    for candidate in candidates:
        written = clean(candidate)
        if not written:
            continue
        if phone := _e164(written, country, notes) or _as_written(written):
            return phone
        notes.append(f"Phone {written[:40]!r} was left out: Stripe takes {MAX_PHONE} characters.")
    return ""


def _e164(written: str, country: str | None, notes: list[str]) -> str:
    try:
        number = phonenumbers.parse(written[:_MAX_READ], country)
    except NumberParseException:
        return ""
    if len(written) > _MAX_READ or not phonenumbers.is_valid_number(number):
        return ""
    if number.extension:
        notes.append(f"Phone: extension {number.extension} was left out.")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _as_written(written: str) -> str:
    digits = sum(c.isdigit() for c in written)
    usable = len(written) <= MAX_PHONE and digits >= _MIN_DIGITS
    return written if usable and _LOOKS_LIKE_A_NUMBER.fullmatch(written) else ""
