"""Writing the audit trail, in the same commit as the change that it tells of, and reading it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connection, transaction
from django.utils import timezone

from audit.appending import append, locked_chain
from audit.chain import NewEntry, close
from audit.encryption import cipher_of, decrypt_details, encrypt_details, place_of
from audit.models import AuditChain, AuditEntry
from audit.redaction import redact
from config.logging import mask_secrets

_untold: ContextVar[bool] = ContextVar("audit_untold", default=False)
_gathering: ContextVar[_Gathering | None] = ContextVar("audit_gathering", default=None)


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


class RecordedInSavepoint(RuntimeError):
    """Entries are gathered: one recorded within a savepoint would outlive that being taken back."""


@dataclass(frozen=True)
class _Open:
    """A chain that is locked: its head as it will be, and the entries that it is to get."""

    chain: AuditChain
    cipher: AESGCM
    lines: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, tenant_id: int) -> _Open:
        """Lock it."""
        chain = _locked_chain(tenant_id)
        return cls(chain, cipher_of(chain.data_key))

    def append(self) -> None:
        """Write down what it got."""
        append(self.chain, self.lines)


@dataclass(frozen=True)
class _Gathering:
    """The chains that were locked meanwhile."""

    savepoints: int
    chains: dict[int, _Open] = field(default_factory=dict)

    def locked(self, tenant_id: int) -> _Open:
        """The chain that the next entry goes to."""
        if any(connection.savepoint_ids[self.savepoints :]):
            raise RecordedInSavepoint(f"an entry of tenant {tenant_id}")
        if tenant_id not in self.chains:
            self.chains[tenant_id] = _Open.of(tenant_id)
        return self.chains[tenant_id]


@contextmanager
def gathered() -> Iterator[None]:
    """Append all that is recorded in here at its end, by one statement for each chain.

    Inside a transaction that fails as a whole if anything in here does.
    """
    gathering = _Gathering(len(connection.savepoint_ids))
    token = _gathering.set(gathering)
    try:
        yield
    finally:
        _gathering.reset(token)
    for chain in gathering.chains.values():
        chain.append()


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
) -> NewEntry | None:
    """Append one entry to the tenant's chain, inside the caller's transaction and scope.

    Entries of one tenant wait for each other from here to the end of the transaction: record as
    late in it as possible. Credentials in `details` are masked; texts too long for their column
    are cut, for an audit entry must never be the reason why work fails. None within `untold`.
    Raises: NotInTransaction, KeysErased.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction(f"{action} was to be recorded outside a transaction")
    if _untold.get():
        return None
    told = redact(details)
    gathering = _gathering.get()
    to = _Open.of(tenant_id) if gathering is None else gathering.locked(tenant_id)
    entry = _follow(to, _fit(action, 80), _fit(entity, 120), cause, told)
    if gathering is None:
        to.append()
    return entry


def _follow(to: _Open, action: str, entity: str, cause: Cause, details: Any) -> NewEntry:
    """The next entry of a chain whose head is locked; it becomes the head."""
    chain, sequence = to.chain, to.chain.last_sequence + 1
    place = place_of(tenant_id=chain.tenant_id, sequence=sequence, action=action)
    entry = NewEntry(
        tenant_id=chain.tenant_id,
        sequence=sequence,
        at=timezone.now(),
        action=action,
        entity=entity,
        actor=_fit(cause.actor, 150),
        cause=_fit(cause.reason, 300),
        correlation_id=cause.correlation_id,
        details_encrypted=encrypt_details(details, cipher=to.cipher, place=place),
        previous_hash=chain.last_hash,
    )
    to.lines.append(close(entry))
    chain.last_sequence, chain.last_hash = sequence, entry.entry_hash
    return entry


def read_details(entry: AuditEntry | NewEntry) -> Any:
    """What the entry says in detail.

    Raises: KeysErased after an erasure; cryptography's InvalidTag if the entry was changed.
    """
    chain = AuditChain.objects.get(tenant_id=entry.tenant_id)
    if not chain.data_key:
        raise KeysErased(f"the audit details of tenant {entry.tenant_id} were erased")
    place = place_of(tenant_id=entry.tenant_id, sequence=entry.sequence, action=entry.action)
    return decrypt_details(
        bytes(entry.details_encrypted), cipher=cipher_of(chain.data_key), place=place
    )


def erase_keys(tenant_id: int) -> None:
    """Make all details of a tenant unreadable for ever. The chain stays and still verifies."""
    chain = _locked_chain(tenant_id)
    chain.data_key = ""
    chain.save(update_fields=["data_key_sealed"])


def _locked_chain(tenant_id: int) -> AuditChain:
    """The head of a chain that can still be written, locked until the transaction ends."""
    chain = locked_chain(tenant_id)
    if not chain.data_key:
        raise KeysErased(f"tenant {tenant_id} was erased; nothing is recorded for it")
    return chain


def _fit(text: str, length: int) -> str:
    """The text without credentials and NULs, cut to its column."""
    clean = mask_secrets(text).replace("\0", "�")
    return clean if len(clean) <= length else clean[: length - 1] + "…"
