"""Every way of tampering with the trail is found, and the first bad entry is named."""

from __future__ import annotations

import json
from io import StringIO
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command

from audit.recording import Cause, record
from audit.verification import ChainReport, WrongScope, verify_chain
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.factories import make_tenant

COLUMNS = {
    "at": "at + interval '1 microsecond'",
    "action": "action || 'x'",
    "entity": "entity || 'x'",
    "actor": "actor || 'x'",
    "cause": "cause || 'x'",
    "correlation_id": "gen_random_uuid()",
    "details_encrypted": "details_encrypted || '\\x00'::bytea",
    "previous_hash": "repeat('a', 64)",
    "entry_hash": "repeat('a', 64)",
}


@pytest.fixture
def chain(fresh_tenant: Tenant) -> Tenant:
    with tenant_scope(fresh_tenant.pk):
        for number in range(5):
            record(
                tenant_id=fresh_tenant.pk,
                action="invoice.synced",
                entity=f"invoice:{number}",
                cause=Cause("worker", "poll", uuid4()),
                details={"number": number},
            )
    return fresh_tenant


def tamper(owner: psycopg.Connection, statement: str) -> None:
    """What somebody with the owner's password could do."""
    with owner.transaction():
        owner.execute("ALTER TABLE audit_auditentry DISABLE TRIGGER USER")
        owner.execute(statement)
        owner.execute("ALTER TABLE audit_auditentry ENABLE TRIGGER USER")


def verified(tenant: Tenant) -> ChainReport:
    with tenant_scope(tenant.pk):
        return verify_chain(tenant.pk)


def test_an_untouched_chain_is_intact(chain: Tenant) -> None:
    report = verified(chain)
    assert (report.intact, report.entries, report.first_bad_sequence) == (True, 5, None)


def test_a_tenant_without_entries_is_intact(fresh_tenant: Tenant) -> None:
    assert verified(fresh_tenant).intact


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_column_is_found(
    chain: Tenant, owner_sql: psycopg.Connection, column: str
) -> None:
    tamper(
        owner_sql,
        f"UPDATE audit_auditentry SET {column} = {COLUMNS[column]}"
        f" WHERE tenant_id = {chain.pk} AND sequence = 3",
    )
    report = verified(chain)
    assert (report.intact, report.first_bad_sequence, report.entries) == (False, 3, 2)


def test_all_columns_are_covered(owner_sql: psycopg.Connection) -> None:
    rows = owner_sql.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'audit_auditentry'"
    )
    assert {name for (name,) in rows} - {"id", "tenant_id", "sequence"} == set(COLUMNS)


@pytest.mark.parametrize("sequence", [1, 3])
def test_a_removed_entry_is_found(
    chain: Tenant, owner_sql: psycopg.Connection, sequence: int
) -> None:
    tamper(
        owner_sql,
        f"DELETE FROM audit_auditentry WHERE tenant_id = {chain.pk} AND sequence = {sequence}",
    )
    report = verified(chain)
    assert (report.first_bad_sequence, report.problem) == (sequence, f"entry {sequence} is missing")


def test_a_cut_tail_is_found(chain: Tenant, owner_sql: psycopg.Connection) -> None:
    tamper(
        owner_sql, f"DELETE FROM audit_auditentry WHERE tenant_id = {chain.pk} AND sequence >= 4"
    )
    report = verified(chain)
    assert report.first_bad_sequence == 4
    assert report.problem == "entries 4 to 5 were cut off the end"


def test_entries_that_swapped_places_are_found(
    chain: Tenant, owner_sql: psycopg.Connection
) -> None:
    for old, new in ((2, 99), (3, 2), (99, 3)):
        tamper(
            owner_sql,
            f"UPDATE audit_auditentry SET sequence = {new}"
            f" WHERE tenant_id = {chain.pk} AND sequence = {old}",
        )
    assert verified(chain).first_bad_sequence == 2


def test_an_entry_of_another_tenant_is_found(chain: Tenant, owner_sql: psycopg.Connection) -> None:
    other = make_tenant()
    with tenant_scope(other.pk):
        record(
            tenant_id=other.pk,
            action="a.b",
            entity="c",
            cause=Cause("worker", "poll", uuid4()),
            details={},
        )
    tamper(
        owner_sql,
        f"DELETE FROM audit_auditentry WHERE tenant_id = {chain.pk} AND sequence = 1;"
        f"UPDATE audit_auditentry SET tenant_id = {chain.pk} WHERE tenant_id = {other.pk}",
    )
    assert verified(chain).first_bad_sequence == 1


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE audit_auditchain SET last_sequence = 4", "the head knows only 4 entries"),
        ("UPDATE audit_auditchain SET last_hash = 'x'", "the head names another last entry"),
        ("DELETE FROM audit_auditchain", "the head of the chain is missing"),
    ],
)
def test_a_changed_head_is_found(
    chain: Tenant, owner_sql: psycopg.Connection, change: str, problem: str
) -> None:
    owner_sql.execute(f"{change} WHERE tenant_id = {chain.pk}")
    report = verified(chain)
    assert (report.first_bad_sequence, report.problem) == (6, problem)


def test_a_scope_that_hides_the_entries_is_no_proof(chain: Tenant) -> None:
    other = make_tenant()
    with pytest.raises(WrongScope), tenant_scope(other.pk):
        verify_chain(chain.pk)


def test_the_command_prints_and_fails_on_a_broken_chain(
    chain: Tenant, owner_sql: psycopg.Connection
) -> None:
    out = StringIO()
    call_command("verify_audit", chain.slug, stdout=out)
    assert f"tenant {chain.pk}: 5 entries, intact" in out.getvalue()
    tamper(owner_sql, f"DELETE FROM audit_auditentry WHERE tenant_id = {chain.pk} AND sequence = 2")
    out = StringIO()
    with pytest.raises(CommandError, match="1 of 1 audit chains"):
        call_command("verify_audit", str(chain.pk), "--json", stdout=out)
    (report,) = json.loads(out.getvalue())
    assert (report["intact"], report["first_bad_sequence"]) == (False, 2)
    with pytest.raises(CommandError, match="audit chains are broken"):
        call_command("verify_audit", stdout=StringIO(), stderr=StringIO())


def test_an_unknown_tenant_is_named(committed_db: None) -> None:
    with pytest.raises(CommandError, match="There is no tenant 'nobody'"):
        call_command("verify_audit", "nobody")
