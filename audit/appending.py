"""The two statements that write a chain: lock its head, then add entries and move the head on.

Both run for nearly every commit of the product, so they are written out and prepared (config.prepared).
"""

from __future__ import annotations

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
_APPEND = """
WITH added AS (
    INSERT INTO audit_auditentry (
        tenant_id, sequence, at, action, entity, actor, cause, correlation_id, details_encrypted,
        previous_hash, entry_hash
    ) SELECT %s, * FROM unnest(
        %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[], %s::uuid[],
        %s::bytea[], %s::text[], %s::text[])
)
UPDATE audit_auditchain SET last_sequence = %s, last_hash = %s WHERE tenant_id = %s
"""
_COLUMNS = (
    "sequence",
    "at",
    "action",
    "entity",
    "actor",
    "cause",
    "correlation_id",
    "details_encrypted",
    "previous_hash",
    "entry_hash",
)
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
    columns = [[getattr(entry, name) for entry in entries] for name in _COLUMNS]
    last = entries[-1]
    with prepared_cursor() as cursor:
        cursor.execute(_APPEND, [tenant_id, *columns, last.sequence, last.entry_hash, tenant_id])
