"""Builds what a sync function works with: one tenant's settings and vendor clients."""

from __future__ import annotations

from zoneinfo import ZoneInfo

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


def build_run(job: JobRun, *, before_live: bool = False) -> SyncRun:
    """The tools for one job of one tenant. `before_live`: a first import is planned, or applied.

    Raises TenantNotLive; CredentialRejected or GrantLost when a connection must be renewed.
    """
    with tenant_scope(job.tenant_id):
        freshbooks = FreshBooksConnection.objects.select_related("tenant", "grant").first()
        stripe = StripeConnection.objects.select_related("tenant").first()
        known = freshbooks or stripe
        tenant = known.tenant if known else Tenant.objects.get(pk=job.tenant_id)
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
        looks_first=tenant.looks_first,
    )
