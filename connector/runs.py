"""Builds what a sync function works with: one tenant's settings and vendor clients."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.db import DEFAULT_DB_ALIAS
from django.db.models import OuterRef, Subquery

from connector.clients import freshbooks_client_of, stripe_client_of
from connector.errors import ConnectorError, FailureMode
from connector.jobs.context import JobRun
from connector.sync.context import SyncRun
from tenants.models import FreshBooksConnection, StripeConnection, Tenant
from tenants.scope import tenant_scope


class TenantNotLive(ConnectorError):
    """The tenant is paused, disconnected or not yet set up: its work waits."""

    failure_mode = FailureMode.NEEDS_PERSON


NOT_LIVE = "tenant_not_live"
# What Stripe's client is built from, in the order of its table.
_OF_STRIPE = ("id", "tenant_id", "account_id", "api_key_sealed", "state")


def build_run(job: JobRun, *, before_live: bool = False) -> SyncRun:
    """The tools for one job of one tenant. `before_live`: a first import is planned, or applied.

    Raises TenantNotLive; CredentialRejected or GrantLost when a connection must be renewed.
    """
    with tenant_scope(job.tenant_id):
        freshbooks, stripe = _connections()
        tenant = freshbooks.tenant if freshbooks else Tenant.objects.get(pk=job.tenant_id)
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


def _connections() -> tuple[FreshBooksConnection | None, StripeConnection | None]:
    """Both connections and their tenant, in one query: every job begins with it. Inside a scope."""
    of_stripe = StripeConnection.objects.filter(tenant_id=OuterRef("tenant_id"))
    beside = {f"stripe_{name}": Subquery(of_stripe.values(name)) for name in _OF_STRIPE}
    rows = FreshBooksConnection.objects.select_related("tenant", "grant").annotate(**beside)
    freshbooks: FreshBooksConnection | None = rows.first()
    values = [getattr(freshbooks, name, None) for name in beside]
    if freshbooks is None or values[0] is None:
        return freshbooks, None
    stripe = StripeConnection.from_db(DEFAULT_DB_ALIAS, _OF_STRIPE, values)
    stripe.tenant = freshbooks.tenant
    return freshbooks, stripe
