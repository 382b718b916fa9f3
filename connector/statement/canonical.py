"""The one form in which JSON is written and hashed: `verify_statement.py` knows the same."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from connector.statement.records import Statement


def canonical(data: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8. There are no fractions in it: amounts are integers."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def sha256(data: bytes) -> str:
    """As 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def statement_hash(statement: Statement) -> str:
    """The hash of statement.json."""
    return sha256(canonical(statement.plain()))
