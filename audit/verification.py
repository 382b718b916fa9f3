"""Checks that nobody changed, removed, inserted or cut entries of a tenant's audit chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from audit.chain import FORM, GENESIS, hash_of
from audit.models import AuditChain

PAGE_ROWS = 2000

# Postgres spells the columns as `hashed_columns` does: no entry is built only to be taken apart.
_ENTRIES = """
SELECT sequence, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       action, entity, actor, cause, correlation_id::text,
       replace(encode(details_encrypted, 'base64'), chr(10), ''), previous_hash, entry_hash
FROM audit_auditentry WHERE tenant_id = %s AND sequence > %s ORDER BY sequence
"""
_BEFORE_ALL = -(2**63)  # smaller than any sequence, so that a forged one below 1 is seen

Row = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class ChainReport:
    """What a check found. `first_bad_sequence` is where the chain stops being what it was."""

    tenant_id: int
    entries: int  # good ones, up to the first bad one
    intact: bool
    first_bad_sequence: int | None
    problem: str
    head_hash: str  # of the last good entry: to compare with an earlier, outside copy


class WrongScope(RuntimeError):
    """The chain was to be checked in a scope that hides its entries."""


def verify_chain(tenant_id: int, *, anchors: Mapping[int, str] | None = None) -> ChainReport:
    """Walk one tenant's chain from the start, inside a scope that shows this tenant.

    A tail that was cut shows against the chain's head row. Whoever rewrites entries and head alike
    is caught by `anchors`: copies from outside the database, sequence to hash.
    """
    _require_scope(tenant_id)
    walk = _Walk(tenant_id, anchors or {})
    head, known = _head(tenant_id), -1
    problem = walk.on()
    # Entries beyond the head are fine if it moved on as well: they were written meanwhile.
    while head and not problem and known < head.last_sequence < walk.sequence:
        known, head = head.last_sequence, _head(tenant_id)
        problem = walk.on()
    problem = (
        problem
        or _head_problem(head, walk.sequence, walk.head_hash)
        or _cut_problem(walk.anchors, walk.sequence)
    )
    return _report(tenant_id, walk.sequence, walk.head_hash, problem)


@dataclass
class _Walk:
    """How far a chain was found good."""

    tenant_id: int
    anchors: Mapping[int, str]
    sequence: int = 0
    head_hash: str = GENESIS

    def on(self) -> str:
        """From here to the end of the chain; what is wrong with the entry where it stops."""
        with connection.chunked_cursor() as cursor:
            cursor.execute(_ENTRIES, [self.tenant_id, self.sequence or _BEFORE_ALL])
            while rows := cursor.fetchmany(PAGE_ROWS):
                for row in rows:
                    if problem := self._problem(row):
                        return problem
                    self.sequence, self.head_hash = row[0], row[-1]
        return ""

    def _problem(self, row: Row) -> str:
        sequence, previous_hash, entry_hash = row[0], row[-2], row[-1]
        if sequence != self.sequence + 1:
            return f"entry {self.sequence + 1} is missing"
        if previous_hash != self.head_hash:
            return f"entry {sequence} does not follow from the one before it"
        if hash_of([FORM, self.tenant_id, *row[:-1]]) != entry_hash:
            return f"entry {sequence} was changed"
        if self.anchors.get(sequence, entry_hash) != entry_hash:
            return f"entry {sequence} is not the one that was anchored: the chain was rewritten"
        return ""


def _head(tenant_id: int) -> AuditChain | None:
    return AuditChain.objects.filter(tenant_id=tenant_id).first()


def _cut_problem(anchors: Mapping[int, str], sequence: int) -> str:
    newest = max(anchors, default=0)
    if newest > sequence:
        return (
            f"entries {sequence + 1} to {newest}, at least, are gone: they were anchored, so the "
            "end was cut or an older backup restored"
        )
    return ""


def _head_problem(head: AuditChain | None, sequence: int, last_hash: str) -> str:
    if head is None:
        return "the head of the chain is missing" if sequence else ""
    if head.last_sequence > sequence:
        return f"entries {sequence + 1} to {head.last_sequence} were cut off the end"
    if head.last_sequence < sequence:
        return f"the head knows only {head.last_sequence} entries"
    if head.last_hash != last_hash:
        return "the head names another last entry"
    return ""


def _report(tenant_id: int, good: int, head_hash: str, problem: str) -> ChainReport:
    return ChainReport(
        tenant_id=tenant_id,
        entries=good,
        intact=not problem,
        first_bad_sequence=good + 1 if problem else None,
        problem=problem,
        head_hash=head_hash,
    )


def _require_scope(tenant_id: int) -> None:
    """Hidden rows look like a chain that never was; so make sure that they are not hidden."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT app_scope()")
        (scope,) = cursor.fetchone()
    if scope not in {"*", str(tenant_id)}:
        raise WrongScope(f"chain of tenant {tenant_id} checked in the scope of {scope}")
