"""Writing the audit trail: in the caller's commit, gapless, encrypted, without credentials."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.exceptions import InvalidTag
from django.db import ProgrammingError, connection, transaction

from audit.chain import NewEntry
from audit.models import AuditChain, AuditEntry
from audit.recording import (
    Cause,
    KeysErased,
    NotInTransaction,
    erase_keys,
    read_details,
    record,
)
from audit.verification import verify_chain
from tenants.models import Tenant
from tenants.scope import every_tenant, tenant_scope
from tests.factories import make_tenant
from tests.threads import at_once

CAUSE = Cause(actor="worker", reason="poll", correlation_id=UUID(int=7))


def note(tenant: Tenant, action: str = "payment.recorded", **details: Any) -> NewEntry:
    return told("invoice:7", CAUSE, details, tenant=tenant, action=action)


def told(
    entity: str, cause: Cause, details: Any, *, tenant: Tenant, action: str = "key.checked"
) -> NewEntry:
    entry = record(tenant_id=tenant.pk, action=action, entity=entity, cause=cause, details=details)
    assert entry is not None
    return entry


def test_an_entry_carries_who_what_why_and_readable_details(fresh_tenant: Tenant) -> None:
    with tenant_scope(fresh_tenant.pk):
        note(fresh_tenant, amount_minor=1999, currency="CAD")
        entry = AuditEntry.objects.get(tenant_id=fresh_tenant.pk)
        assert (entry.sequence, entry.actor, entry.cause) == (1, "worker", "poll")
        assert entry.correlation_id == CAUSE.correlation_id
        assert read_details(entry) == {"amount_minor": 1999, "currency": "CAD"}
        assert b"CAD" not in bytes(entry.details_encrypted)


def test_each_entry_follows_from_the_one_before(fresh_tenant: Tenant) -> None:
    with tenant_scope(fresh_tenant.pk):
        first, second = note(fresh_tenant), note(fresh_tenant)
    assert (first.sequence, second.sequence) == (1, 2)
    assert second.previous_hash == first.entry_hash != second.entry_hash


def test_a_rolled_back_change_leaves_no_entry(fresh_tenant: Tenant) -> None:
    def fail() -> None:
        with tenant_scope(fresh_tenant.pk):
            note(fresh_tenant)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    with tenant_scope(fresh_tenant.pk):
        assert note(fresh_tenant).sequence == 1


def test_outside_a_transaction_nothing_is_recorded(fresh_tenant: Tenant) -> None:
    with pytest.raises(NotInTransaction):
        note(fresh_tenant)


def test_without_a_scope_postgres_refuses(fresh_tenant: Tenant) -> None:
    with pytest.raises(ProgrammingError, match="outside a tenant scope"), transaction.atomic():
        note(fresh_tenant)


def test_another_tenants_chain_cannot_be_written(fresh_tenant: Tenant) -> None:
    other = make_tenant()
    with pytest.raises(ProgrammingError, match="row-level security"), tenant_scope(other.pk):
        note(fresh_tenant)


def test_eight_writers_at_once_leave_a_gapless_chain(fresh_tenant: Tenant) -> None:
    def write(number: int) -> None:
        for _ in range(5):
            with tenant_scope(fresh_tenant.pk):
                note(fresh_tenant, writer=number)

    at_once(8, write)
    with tenant_scope(fresh_tenant.pk):
        report = verify_chain(fresh_tenant.pk)
        sequences = AuditEntry.objects.filter(tenant_id=fresh_tenant.pk).values_list(
            "sequence", flat=True
        )
        assert sorted(sequences) == list(range(1, 41))
    assert (report.entries, report.intact) == (40, True)


def test_recording_costs_one_statement_to_lock_and_one_to_append(
    fresh_tenant: Tenant, django_assert_num_queries: Any
) -> None:
    with tenant_scope(fresh_tenant.pk):
        note(fresh_tenant)
        with django_assert_num_queries(2):
            note(fresh_tenant)


@dataclass(frozen=True)
class Figure:
    amount_minor: int
    api_key: str


SECRETS = {
    "access_token": "abc123",
    "refreshToken": "abc123",
    "Client-Secret": "abc123",
    "api_key": "abc123",
    "headers": {"Authorization": "abc123", "X-FreshBooks-Hmac-SHA256": "abc123"},
    "verifier": "abc123",
    "note": "key sk_live_abc123XYZ and rk_test_abc123 and whsec_abc123",
    "texts": ["Bearer abc123.def", "eyJhbGciOi.eyJzdWIi.abc123"],
    "database": "postgresql://app:abc123@db/x",
    "figure": Figure(5, "abc123"),
    "sk_live_abc123": 1,
}


def test_credentials_never_reach_an_entry(fresh_tenant: Tenant) -> None:
    with tenant_scope(fresh_tenant.pk):
        cause = Cause("sk_live_abc123", "pasted rk_live_abc123", uuid4())
        entry = told("sk_live_abc123", cause, SECRETS, tenant=fresh_tenant)
        details = read_details(entry)
    assert "abc123" not in repr((details, entry.entity, entry.actor, entry.cause))
    assert details["figure"] == {"amount_minor": 5, "api_key": "[masked]"}


def test_plain_values_keep_their_meaning(fresh_tenant: Tenant) -> None:
    with tenant_scope(fresh_tenant.pk):
        entry = note(
            fresh_tenant,
            idempotency_key="inv-7-r1",
            paid=Decimal("19.90"),
            day=date(2026, 3, 2),
            at=datetime(2026, 3, 2, 15, 6, tzinfo=UTC),
            rows=({"a": None}, True),
            secret="",
        )
        assert read_details(entry) == {
            "idempotency_key": "inv-7-r1",
            "paid": "19.90",
            "day": "2026-03-02",
            "at": "2026-03-02 15:06:00+00:00",
            "rows": [{"a": None}, True],
            "secret": "",
        }


def test_what_has_no_plain_form_is_refused(fresh_tenant: Tenant) -> None:
    with tenant_scope(fresh_tenant.pk), pytest.raises(TypeError, match="object cannot stand"):
        note(fresh_tenant, row=object())


def test_endless_nesting_is_refused(fresh_tenant: Tenant) -> None:
    nested: list[Any] = []
    nested.append(nested)
    with tenant_scope(fresh_tenant.pk), pytest.raises(ValueError, match="nested"):
        note(fresh_tenant, nested=nested)


def test_hostile_texts_are_fitted_not_fatal(fresh_tenant: Tenant) -> None:
    with tenant_scope(fresh_tenant.pk):
        cause = Cause("p" * 500, "r" * 500, uuid4())
        details = {"name": "\0 \N{PILE OF POO} \u202e"}
        entry = told("e\0" * 500, cause, details, tenant=fresh_tenant, action="a" * 500)
        assert (len(entry.action), len(entry.entity)) == (80, 120)
        assert read_details(entry) == {"name": "\0 \N{PILE OF POO} \u202e"}
        assert verify_chain(fresh_tenant.pk).intact


def test_details_moved_to_another_entry_do_not_open(
    fresh_tenant: Tenant, owner_sql: psycopg.Connection
) -> None:
    with tenant_scope(fresh_tenant.pk):
        first, second = note(fresh_tenant, a=1), note(fresh_tenant, b=2)
        second.details_encrypted = first.details_encrypted
        with pytest.raises(InvalidTag):
            read_details(second)


def test_erasing_the_key_hides_the_details_and_keeps_the_chain(fresh_tenant: Tenant) -> None:
    with tenant_scope(fresh_tenant.pk):
        entry = note(fresh_tenant, name="Ada")
        erase_keys(fresh_tenant.pk)
        with pytest.raises(KeysErased):
            read_details(entry)
        with pytest.raises(KeysErased):
            note(fresh_tenant)
        assert verify_chain(fresh_tenant.pk).intact


def test_entries_can_be_neither_changed_nor_deleted(fresh_tenant: Tenant) -> None:
    with every_tenant():
        note(fresh_tenant)
    for change in ("UPDATE audit_auditentry SET actor='x'", "DELETE FROM audit_auditentry"):
        with pytest.raises(ProgrammingError, match="permission denied"), every_tenant():
            connection.cursor().execute(change)
    with pytest.raises(ProgrammingError, match="permission denied"), every_tenant():
        AuditChain.objects.filter(tenant_id=fresh_tenant.pk).delete()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_auditentry SET actor='x'",
        "DELETE FROM audit_auditentry",
        "TRUNCATE audit_auditentry",
    ],
)
def test_even_the_owner_is_refused(
    fresh_tenant: Tenant, owner_sql: psycopg.Connection, change: str
) -> None:
    with every_tenant():
        note(fresh_tenant)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        owner_sql.execute(change)
