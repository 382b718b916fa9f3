"""Builds what a sync function works with: one tenant's settings and vendor clients."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model

from config.prepared import prepared_cursor
from connector.clients import freshbooks_client_of, stripe_client_of
from connector.errors import ConnectorError, FailureMode
from connector.jobs.context import JobRun
from connector.sync.context import SyncRun
from tenants.models import FreshBooksConnection, FreshBooksGrant, StripeConnection, Tenant
from tenants.scope import SCOPED, own_commit


class TenantNotLive(ConnectorError):
    """The tenant is paused, disconnected or not yet set up: its work waits."""

    failure_mode = FailureMode.NEEDS_PERSON


NOT_LIVE = "tenant_not_live"
_READ = (Tenant, FreshBooksConnection, FreshBooksGrant, StripeConnection)
_COLUMNS = ", ".join(
    f"{model._meta.db_table}.{field.column}"  # noqa: SLF001 - Django documents it
    for model in _READ
    for field in model._meta.concrete_fields  # noqa: SLF001
)
# Every job begins with it, so it is written out and prepared. Lateral, so that the scope holds before a
# table is read.
_CONNECTIONS = (
    SCOPED  # noqa: S608 - names of ours
    + f"""
SELECT found.* FROM scope CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM tenants_tenant
    LEFT JOIN tenants_freshbooksconnection
        ON tenants_freshbooksconnection.tenant_id = tenants_tenant.id
    LEFT JOIN tenants_freshbooksgrant
        ON tenants_freshbooksgrant.id = tenants_freshbooksconnection.grant_id
    LEFT JOIN tenants_stripeconnection ON tenants_stripeconnection.tenant_id = tenants_tenant.id
    WHERE tenants_tenant.id = %(tenant)s AND scope.held <> '' OFFSET 0) found
"""  # noqa: S608
)


def build_run(job: JobRun, *, before_live: bool = False) -> SyncRun:
    """The tools for one job of one tenant. `before_live`: a first import is planned, or applied.

    Raises TenantNotLive; CredentialRejected or GrantLost when a connection must be renewed.
    """
    tenant, freshbooks, stripe = _connections(job.tenant_id)
    ready = tenant.is_live or (before_live and tenant.state == Tenant.State.ONBOARDING)
    if not ready or freshbooks is None or stripe is None:
        raise TenantNotLive(
            f"{tenant.name} is not live ({tenant.get_state_display().lower()}).",
            code=NOT_LIVE,
            next_step="Finish the set-up or resume the tenant; its work then goes on by itself.",
        )
    return SyncRun(
        job=job,
        freshbooks=freshbooks_client_of(freshbooks),
        stripe=stripe_client_of(stripe),
        freshbooks_account_id=freshbooks.account_id,
        stripe_account_id=stripe.account_id,
        payment_mode=tenant.payment_mode,
        stripe_sends_email=tenant.email_sender == Tenant.EmailSender.STRIPE,
        book_time_zone=ZoneInfo(tenant.time_zone),
        start_date=tenant.start_date,
        own_gateway=freshbooks.own_gateway if freshbooks.own_gateway_checked_at else None,
        looks_first=tenant.looks_first,
    )


def _connections(
    tenant_id: int,
) -> tuple[Tenant, FreshBooksConnection | None, StripeConnection | None]:
    """The tenant and both its connections, each with what it belongs to, in a single trip."""
    with own_commit(tenant_id) as scope, prepared_cursor() as cursor:
        cursor.execute(_CONNECTIONS, {"tenant": tenant_id, **scope})
        values = iter(cursor.fetchone() or ())
    tenant, freshbooks, grant, stripe = (_read(model, values) for model in _READ)
    if tenant is None:
        raise Tenant.DoesNotExist(f"tenant {tenant_id}")
    if freshbooks is not None:
        freshbooks.tenant, freshbooks.grant = tenant, grant
    if stripe is not None:
        stripe.tenant = tenant
    return tenant, freshbooks, stripe


def _read(model: type[Model], values: Iterator[Any]) -> Any:
    """The next row of a joined one; None if there is none."""
    fields = model._meta.concrete_fields  # noqa: SLF001
    row = list(islice(values, len(fields)))
    if not row or row[0] is None:
        return None
    converted = [
        field.from_db_value(value, None, connection) if hasattr(field, "from_db_value") else value
        for field, value in zip(fields, row, strict=True)
    ]
    return model.from_db(DEFAULT_DB_ALIAS, [field.attname for field in fields], converted)
