"""The two statements that write a chain: lock its head, then add entries and move the head on.

Both run for nearly every commit of the product, so they are written out and prepared (config.prepared).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audit.chain import GENESIS
from audit.encryption import new_data_key
from audit.models import AuditChain
from config.prepared import prepared_cursor

_LOCK = """
SELECT id, last_sequence, last_hash, data_key_sealed FROM audit_auditchain
WHERE tenant_id = %s FOR UPDATE
"""
# Each entry goes over as the JSON that was hashed (audit.chain), so what is stored is what its hash is
# of; all as one text, which Postgres takes apart quicker than psycopg puts arrays together.
_APPEND = """
WITH added AS (
    INSERT INTO audit_auditentry (
        tenant_id, sequence, at, action, entity, actor, cause, correlation_id, details_encrypted,
        previous_hash, entry_hash
    ) SELECT (line->>1)::bigint, (line->>2)::bigint, (line->>3)::timestamptz, line->>4, line->>5,
        line->>6, line->>7, (line->>8)::uuid, decode(line->>9, 'base64'), line->>10, line->>11
    FROM jsonb_array_elements(%s::jsonb) AS line
)
UPDATE audit_auditchain SET last_sequence = %s, last_hash = %s WHERE id = %s
"""
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


def append(chain: AuditChain, lines: Iterable[str]) -> None:
    """Add entries, in their order, to the chain that is locked; `chain` is its head after them."""
    values: list[int | str] = [
        f"[{','.join(lines)}]",
        chain.last_sequence,
        chain.last_hash,
        chain.pk,
    ]
    with prepared_cursor() as cursor:
        cursor.execute(_APPEND, values)
