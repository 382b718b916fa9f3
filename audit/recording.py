"""Writing the audit trail, in the same commit as the change that it tells of, and reading it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from audit.chain import GENESIS, entry_hash
from audit.encryption import decrypt_details, encrypt_details, new_data_key, place_of
from audit.models import AuditChain, AuditEntry
from audit.redaction import redact
from config.logging import mask_secrets

_untold: ContextVar[bool] = ContextVar("audit_untold", default=False)


@dataclass(frozen=True)
class Cause:
    """Who or what made something happen, why, and the id that ties the steps together."""

    actor: str
    reason: str
    correlation_id: UUID


class NotInTransaction(RuntimeError):
    """An entry must commit together with the change that it tells of."""


class KeysErased(RuntimeError):
    """The tenant was erased: its details cannot be read, and nothing more is written for it."""


@contextmanager
def untold() -> Iterator[None]:
    """Record nothing in here, for nothing in here happens.

    The transaction is taken back at the end, whatever comes: no change goes without its entry.
    """
    token = _untold.set(True)
    try:
        yield
    finally:
        _untold.reset(token)
        transaction.set_rollback(True)


def record(
    *, tenant_id: int, action: str, entity: str, cause: Cause, details: Mapping[str, Any]
) -> AuditEntry:
    """Append one entry to the tenant's chain, inside the caller's transaction and scope.

    Entries of one tenant wait for each other from here to the end of the transaction: record as
    late in it as possible. Credentials in `details` are masked; texts too long for their column
    are cut, for an audit entry must never be the reason why work fails.
    Raises: NotInTransaction, KeysErased.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction(f"{action} was to be recorded outside a transaction")
    if _untold.get():
        return AuditEntry(tenant_id=tenant_id, action=action, entity=entity)
    chain = _locked_chain(tenant_id)
    entry = AuditEntry(
        tenant_id=tenant_id,
        sequence=chain.last_sequence + 1,
        at=timezone.now(),
        action=_fit(action, 80),
        entity=_fit(entity, 120),
        actor=_fit(cause.actor, 150),
        cause=_fit(cause.reason, 300),
        correlation_id=cause.correlation_id,
        previous_hash=chain.last_hash,
    )
    entry.details_encrypted = encrypt_details(
        redact(details), data_key=chain.data_key, place=_place(entry)
    )
    entry.entry_hash = entry_hash(entry)
    entry.save(force_insert=True)
    chain.last_sequence, chain.last_hash = entry.sequence, entry.entry_hash
    chain.save(update_fields=["last_sequence", "last_hash"])
    return entry


def read_details(entry: AuditEntry) -> Any:
    """What the entry says in detail.

    Raises: KeysErased after an erasure; cryptography's InvalidTag if the entry was changed.
    """
    chain = AuditChain.objects.get(tenant_id=entry.tenant_id)
    if not chain.data_key:
        raise KeysErased(f"the audit details of tenant {entry.tenant_id} were erased")
    return decrypt_details(
        bytes(entry.details_encrypted), data_key=chain.data_key, place=_place(entry)
    )


def erase_keys(tenant_id: int) -> None:
    """Make all details of a tenant unreadable for ever. The chain stays and still verifies."""
    chain = _locked_chain(tenant_id)
    chain.data_key = ""
    chain.save(update_fields=["data_key_sealed"])


def _locked_chain(tenant_id: int) -> AuditChain:
    """The head of the chain, locked until the transaction ends; made on first use."""
    heads = AuditChain.objects.select_for_update().filter(tenant_id=tenant_id)
    chain = heads.first()
    if chain is None:
        new = AuditChain(tenant_id=tenant_id, last_hash=GENESIS)
        new.data_key = new_data_key()
        AuditChain.objects.bulk_create([new], ignore_conflicts=True)
        chain = heads.get()
    if not chain.data_key:
        raise KeysErased(f"tenant {tenant_id} was erased; nothing is recorded for it")
    return chain


def _place(entry: AuditEntry) -> bytes:
    return place_of(tenant_id=entry.tenant_id, sequence=entry.sequence, action=entry.action)


def _fit(text: str, length: int) -> str:
    """The text without credentials and NULs, cut to its column."""
    clean = mask_secrets(text).replace("\0", "�")
    return clean if len(clean) <= length else clean[: length - 1] + "…"
