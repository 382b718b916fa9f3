"""Keeps credentials out of the audit trail, by the name of a field and by the look of a value.

Nothing that writes an entry hands a credential over on purpose. This is the net below that rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from config.logging import MASK, mask_secrets

MAX_DEPTH = 20

# Names are compared without separators and case: "API-Key", "apiKey" and "api_key" are one.
_SECRET_NAME = re.compile(
    r"token|secret|apikey|authorization|verifier|password|passphrase|cookie|privatekey|hmac"
)
_PLAIN = (str, int, float, bool, type(None))
_AS_TEXT = (date, datetime, Decimal, UUID)


def redact(value: Any, *, depth: int = 0) -> Any:
    """The value as plain JSON data, with everything that may be a credential masked.

    Raises: TypeError for a kind of value that has no plain form, ValueError for endless nesting.
    """
    if depth > MAX_DEPTH:
        raise ValueError("details of an audit entry are nested too deeply")
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, _AS_TEXT):
        return str(value)
    if isinstance(value, dict | Mapping):
        return {
            mask_secrets(str(name)): _redact_field(str(name), item, depth)
            for name, item in value.items()
        }
    if is_dataclass(value) and not isinstance(value, type):
        return redact({one.name: getattr(value, one.name) for one in fields(value)}, depth=depth)
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth=depth + 1) for item in value]
    raise TypeError(f"{type(value).__name__} cannot stand in an audit entry")


def _redact_field(name: str, value: Any, depth: int) -> Any:
    return MASK if value and _names_a_secret(name) else redact(value, depth=depth + 1)


@lru_cache(maxsize=1024)  # details are told under the same few names
def _names_a_secret(name: str) -> bool:
    folded = re.sub(r"[^a-z]", "", name.lower())
    return _SECRET_NAME.search(folded) is not None
