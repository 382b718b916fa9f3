"""Every tenant-owned table, found by itself: closed without a scope, blind to other tenants."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, models, transaction
from django.utils import timezone

from audit.models import AuditEntry
from tenants.models import Tenant, TenantOwned
from tenants.scope import NoTenantScope, every_tenant, tenant_scope
from tests.factories import make_tenant

OUR_APPS = ("audit", "tenants", "connector")
OWNED = [
    model
    for app in OUR_APPS
    for model in apps.get_app_config(app).get_models()
    if any(field.attname == "tenant_id" for field in model._meta.concrete_fields)
]
IDS = [model.__name__ for model in OWNED]

VALUES: dict[type[models.Field[Any, Any]], Callable[[], Any]] = {
    models.CharField: lambda: secrets.token_hex(1),
    models.TextField: lambda: "text",
    models.IntegerField: lambda: secrets.randbelow(30_000),
    models.BooleanField: lambda: False,
    models.DecimalField: lambda: 1,
    models.DateTimeField: timezone.now,
    models.DateField: lambda: timezone.now().date(),
    models.UUIDField: uuid.uuid4,
    models.BinaryField: lambda: b"x",
    models.JSONField: dict,
}


def filled(model: type[Any], tenant: Tenant) -> Any:
    """A saved row with something in every column that needs something."""
    row = model()
    for field in model._meta.concrete_fields:
        if field.primary_key or field.has_default() or field.null:
            continue
        if field.attname == "tenant_id":
            row.tenant_id = tenant.pk
        elif field.is_relation:
            setattr(row, field.name, filled(field.related_model, tenant))
        elif field.choices:
            setattr(row, field.name, field.choices[0][0])
        else:
            kind = next(kind for kind in VALUES if isinstance(field, kind))
            setattr(row, field.name, VALUES[kind]())
    row.save(force_insert=True)
    return row


@pytest.fixture
def tenant(db: None) -> Tenant:
    return make_tenant()


def count_all(model: type[models.Model]) -> int:
    """What plain SQL sees, without any manager's help."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {model._meta.db_table}")
        return int(cursor.fetchone()[0])


def test_there_is_something_to_check() -> None:
    assert {"AuditEntry", "StripeConnection", "SyncJob", "InvoiceLink"} <= set(IDS)


@pytest.mark.parametrize("model", OWNED, ids=IDS)
def test_row_security_is_forced(db: None, model: type[models.Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relrowsecurity AND relforcerowsecurity, pg_get_userbyid(relowner),"
            " current_user, (SELECT count(*) FROM pg_policy WHERE polrelid = pg_class.oid)"
            " FROM pg_class WHERE relname = %s",
            [model._meta.db_table],
        )
        forced, owner, user, policies = cursor.fetchone()
    assert forced
    assert policies == 1
    assert owner != user


@pytest.mark.parametrize("model", OWNED, ids=IDS)
def test_without_a_scope_a_table_refuses(tenant: Tenant, model: type[models.Model]) -> None:
    with every_tenant():
        filled(model, tenant)
    clear_scope()
    with pytest.raises(ProgrammingError, match="outside a tenant scope"):
        count_all(model)
    if issubclass(model, TenantOwned):
        with pytest.raises(NoTenantScope):
            model.objects.count()


@pytest.mark.parametrize("model", OWNED, ids=IDS)
def test_a_scope_hides_other_tenants(tenant: Tenant, model: type[models.Model]) -> None:
    other = make_tenant()
    with every_tenant():
        row = filled(model, tenant)
        assert count_all(model) >= 1
    with tenant_scope(tenant.pk):
        assert count_all(model) == 1
    with tenant_scope(other.pk):
        assert count_all(model) == 0
        if model is not AuditEntry:  # which nobody may change anyway
            assert model._base_manager.filter(pk=row.pk).update(tenant_id=other.pk) == 0


@pytest.mark.parametrize("model", OWNED, ids=IDS)
def test_a_row_cannot_be_written_for_another_tenant(
    tenant: Tenant, model: type[models.Model]
) -> None:
    other = make_tenant()
    with pytest.raises(ProgrammingError, match="row-level security"), tenant_scope(other.pk):
        filled(model, tenant)


def test_every_table_with_a_tenant_has_a_model_here(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns"
            " WHERE column_name = 'tenant_id' AND table_schema = 'public'"
        )
        tables = {name for (name,) in cursor.fetchall()}
    assert tables == {model._meta.db_table for model in OWNED}


def clear_scope() -> None:
    """The test's own transaction never ended, so its scope has to be taken away by hand."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant', '', true)")
