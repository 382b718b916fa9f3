"""The two statements that write a chain: lock its head, then add entries and move the head on.

Both run for nearly every commit of the product, so they are written out and prepared (config.prepared).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from audit.chain import GENESIS
from audit.encryption import new_data_key
from audit.models import AuditChain, AuditEntry
from config.prepared import prepared_cursor

_LOCK = """
SELECT id, last_sequence, last_hash, data_key_sealed FROM audit_auditchain
WHERE tenant_id = %s FOR UPDATE
"""
# The entries go over as one text: Postgres takes it apart quicker than psycopg puts arrays together.
_APPEND = """
WITH added AS (
    INSERT INTO audit_auditentry (
        tenant_id, sequence, at, action, entity, actor, cause, correlation_id, details_encrypted,
        previous_hash, entry_hash
    ) SELECT %s, sequence, at, action, entity, actor, cause, correlation_id,
        decode(details, 'base64'), previous_hash, entry_hash
    FROM jsonb_to_recordset(%s::jsonb) AS entry (
        sequence bigint, at timestamptz, action text, entity text, actor text, cause text,
        correlation_id uuid, details text, previous_hash text, entry_hash text)
)
UPDATE audit_auditchain SET last_sequence = %s, last_hash = %s WHERE tenant_id = %s
"""
_PLAIN = ("sequence", "action", "entity", "actor", "cause", "previous_hash", "entry_hash")
_SEALED_KEY: Any = AuditChain.data_key_sealed.field


def locked_chain(tenant_id: int) -> AuditChain:
    """The head of the chain, locked until the transaction ends; made on first use."""
    chain = _lock(tenant_id)
    if chain is None:
        new = AuditChain(tenant_id=tenant_id, last_hash=GENESIS)
        new.data_key = new_data_key()
        AuditChain.objects.bulk_create([new], ignore_conflicts=True)
        chain = _lock(tenant_id)
    if chain is None:
        raise AuditChain.DoesNotExist(f"the audit chain of tenant {tenant_id} could not be made")
    return chain


def _lock(tenant_id: int) -> AuditChain | None:
    with prepared_cursor() as cursor:
        cursor.execute(_LOCK, [tenant_id])
        row = cursor.fetchone()
    if row is None:
        return None
    key, last_sequence, last_hash, sealed = row
    return AuditChain(
        pk=key,
        tenant_id=tenant_id,
        last_sequence=last_sequence,
        last_hash=last_hash,
        data_key_sealed=_SEALED_KEY.from_db_value(sealed, None, None),
    )


def append(tenant_id: int, entries: Sequence[AuditEntry]) -> None:
    """Add entries, in their order, to the chain that is locked; the last one is its head."""
    last = entries[-1]
    text = json.dumps([_fields(entry) for entry in entries])
    with prepared_cursor() as cursor:
        cursor.execute(_APPEND, [tenant_id, text, last.sequence, last.entry_hash, tenant_id])


def _fields(entry: AuditEntry) -> dict[str, Any]:
    fields = entry.__dict__
    return {name: fields[name] for name in _PLAIN} | {
        "at": entry.at.isoformat(),
        "correlation_id": str(entry.correlation_id) if entry.correlation_id else None,
        "details": base64.b64encode(entry.details_encrypted).decode(),
    }
