"""Checks that nobody changed, removed, inserted or cut entries of a tenant's audit chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

from audit.chain import GENESIS, entry_hash
from audit.models import AuditChain, AuditEntry

BATCH_ROWS = 2000


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
    anchors = anchors or {}
    _require_scope(tenant_id)
    head = AuditChain.objects.filter(tenant_id=tenant_id).first()
    entries = AuditEntry.objects.filter(tenant_id=tenant_id).order_by("sequence")
    previous_hash, sequence = GENESIS, 0
    for entry in entries.iterator(chunk_size=BATCH_ROWS):
        problem = _problem(
            entry, expected_sequence=sequence + 1, previous_hash=previous_hash
        ) or _anchor_problem(entry, anchors)
        if problem:
            return _report(tenant_id, sequence, previous_hash, problem)
        previous_hash, sequence = entry.entry_hash, entry.sequence
    problem = _head_problem(head, sequence, previous_hash) or _cut_problem(anchors, sequence)
    return _report(tenant_id, sequence, previous_hash, problem)


def _problem(entry: AuditEntry, *, expected_sequence: int, previous_hash: str) -> str:
    if entry.sequence != expected_sequence:
        return f"entry {expected_sequence} is missing"
    if entry.previous_hash != previous_hash:
        return f"entry {entry.sequence} does not follow from the one before it"
    if entry_hash(entry) != entry.entry_hash:
        return f"entry {entry.sequence} was changed"
    return ""


def _anchor_problem(entry: AuditEntry, anchors: Mapping[int, str]) -> str:
    if anchors.get(entry.sequence, entry.entry_hash) != entry.entry_hash:
        return f"entry {entry.sequence} is not the one that was anchored: the chain was rewritten"
    return ""


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
