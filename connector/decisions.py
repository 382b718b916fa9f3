"""What people decide, in the admin, on the command line or through the API.

Each function runs inside the caller's scope and transaction, queues the work that follows, writes
an audit entry for each row, and answers how many rows it did something to. Who may decide it is the
doorway's business; vendors are called later, by the job.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils import timezone

from audit.recording import Cause, record
from connector import inbox, schedule
from connector.jobs import kinds, ledger
from connector.models import (
    ClientLink,
    CollectedPayment,
    Delivery,
    Discrepancy,
    InvoiceLink,
    InvoiceRevision,
    PollFeed,
)
from tenants.models import Tenant

URGENT = 5  # a person is waiting: before everything that came by itself
Recording = CollectedPayment.Recording
APPROVABLE = (
    Recording.AWAITING_APPROVAL,
    Recording.OBSERVED,
    Recording.NEEDS_YOU,
    Recording.REJECTED,
)
# Not those that are approved: a worker may be sending them at this moment.
LEAVABLE = (Recording.AWAITING_APPROVAL, Recording.NEEDS_YOU, Recording.REJECTED)


def replay_deliveries(deliveries: Sequence[Delivery], *, cause: Cause) -> int:
    """Work on deliveries again, through the same door they came in by."""
    count = inbox.replay([row.pk for row in deliveries], cause=cause)
    for row in _by_tenant(deliveries):
        _record(row, "delivery.replayed", f"delivery:{row.pk}", cause, {"delivery": str(row)})
    return count


def sync_invoices(links: Sequence[InvoiceLink], *, cause: Cause) -> int:
    """Look at these invoices now."""
    for link in _by_tenant(links):
        _enqueue_invoice(link, cause)
        _record(link, "invoice.sync_asked", link.entity, cause, {"number": link.number})
    return len(links)


def sync_clients(links: Sequence[ClientLink], *, cause: Cause) -> int:
    """Look at these clients now."""
    for link in _by_tenant(links):
        subject = str(link.freshbooks_client_id)
        _enqueue(link.tenant_id, kinds.SYNC_CLIENT, cause, subject=subject)
        _record(link, "client.sync_asked", f"client:{subject}", cause, {"name": link.name})
    return len(links)


def send_again(links: Sequence[InvoiceLink], *, cause: Cause) -> int:
    """Make invoices anew that somebody voided or deleted in Stripe: that wish is taken back."""
    done = 0
    for link in _by_tenant(links):
        last = (
            InvoiceRevision.objects.select_for_update()
            .filter(invoice=link)
            .order_by("-revision")
            .first()
        )
        if last is None or not last.retired_by_person:
            continue
        last.retired_by_person = False
        last.save(update_fields=["retired_by_person"])
        _enqueue_invoice(link, cause)
        details = {"number": link.number, "after_revision": last.revision}
        _record(link, "invoice.send_again_asked", link.entity, cause, details)
        done += 1
    return done


def approve_payments(payment_ids: Iterable[int], *, cause: Cause) -> int:
    """Have payments recorded in FreshBooks. The guards of recording look at each of them again.

    Where the tenant only observes, nothing is written to FreshBooks, whoever asks.
    """
    rows = [
        row
        for row in _locked_payments(payment_ids, APPROVABLE)
        if row.tenant.payment_mode != Tenant.PaymentMode.OBSERVE
    ]
    for row in rows:
        before = row.recording
        row.recording = Recording.APPROVED
        row.reason = ""
        row.approved_by, row.approved_at = cause.actor, timezone.now()
        row.save(update_fields=["recording", "reason", "approved_by", "approved_at"])
        _enqueue_invoice(row.invoice, cause)
        _record_payment(row, "payment.approved", cause, before=before)
    return len(rows)


def approve_lowering(payment_ids: Iterable[int], *, cause: Cause) -> int:
    """Let FreshBooks follow what went back: our payment is lowered to what was proposed, or removed.

    Whoever approves allows that amount only: if more goes back meanwhile, it is proposed anew.
    """
    rows = [
        row
        for row in _locked_payments(payment_ids, (Recording.RECORDED,))
        if row.waits_for_lowering and row.tenant.payment_mode != Tenant.PaymentMode.OBSERVE
    ]
    for row in rows:
        before = row.freshbooks_amount_minor
        row.lowering_approved_by = cause.actor
        row.lowering_approved_to_minor = row.lowering_proposed_minor
        row.save(update_fields=["lowering_approved_by", "lowering_approved_to_minor"])
        _enqueue_invoice(row.invoice, cause)
        details = {"to_minor": row.lowering_approved_to_minor, "before_minor": before}
        named = {"invoice_payment": row.stripe_invoice_payment_id, "currency": row.currency}
        _record(row, "payment.lowering_approved", row.invoice.entity, cause, named | details)
    return len(rows)


def leave_payments(payment_ids: Iterable[int], *, reason: str, cause: Cause) -> int:
    """Write nothing into FreshBooks for these payments, and remember why."""
    rows = _locked_payments(payment_ids, LEAVABLE)
    for row in rows:
        before = row.recording
        row.recording = Recording.OBSERVED
        row.reason = reason
        row.save(update_fields=["recording", "reason"])
        _enqueue_invoice(row.invoice, cause)
        _record_payment(row, "payment.left_alone", cause, before=before)
    return len(rows)


def ask(tenant: Tenant, wanted: Sequence[tuple[kinds.Kind, str]], *, cause: Cause) -> list[int]:
    """Queue any work for one tenant, before everything that came by itself; answer the jobs."""
    jobs = [_enqueue(tenant.pk, kind, cause, subject=subject) for kind, subject in wanted]
    asked = [f"{kind.name} {subject}".strip() for kind, subject in wanted]
    record_tenant(tenant, "tenant.work_asked", cause, {"kinds": asked})
    return jobs


def look_after(rows: Sequence[Discrepancy], *, cause: Cause) -> int:
    """Put the person's name on discrepancies."""
    for row in _by_tenant(rows):
        row.owner = cause.actor
        row.save(update_fields=["owner"])
        _record(row, "discrepancy.owner_set", row.subject, cause, {"kind": row.kind})
    return len(rows)


def poll_now(tenants: Sequence[Tenant], *, cause: Cause) -> int:
    """Ask both vendors now what changed."""
    feeds = (PollFeed.Feed.FRESHBOOKS, PollFeed.Feed.STRIPE, PollFeed.Feed.MONEY)
    return queue_for(tenants, [schedule.KIND_OF_FEED[feed] for feed in feeds], cause)


def reconcile_now(tenants: Sequence[Tenant], *, cause: Cause) -> int:
    """Compare everything on both sides now."""
    return queue_for(tenants, [kinds.RECONCILE_ALL], cause)


def ping_now(tenants: Sequence[Tenant], *, cause: Cause) -> int:
    """Check both connections now, permission by permission."""
    return queue_for(tenants, [kinds.PING], cause)


def register_webhooks_again(tenants: Sequence[Tenant], *, cause: Cause) -> int:
    """Have both vendors told once more where to send their webhooks."""
    return queue_for(tenants, [kinds.REGISTER_WEBHOOKS], cause)


def queue_for(tenants: Sequence[Tenant], wanted: list[kinds.Kind], cause: Cause) -> int:
    """Have the same done for each of these tenants."""
    for tenant in sorted(tenants, key=lambda row: row.pk):
        ask(tenant, [(kind, "") for kind in wanted], cause=cause)
    return len(tenants)


def _locked_payments(
    payment_ids: Iterable[int], states: Sequence[CollectedPayment.Recording]
) -> list[CollectedPayment]:
    rows = (
        CollectedPayment.objects.select_for_update(of=("self",))
        .select_related("invoice", "tenant")
        .filter(pk__in=list(payment_ids), recording__in=states)
        .order_by("tenant_id", "pk")
    )
    return list(rows)


def _by_tenant(rows: Iterable[Any]) -> list[Any]:
    """In one order for everybody: two people recording for the same tenants never block each other."""
    return sorted(rows, key=lambda row: (row.tenant_id, row.pk))


def _enqueue_invoice(link: InvoiceLink, cause: Cause) -> None:
    _enqueue(link.tenant_id, kinds.SYNC_INVOICE, cause, subject=str(link.freshbooks_invoice_id))


def _enqueue(tenant_id: int, kind: kinds.Kind, cause: Cause, *, subject: str = "") -> int:
    return ledger.enqueue(
        tenant_id=tenant_id, kind=kind, subject=subject, cause=cause, priority=URGENT
    )


def _record(row: Any, action: str, entity: str, cause: Cause, details: dict[str, Any]) -> None:
    record(tenant_id=row.tenant_id, action=action, entity=entity, cause=cause, details=details)


def _record_payment(row: CollectedPayment, action: str, cause: Cause, *, before: str) -> None:
    details = {
        "invoice_payment": row.stripe_invoice_payment_id,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "before": before,
        "reason": row.reason,
    }
    _record(row, action, row.invoice.entity, cause, details)


def record_tenant(tenant: Tenant, action: str, cause: Cause, details: dict[str, Any]) -> None:
    """Write down what somebody decided about a tenant."""
    record(
        tenant_id=tenant.pk,
        action=action,
        entity=f"tenant:{tenant.pk}",
        cause=cause,
        details=details,
    )
