"""Erasing a tenant for good: credentials and keys destroyed, people's data gone, the trail intact.

What stays is what keeps other figures and proofs whole: the journal's facts (amounts and vendors'
ids), the invoices that they name without any text, and the audit chain, whose details nobody can
read any more. Work that was under way loses its fence and saves nothing.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import F, Model
from django.utils import timezone

from audit.recording import Cause, erase_keys, record
from connector.connecting.disconnecting import disconnect
from connector.models import ClientLink, InvoiceLink, MoneyFact, SyncJob
from tenants.models import FreshBooksConnection, FreshBooksGrant, Tenant, TenantOwned
from tenants.scope import every_tenant

ERASED = "tenant_erased"
KEPT = (MoneyFact, InvoiceLink, ClientLink, SyncJob)
OUR_APPS = ("tenants", "connector")


def erase_tenant(tenant_id: int, *, cause: Cause, except_job: int | None = None) -> list[str]:
    """Disconnect the tenant and erase it; answer what a vendor did not take back.

    All in one commit after the vendors were asked, so a second call finishes or finds it done.
    `except_job` is the job that does it.
    """
    with every_tenant():
        if Tenant.objects.get(pk=tenant_id).state == Tenant.State.ERASED:
            return []
    left = disconnect(tenant_id, cause=cause)
    with every_tenant():
        tenant = Tenant.objects.select_for_update().get(pk=tenant_id)
        _park_jobs(tenant_id, except_job)
        _blank_admin_log(tenant_id)
        _delete_rows(tenant_id)
        _blank_rows(tenant_id)
        _rename(tenant)
        record(
            tenant_id=tenant_id,
            action="tenant.erased",
            entity=f"tenant:{tenant_id}",
            cause=cause,
            details={"left": left},
        )
        erase_keys(tenant_id)
    return left


def _park_jobs(tenant_id: int, except_job: int | None) -> None:
    """The fence moves on: whoever works on one of them saves nothing any more."""
    jobs = SyncJob.objects.filter(tenant_id=tenant_id).exclude(pk=except_job)
    jobs.update(failure_message="", next_step="", outcome="", reason="", request_id="")
    waiting = (SyncJob.State.QUEUED, SyncJob.State.RUNNING, SyncJob.State.HELD, SyncJob.State.DEAD)
    jobs.filter(state__in=waiting).update(
        state=SyncJob.State.SUPERSEDED,
        fence=F("fence") + 1,
        failure_code=ERASED,
        outcome="The tenant was erased.",
        finished_at=timezone.now(),
        lease_expires_at=None,
    )


def _blank_admin_log(tenant_id: int) -> None:
    """The admin's list of recent actions keeps the names of what was edited."""
    tables: list[tuple[type[Model], str]] = [(Tenant, "id")]
    tables += [(model, "tenant_id") for model in tenant_tables()]
    for model, column in tables:
        table = connection.ops.quote_name(model._meta.db_table)  # noqa: SLF001 - public
        rows = f"SELECT id::text FROM {table} WHERE {column} = %s"  # noqa: S608 - our own names
        edits = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(model))
        edits.extra(where=[f"object_id IN ({rows})"], params=[tenant_id]).update(  # noqa: S610
            object_repr="", change_message=""
        )


def _delete_rows(tenant_id: int) -> None:
    """Every table of tenants but those that are kept; references are looked at when it commits."""
    grants = list(
        FreshBooksConnection.objects.filter(tenant_id=tenant_id).values_list("grant_id", flat=True)
    )
    with connection.cursor() as cursor:
        for model in tenant_tables():
            if model not in KEPT:
                table = connection.ops.quote_name(model._meta.db_table)  # noqa: SLF001 - public
                statement = f"DELETE FROM {table} WHERE tenant_id = %s"  # noqa: S608 - our own name
                cursor.execute(statement, [tenant_id])
    shared = FreshBooksConnection.objects.values("grant_id")
    FreshBooksGrant.objects.filter(pk__in=grants).exclude(pk__in=shared).delete()


def _blank_rows(tenant_id: int) -> None:
    InvoiceLink.objects.filter(tenant_id=tenant_id).update(
        number="", reason="", notes=[], hosted_invoice_url="", own_collector=""
    )
    ClientLink.objects.filter(tenant_id=tenant_id).update(
        name="", email="", reason="", notes=[], tax_id={}
    )


def _rename(tenant: Tenant) -> None:
    """The name is free for another tenant; `epoch` stops what still holds a credential in memory."""
    tenant.name, tenant.slug = f"Erased tenant {tenant.pk}", f"erased-{tenant.pk}"
    tenant.state = Tenant.State.ERASED
    tenant.epoch += 1
    tenant.save(update_fields=["name", "slug", "state", "epoch"])


def tenant_tables() -> list[type[Model]]:
    """Every table whose rows belong to a tenant."""
    models: list[type[Any]] = [
        model for app in OUR_APPS for model in apps.get_app_config(app).get_models()
    ]
    return [model for model in models if issubclass(model, TenantOwned)]
