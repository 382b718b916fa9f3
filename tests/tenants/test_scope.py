"""The scope itself: nesting, rollback, and no trace on a connection that is used again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import ProgrammingError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEntry
from audit.recording import Cause, record
from tenants.models import OnboardingLink, StripeConnection, Tenant
from tenants.scope import (
    NoTenantScope,
    TenantScopeConflict,
    current_scope,
    every_tenant,
    taken_back,
    tenant_scope,
)
from tests.factories import make_stripe_connection, make_tenant


def setting() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.tenant', true)")
        return cursor.fetchone()[0] or ""


def test_outside_a_scope_no_query_is_built() -> None:
    with pytest.raises(NoTenantScope, match="OnboardingLink was queried outside"):
        OnboardingLink.objects.count()


def test_a_scope_shows_one_tenant(fresh_tenant: Tenant) -> None:
    make_stripe_connection(fresh_tenant)
    other = make_tenant()
    make_stripe_connection(other)
    with tenant_scope(other.pk):
        assert StripeConnection.objects.get().tenant_id == other.pk
    with every_tenant():
        found = StripeConnection.objects.filter(tenant_id__in=[fresh_tenant.pk, other.pk])
        assert found.count() == 2


def test_scopes_nest_and_return_to_the_outer_one(fresh_tenant: Tenant) -> None:
    with every_tenant():
        with tenant_scope(fresh_tenant.pk):
            with tenant_scope(fresh_tenant.pk):
                assert (current_scope(), setting()) == (str(fresh_tenant.pk),) * 2
            assert setting() == str(fresh_tenant.pk)
        assert (current_scope(), setting()) == ("*", "*")
    assert (current_scope(), setting()) == ("", "")


def test_a_failed_inner_scope_returns_to_the_outer_one(fresh_tenant: Tenant) -> None:
    def fail() -> None:
        with tenant_scope(fresh_tenant.pk):
            raise LookupError

    with every_tenant():
        with pytest.raises(LookupError):
            fail()
        assert (current_scope(), setting()) == ("*", "*")


def test_no_scope_of_another_tenant_opens_inside_a_scope(fresh_tenant: Tenant) -> None:
    other = make_tenant()
    with tenant_scope(fresh_tenant.pk):
        with pytest.raises(TenantScopeConflict), tenant_scope(other.pk):
            pytest.fail("opened")
        with pytest.raises(TenantScopeConflict), every_tenant():
            pytest.fail("opened")
        assert setting() == str(fresh_tenant.pk)


def test_one_connection_serves_a_hundred_tenants_without_a_trace(committed_db: None) -> None:
    tenants = [make_tenant() for _ in range(100)]
    for tenant in tenants:
        make_stripe_connection(tenant)
    pid = connection.connection.info.backend_pid
    for tenant in [*tenants, *reversed(tenants)]:
        with tenant_scope(tenant.pk):
            assert [row.tenant_id for row in StripeConnection.objects.all()] == [tenant.pk]
        with pytest.raises(ProgrammingError, match="outside a tenant scope"):
            StripeConnection._base_manager.count()
    assert connection.connection.info.backend_pid == pid


def test_a_thread_does_not_inherit_the_scope(fresh_tenant: Tenant) -> None:
    def look() -> str:
        try:
            return current_scope()
        finally:
            connections.close_all()

    with tenant_scope(fresh_tenant.pk), ThreadPoolExecutor(1) as pool:
        assert pool.submit(look).result() == ""


def test_a_plain_transaction_is_no_scope(fresh_tenant: Tenant) -> None:
    make_stripe_connection(fresh_tenant)
    with pytest.raises(ProgrammingError, match="outside a tenant scope"), transaction.atomic():
        StripeConnection._base_manager.count()


def test_nothing_stays_of_what_is_taken_back(fresh_tenant: Tenant) -> None:
    def rehearse() -> None:
        with taken_back(fresh_tenant.pk):
            with tenant_scope(fresh_tenant.pk):
                make_stripe_connection(fresh_tenant)
            with pytest.raises(ZeroDivisionError), tenant_scope(fresh_tenant.pk):
                raise ZeroDivisionError
            assert StripeConnection.objects.exists()
            record(
                tenant_id=fresh_tenant.pk,
                action="rehearsed",
                entity="invoice:1",
                cause=Cause("test", "rehearsal", uuid4()),
                details={},
            )

    rehearse()
    with tenant_scope(fresh_tenant.pk):
        assert not StripeConnection.objects.exists()
        assert not AuditEntry.objects.filter(tenant_id=fresh_tenant.pk).exists()
        record(
            tenant_id=fresh_tenant.pk,
            action="done",
            entity="invoice:1",
            cause=Cause("test", "for real", uuid4()),
            details={},
        )
        assert AuditEntry.objects.filter(tenant_id=fresh_tenant.pk).count() == 1


def test_scopes_inside_what_is_taken_back_open_no_savepoints(fresh_tenant: Tenant) -> None:
    with CaptureQueriesContext(connection) as queries, taken_back(fresh_tenant.pk):
        for _ in range(3):
            with tenant_scope(fresh_tenant.pk):
                list(StripeConnection.objects.all())
    assert len([q for q in queries if "stripeconnection" in q["sql"]]) == 3
    assert len([q for q in queries if "SAVEPOINT" in q["sql"]]) <= 2  # the outer one's, in a test
