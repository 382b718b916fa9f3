"""Credentials at rest: unreadable in the database, and of no use in another row or column."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from audit.models import AuditChain
from audit.recording import Cause, record
from config.sealing import SealBroken, seal, unseal
from tenants.models import FreshBooksGrant, StripeConnection, Tenant
from tenants.scope import every_tenant, tenant_scope
from tests.factories import make_grant, make_stripe_connection, make_tenant


def test_a_sealed_value_comes_back_for_its_own_place_only() -> None:
    sealed = seal("key", owner="tenant:1", field="a.b")
    assert unseal(sealed, owner="tenant:1", field="a.b") == "key"
    for owner, field in (("tenant:2", "a.b"), ("tenant:1", "a.c")):
        with pytest.raises(SealBroken):
            unseal(sealed, owner=owner, field=field)
    assert unseal(seal("", owner="x", field="y"), owner="z", field="y") == ""


def test_the_database_holds_no_readable_credential(
    fresh_tenant: Tenant, owner_sql: psycopg.Connection
) -> None:
    make_stripe_connection(fresh_tenant, api_key="sk_test_canary", endpoint_secret="whsec_canary")
    make_grant(access_token="canary-access", refresh_token="canary-refresh")
    for table in ("tenants_stripeconnection", "tenants_freshbooksgrant"):
        rows = owner_sql.execute(f"SELECT t::text FROM {table} t").fetchall()
        raw = owner_sql.execute(f"SELECT * FROM {table}").fetchall()
        assert "canary" not in repr(rows) + repr(raw)


def test_a_ciphertext_copied_into_another_tenants_row_does_not_open(
    fresh_tenant: Tenant, owner_sql: psycopg.Connection
) -> None:
    mine, other = make_stripe_connection(fresh_tenant), make_stripe_connection(make_tenant())
    owner_sql.execute(
        "UPDATE tenants_stripeconnection SET api_key_sealed ="
        " (SELECT api_key_sealed FROM tenants_stripeconnection WHERE id = %s) WHERE id = %s",
        [other.pk, mine.pk],
    )
    with tenant_scope(fresh_tenant.pk):
        row = StripeConnection.objects.get()
        with pytest.raises(SealBroken):
            _ = row.api_key


def test_a_ciphertext_copied_into_another_column_does_not_open(
    owner_sql: psycopg.Connection,
) -> None:
    grant = make_grant()
    owner_sql.execute(
        "UPDATE tenants_freshbooksgrant SET access_token_sealed = refresh_token_sealed"
        " WHERE id = %s",
        [grant.pk],
    )
    row = FreshBooksGrant.objects.get(pk=grant.pk)
    assert row.refresh_token == grant.refresh_token
    with pytest.raises(SealBroken):
        _ = row.access_token


def test_a_data_key_copied_into_another_chain_does_not_open(fresh_tenant: Tenant) -> None:
    other = make_tenant()
    with every_tenant():
        for tenant in (fresh_tenant, other):
            record(
                tenant_id=tenant.pk,
                action="a.b",
                entity="c",
                cause=Cause("worker", "poll", None),  # type: ignore[arg-type]
                details={},
            )
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE audit_auditchain SET data_key_sealed ="
                " (SELECT data_key_sealed FROM audit_auditchain WHERE tenant_id = %s)"
                " WHERE tenant_id = %s",
                [other.pk, fresh_tenant.pk],
            )
        row = AuditChain.objects.get(tenant_id=fresh_tenant.pk)
        with pytest.raises(SealBroken):
            _ = row.data_key


def test_a_row_prints_no_secret(db: None) -> None:
    grant = make_grant(access_token="canary-access")
    stripe = make_stripe_connection(make_tenant(), api_key="sk_test_canary")
    assert "canary" not in f"{grant} {grant!r} {stripe} {stripe!r}"
