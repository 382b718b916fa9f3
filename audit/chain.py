"""The hash that ties each audit entry to the one before it.

Written so that a stand-alone script can repeat it: SHA-256 over the canonical JSON of every column
in the order of `hashed_columns`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from audit.encryption import canonical_json
from audit.models import AuditEntry

FORM = "ml-connector audit entry 1"
GENESIS = "0" * 64


@dataclass(slots=True, kw_only=True)
class NewEntry:
    """An entry as it is written: a row of `AuditEntry`, without what a model costs."""

    tenant_id: int
    sequence: int
    at: datetime
    action: str
    entity: str
    actor: str
    cause: str
    correlation_id: UUID | None
    details_encrypted: bytes
    previous_hash: str
    entry_hash: str = ""


def entry_hash(entry: AuditEntry | NewEntry) -> str:
    """The hash that the entry's columns add up to, whatever its `entry_hash` says."""
    return hash_of(hashed_columns(entry))


def hash_of(columns: Sequence[str | int | None]) -> str:
    """The hash of columns in the order and the spelling of `hashed_columns`."""
    return hashlib.sha256(canonical_json(columns)).hexdigest()


def close(entry: NewEntry) -> str:
    """Give the entry its hash. Answers the JSON that was hashed, with the hash as one more element."""
    hashed = canonical_json(hashed_columns(entry))
    entry.entry_hash = hashlib.sha256(hashed).hexdigest()
    return f'{hashed[:-1].decode()},"{entry.entry_hash}"]'


def hashed_columns(entry: AuditEntry | NewEntry) -> list[str | int | None]:
    """Every column but the key and the hash itself. Times in UTC with six digits."""
    return [
        FORM,
        entry.tenant_id,
        entry.sequence,
        entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        entry.action,
        entry.entity,
        entry.actor,
        entry.cause,
        str(entry.correlation_id) if entry.correlation_id else None,
        base64.b64encode(bytes(entry.details_encrypted)).decode(),
        entry.previous_hash,
    ]
