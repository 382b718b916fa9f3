"""All work ended, and ended well; the inbox holds every webhook that we said we took."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from connector.models import CollectedPayment, Delivery, SyncJob, VendorWrite
from sandbox.core.webhooks import Ticket
from tenants.scope import tenant_scope

HANDSHAKE = "callback.verify"


def check_at_rest(tenant_id: int) -> list[str]:
    """I26, I27: nothing is queued, running, or of unknown outcome once all has settled."""
    with tenant_scope(tenant_id):
        jobs = SyncJob.objects.exclude(
            state__in=[SyncJob.State.DONE, SyncJob.State.SUPERSEDED]
        ).order_by("pk")
        found = [
            f"I27 job {job.kind} {job.subject} is {job.state}: {job.failure_code}"
            f" {job.failure_message[:200]}"
            for job in jobs
        ]
        unknown = (CollectedPayment.Recording.SENDING, CollectedPayment.Recording.UNKNOWN)
        found += [
            f"I27 payment {row.stripe_invoice_payment_id} is {row.recording}"
            for row in CollectedPayment.objects.filter(recording__in=unknown)
        ]
    return found


def check_writes_answered(tenant_id: int) -> list[str]:
    """I17: every intent has an outcome."""
    with tenant_scope(tenant_id):
        rows = VendorWrite.objects.filter(
            state__in=[VendorWrite.State.SENDING, VendorWrite.State.UNKNOWN]
        ).order_by("pk")
        return [f"I17 {row.operation} {row.entity} {row.step} is {row.state}" for row in rows]


def check_inbox(tenant_id: int, tickets: list[Ticket]) -> list[str]:
    """I01, I02: what was answered 2xx is in the inbox, and every row there came to an end."""
    taken = [
        ticket
        for ticket in tickets
        if ticket.delivery.event != HANDSHAKE
        and any(200 <= one["status"] < 300 for one in ticket.tries)
    ]
    with tenant_scope(tenant_id):
        rows = list(Delivery.objects.all())
    known = {row.event_id for row in rows if row.event_id}
    hints = {(row.event_type, row.object_id) for row in rows if not row.event_id}
    found = [
        f"I02 delivery {row.event_type} {row.object_id} is {row.state}"
        for row in rows
        if row.state == Delivery.State.RECEIVED
    ]
    for ticket in taken:
        name, known_as = _identity(ticket)
        if known_as not in (known if name == "id" else hints):
            found.append(f"I01 {ticket.delivery.event}: answered 2xx and not in the inbox")
    return found


def _identity(ticket: Ticket) -> tuple[str, object]:
    body = ticket.delivery.body.decode()
    if "json" in ticket.delivery.content_type:
        return "id", json.loads(body)["id"]
    form = dict(parse_qsl(body))
    return "hint", (form["name"], form["object_id"])
