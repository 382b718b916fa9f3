"""Copies of the chains' heads outside the database catch whoever rewrites a whole chain."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.anchors import BadAnchors, anchor_heads, read_anchors
from audit.chain import GENESIS, entry_hash
from audit.models import AuditChain, AuditEntry
from audit.recording import Cause, record
from audit.verification import ChainReport, verify_chain
from tenants.models import Tenant
from tenants.scope import every_tenant, tenant_scope
from tests.audit.test_verification import tamper


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "anchors.jsonl"


def write(tenant: Tenant, count: int) -> None:
    with tenant_scope(tenant.pk):
        for number in range(count):
            record(
                tenant_id=tenant.pk,
                action="invoice.synced",
                entity=f"invoice:{number}",
                cause=Cause("worker", "poll", uuid4()),
                details={},
            )


def anchor(path: Path) -> None:
    with every_tenant():
        anchor_heads(str(path))


def sequences(path: Path, tenant: Tenant) -> list[int]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line["sequence"] for line in lines if line["tenant"] == tenant.pk]


def verified(tenant: Tenant, path: Path) -> ChainReport:
    with tenant_scope(tenant.pk):
        return verify_chain(tenant.pk, anchors=read_anchors([path])[tenant.pk])


def age(tenant: Tenant, minutes: int) -> None:
    with every_tenant():
        AuditChain.objects.filter(tenant_id=tenant.pk).update(
            anchored_at=timezone.now() - timedelta(minutes=minutes)
        )


def rewrite(owner: psycopg.Connection, tenant: Tenant) -> None:
    """Change one entry and make the whole chain, and its head, follow from it."""
    with tenant_scope(tenant.pk):
        entries = list(AuditEntry.objects.filter(tenant_id=tenant.pk).order_by("sequence"))
    entries[1].actor = "somebody else"
    previous, changes = GENESIS, []
    for entry in entries:
        entry.previous_hash = previous
        entry.entry_hash = previous = entry_hash(entry)
        changes.append(
            f"UPDATE audit_auditentry SET actor = '{entry.actor}', entry_hash = '{previous}',"
            f" previous_hash = '{entry.previous_hash}' WHERE id = {entry.pk}"
        )
    head = f"UPDATE audit_auditchain SET last_hash = '{previous}' WHERE tenant_id = {tenant.pk}"
    tamper(owner, ";".join([*changes, head]))


def test_a_chain_that_grows_is_anchored_every_ten_minutes(fresh_tenant: Tenant, file: Path) -> None:
    write(fresh_tenant, 3)
    anchor(file)
    assert sequences(file, fresh_tenant) == [3]
    write(fresh_tenant, 1)
    anchor(file)
    assert sequences(file, fresh_tenant) == [3], "not every minute"
    age(fresh_tenant, minutes=11)
    for _ in range(2):
        anchor(file)
    assert sequences(file, fresh_tenant) == [3, 4], "and only if it has grown"


def test_a_thousand_entries_do_not_wait_ten_minutes(fresh_tenant: Tenant, file: Path) -> None:
    write(fresh_tenant, 2)
    anchor(file)
    with every_tenant():
        chain = AuditChain.objects.filter(tenant_id=fresh_tenant.pk)
        chain.update(anchored_sequence=-998)
    anchor(file)
    assert sequences(file, fresh_tenant) == [2, 2]


def test_a_rewritten_chain_that_verifies_by_itself_is_found(
    fresh_tenant: Tenant, owner_sql: psycopg.Connection, file: Path
) -> None:
    write(fresh_tenant, 4)
    anchor(file)
    assert verified(fresh_tenant, file).intact
    rewrite(owner_sql, fresh_tenant)
    with tenant_scope(fresh_tenant.pk):
        assert verify_chain(fresh_tenant.pk).intact, "the chain alone cannot tell"
    report = verified(fresh_tenant, file)
    assert (report.intact, report.first_bad_sequence) == (False, 4)
    assert "rewritten" in report.problem


def test_an_end_that_was_cut_together_with_the_head_is_found(
    fresh_tenant: Tenant, owner_sql: psycopg.Connection, file: Path
) -> None:
    write(fresh_tenant, 5)
    anchor(file)
    with tenant_scope(fresh_tenant.pk):
        third = AuditEntry.objects.get(tenant_id=fresh_tenant.pk, sequence=3)
    tamper(
        owner_sql,
        f"DELETE FROM audit_auditentry WHERE tenant_id = {fresh_tenant.pk} AND sequence > 3;"
        f"UPDATE audit_auditchain SET last_sequence = 3, last_hash = '{third.entry_hash}'"
        f" WHERE tenant_id = {fresh_tenant.pk}",
    )
    report = verified(fresh_tenant, file)
    assert (report.first_bad_sequence, report.entries) == (4, 3)
    assert "entries 4 to 5" in report.problem


def test_what_could_not_be_written_does_not_count_as_anchored(
    fresh_tenant: Tenant, tmp_path: Path, file: Path
) -> None:
    write(fresh_tenant, 1)
    with pytest.raises(OSError, match="anchors"):
        anchor(tmp_path / "no folder" / "anchors.jsonl")
    anchor(file)
    assert sequences(file, fresh_tenant) == [1]


@pytest.mark.parametrize("line", ["[]", "{", '{"tenant": 1}', '"text"'])
def test_a_file_of_something_else_is_named(file: Path, line: str) -> None:
    file.write_text(line + "\n")
    with pytest.raises(BadAnchors, match="line 1: not an anchor"):
        read_anchors([file])


def test_anchors_that_contradict_each_other_are_named(fresh_tenant: Tenant, file: Path) -> None:
    write(fresh_tenant, 1)
    anchor(file)
    line = json.loads(file.read_text().splitlines()[-1])
    file.write_text(file.read_text() + json.dumps(line | {"hash": "f" * 64}) + "\n")
    with pytest.raises(BadAnchors, match="anchored before with another hash"):
        read_anchors([file])


def test_the_command_compares_with_the_usual_file_or_with_those_named(
    fresh_tenant: Tenant, file: Path, settings: Any
) -> None:
    write(fresh_tenant, 1)
    anchor(file)
    line = json.loads(file.read_text().splitlines()[-1]) | {"tenant": fresh_tenant.pk}
    wrong = file.with_name("wrong.jsonl")
    wrong.write_text(json.dumps(line | {"sequence": 1, "hash": "f" * 64}) + "\n")
    settings.AUDIT_ANCHOR_FILE = str(file)
    call_command("verify_audit", fresh_tenant.slug, stdout=StringIO())
    with pytest.raises(CommandError, match="1 of 1 audit chains"):
        call_command("verify_audit", fresh_tenant.slug, "--anchors", str(wrong), stdout=StringIO())
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("verify_audit", fresh_tenant.slug, "--anchors", f"{file}x")
