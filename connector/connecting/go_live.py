"""Going live: everything is there, so webhooks are registered and the first polls are queued."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from audit.recording import Cause, record
from connector.connecting.lines import FOR_FEES_AND_PAYOUTS, WEBHOOK
from connector.connecting.oauth import SCOPES
from connector.connecting.refusals import ConnectRefused
from connector.jobs import ledger
from connector.jobs.kinds import POLL_FRESHBOOKS, POLL_STRIPE, REGISTER_WEBHOOKS
from connector.runs import NOT_LIVE
from connector.schedule import start_feeds
from tenants.models import ConnectionState, FreshBooksConnection, StripeConnection, Tenant
from tenants.scope import tenant_scope


def missing_for_live(tenant: Tenant) -> list[str]:
    """What has to be done first, in plain words; empty if nothing. Inside the tenant's scope."""
    freshbooks = FreshBooksConnection.objects.select_related("grant").filter(tenant=tenant).first()
    stripe = StripeConnection.objects.filter(tenant=tenant).first()
    missing = []
    if freshbooks is None or freshbooks.state != ConnectionState.CONNECTED:
        missing.append("Connect FreshBooks.")
    elif refused := set(SCOPES) - set(freshbooks.grant.scopes.split() or SCOPES):
        missing.append(f"Connect FreshBooks again and allow: {', '.join(sorted(refused))}.")
    if stripe is None or stripe.state != ConnectionState.CONNECTED:
        missing.append("Paste a Stripe key.")
    elif lacking := [line["what"] for line in stripe.last_ping if _is_lacking(line)]:
        missing.append(
            f"Give the Stripe key what it lacks ({', '.join(lacking)}), then check it again."
        )
    if tenant.choices_made_at is None:
        missing.append("Choose who e-mails invoices and what happens with payments.")
    return missing


def _is_lacking(line: dict[str, Any]) -> bool:
    """A check that failed, that going live does not mend, and that invoices and payments need."""
    return not line["ok"] and line["what"] not in {WEBHOOK, *FOR_FEES_AND_PAYOUTS}


def go_live(tenant_id: int, *, cause: Cause) -> Tenant:
    """Set the tenant live and queue its first work. Doing it twice changes nothing.

    Raises: ConnectRefused with everything that is still missing.
    """
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.select_for_update().get(pk=tenant_id)
        missing = missing_for_live(tenant)
        if missing:
            raise ConnectRefused(
                "This tenant is not ready yet.", code="not_ready", next_step=" ".join(missing)
            )
        if tenant.is_live:
            return tenant
        tenant.state = Tenant.State.LIVE
        tenant.live_at = tenant.live_at or timezone.now()
        tenant.save(update_fields=["state", "live_at"])
        start_feeds(tenant)
        for kind in (REGISTER_WEBHOOKS, POLL_FRESHBOOKS, POLL_STRIPE):
            ledger.enqueue(tenant_id=tenant_id, kind=kind, cause=cause)
        released = ledger.release_held(tenant_id, code=NOT_LIVE)
        record(
            tenant_id=tenant_id,
            action="tenant.went_live",
            entity=f"tenant:{tenant_id}",
            cause=cause,
            details={"payment_mode": tenant.payment_mode, "released_jobs": released},
        )
        return tenant
