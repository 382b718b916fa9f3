"""Which function does which kind of work, and what each vendor's event means.

Dictionaries, no switches: to support one more event or kind of job, add a line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from connector import inbox, schedule
from connector.connecting import handlers as connecting
from connector.errors import VendorNotFound
from connector.jobs import kinds, ledger
from connector.jobs.context import DatabaseOnly, Handler, JobRun
from connector.jobs.lanes import let_go
from connector.models import (
    CollectedPayment,
    Delivery,
    InvoiceRevision,
    OutsidePayment,
    VendorWrite,
)
from connector.planning.applying import apply_plan
from connector.planning.making import make_plan
from connector.polling import poll_freshbooks, poll_stripe
from connector.reconcile import reconcile
from connector.runs import build_run
from connector.settlement import poll_money
from connector.sync.cash_balance import look_up_cash_balance
from connector.sync.clients import sync_client
from connector.sync.context import SyncRun
from connector.sync.pair import sync_invoice
from connector.sync.return_facts import rows_of
from connector.sync.stray import look_up_stripe_payment
from connector.sync.told import is_told
from tenants.scope import tenant_scope

Route = tuple[kinds.Kind, str]  # what to do, with which subject
NOTHING: list[Route] = []


def _of_entity(function: Callable[[SyncRun, int], str]) -> Handler:
    return lambda job: function(build_run(job), int(job.subject))


def _of_object(function: Callable[[SyncRun, str], str]) -> Handler:
    return lambda job: function(build_run(job), job.subject)


def _of_tenant(function: Callable[[SyncRun], str]) -> Handler:
    return lambda job: function(build_run(job))


def route_delivery(job: JobRun) -> str:
    """Turn one stored delivery into work on the entity that it is about."""
    with tenant_scope(job.tenant_id):
        job.hold_fence()
        delivery, has_cause = _held_delivery(int(job.subject))
        is_new = delivery.processed_at is None
        route = _ignore if has_cause or _is_our_payment(delivery) else _route_of(delivery)
        routes = route(delivery)
        for kind, subject in routes:
            ledger.enqueue(tenant_id=job.tenant_id, kind=kind, subject=subject, cause=job.cause)
        state = Delivery.State.ROUTED if routes else Delivery.State.IGNORED
        note = ", ".join(f"{kind.name} {subject}" for kind, subject in routes) or "nothing to do"
        inbox.mark(delivery, state, note, now=timezone.now())
        if routes and is_new:
            schedule.wake(job.tenant_id)
    return note


def _held_delivery(delivery_id: int) -> tuple[Delivery, bool]:
    """The delivery, and whether a write of ours to Stripe caused it: the job that wrote knows the
    answer, or resumes until it does.
    """
    writes = VendorWrite.objects.filter(vendor="stripe", idempotency_key=OuterRef("caused_by_key"))
    has_cause = ~Q(caused_by_key="") & Exists(writes)
    rows = Delivery.objects.select_for_update().annotate(has_cause=has_cause)
    delivery: Any = rows.get(pk=delivery_id)
    return delivery, bool(delivery.has_cause)


def look_up_payment(run: SyncRun, payment_id: int) -> str:
    """A FreshBooks payment that we do not know: which invoice is it for?"""
    try:
        payment = run.freshbooks.get_payment(payment_id=payment_id)
    except VendorNotFound:
        return "FreshBooks does not have this payment"
    return _queue_invoice(run, payment.invoice_id)


def look_up_stripe_invoice(job: JobRun) -> str:
    """A paid Stripe invoice that we do not know: does it say which FreshBooks invoice it is for?"""
    run = build_run(job)
    try:
        invoice = run.stripe.get_invoice(job.subject)
    except VendorNotFound:
        return "Stripe does not have this invoice"
    named = invoice.metadata.get("fb_invoice_id", "")
    if invoice.metadata.get("fb_account") != run.freshbooks_account_id or not named.isdigit():
        return "an invoice that did not come from FreshBooks"
    return _queue_invoice(run, int(named))


def _queue_invoice(run: SyncRun, invoice_id: int) -> str:
    with tenant_scope(run.tenant_id):
        ledger.enqueue(
            tenant_id=run.tenant_id,
            kind=kinds.SYNC_INVOICE,
            subject=str(invoice_id),
            cause=run.job.cause,
        )
    return f"invoice {invoice_id}"


def work_of(delivery: Delivery) -> list[Route]:
    """What replaying this delivery would look at again. Inside a scope."""
    return _route_of(delivery)(delivery)


def _route_of(delivery: Delivery) -> Callable[[Delivery], list[Route]]:
    return ROUTES[delivery.source].get(delivery.event_type, _ignore)


def _is_our_payment(delivery: Delivery) -> bool:
    """Whether FreshBooks tells of a payment that we recorded there."""
    if delivery.source != Delivery.Source.FRESHBOOKS or delivery.event_type != "payment.create":
        return False
    payment_id = int(delivery.object_id)
    return CollectedPayment.objects.filter(freshbooks_payment_id=payment_id).exists()


def _ignore(_: Delivery) -> list[Route]:
    return NOTHING


def _freshbooks_client(delivery: Delivery) -> list[Route]:
    return [(kinds.SYNC_CLIENT, delivery.object_id)]


def _freshbooks_invoice(delivery: Delivery) -> list[Route]:
    return [(kinds.SYNC_INVOICE, delivery.object_id)]


def _freshbooks_payment(delivery: Delivery) -> list[Route]:
    """Our own payments and known ones name their invoice; others are looked up."""
    payment_id = int(delivery.object_id)
    row = (
        CollectedPayment.objects.select_related("invoice")
        .filter(freshbooks_payment_id=payment_id)
        .first()
        or OutsidePayment.objects.select_related("invoice")
        .filter(freshbooks_payment_id=payment_id)
        .first()
    )
    if row is None:
        return [(kinds.LOOK_UP_PAYMENT, delivery.object_id)]
    return [(kinds.SYNC_INVOICE, str(row.invoice.freshbooks_invoice_id))]


def _stripe_invoice(delivery: Delivery) -> list[Route]:
    """An event about one of our invoices; changes of foreign ones mean nothing to us."""
    revision = (
        InvoiceRevision.objects.select_related("invoice")
        .filter(stripe_invoice_id=delivery.invoice_id)
        .first()
    )
    if revision is None:
        return NOTHING
    return [(kinds.SYNC_INVOICE, str(revision.invoice.freshbooks_invoice_id))]


def _stripe_payment(delivery: Delivery) -> list[Route]:
    """A payment and what becomes of it: the invoices that it paid, or money without an invoice."""
    payment_id = delivery.payment_id
    if not payment_id:
        return NOTHING
    paid = rows_of(payment_id, with_undone=True)
    routes = [(kinds.SYNC_INVOICE, str(row.invoice.freshbooks_invoice_id)) for row in paid]
    if routes and not any(row.allocation_id for row in paid):
        return routes
    return [*routes, (kinds.LOOK_UP_STRIPE_PAYMENT, payment_id)]


def _stripe_success(delivery: Delivery) -> list[Route]:
    """A payment came in: no more than the invoice's own event says, if that one came too.

    When a person replays it, the invoice is looked at again all the same.
    """
    if delivery.processed_at is None and is_told(delivery.payment_id):
        return NOTHING
    return _stripe_payment(delivery)


def _cash_balance(delivery: Delivery) -> list[Route]:
    """A customer's bank transfer that Stripe holds until it knows what it is for."""
    return [(kinds.LOOK_UP_CASH_BALANCE, delivery.customer_id)] if delivery.customer_id else NOTHING


def _payout(_: Delivery) -> list[Route]:
    return [(kinds.POLL_MONEY, "")]


def _stripe_money(delivery: Delivery) -> list[Route]:
    """Money on an invoice: one that we do not know is looked up, because money is never ignored."""
    known = _stripe_invoice(delivery)
    if known or not delivery.invoice_id:
        return known
    return [(kinds.LOOK_UP_STRIPE_INVOICE, delivery.invoice_id)]


HANDLERS: dict[str, Handler] = {
    kinds.ROUTE_DELIVERY.name: DatabaseOnly(route_delivery),
    kinds.SYNC_CLIENT.name: _of_entity(sync_client),
    kinds.SYNC_INVOICE.name: _of_entity(sync_invoice),
    kinds.LOOK_UP_PAYMENT.name: _of_entity(look_up_payment),
    kinds.LOOK_UP_STRIPE_INVOICE.name: look_up_stripe_invoice,
    kinds.LOOK_UP_STRIPE_PAYMENT.name: _of_object(look_up_stripe_payment),
    kinds.LOOK_UP_CASH_BALANCE.name: _of_object(look_up_cash_balance),
    kinds.POLL_FRESHBOOKS.name: _of_tenant(poll_freshbooks),
    kinds.POLL_STRIPE.name: _of_tenant(poll_stripe),
    kinds.POLL_MONEY.name: _of_tenant(poll_money),
    kinds.RECONCILE_ALL.name: _of_tenant(reconcile),
    kinds.MAKE_PLAN.name: make_plan,
    kinds.APPLY_PLAN.name: apply_plan,
    kinds.HOLD_LANE.name: let_go,
    kinds.PING.name: connecting.ping,
    kinds.REGISTER_WEBHOOKS.name: connecting.register_webhooks,
    kinds.CONFIRM_CALLBACK.name: connecting.confirm_callback,
    kinds.ERASE_TENANT.name: connecting.erase_tenant,
}

FRESHBOOKS_ROUTES: dict[str, Callable[[Delivery], list[Route]]] = {
    "client.create": _freshbooks_client,
    "client.update": _freshbooks_client,
    "client.delete": _freshbooks_client,
    "invoice.create": _freshbooks_invoice,
    "invoice.update": _freshbooks_invoice,
    "invoice.delete": _freshbooks_invoice,
    "invoice.sendByEmail": _freshbooks_invoice,
    "payment.create": _freshbooks_payment,
    "payment.update": _freshbooks_payment,
    "payment.delete": _freshbooks_payment,
}

STRIPE_ROUTES: dict[str, Callable[[Delivery], list[Route]]] = {
    "invoice_payment.paid": _stripe_money,
    "invoice.paid": _stripe_money,
    "invoice.payment_failed": _stripe_invoice,
    "invoice.payment_action_required": _stripe_invoice,
    "invoice.voided": _stripe_invoice,
    "invoice.marked_uncollectible": _stripe_invoice,
    "invoice.deleted": _stripe_invoice,
    "invoice.finalized": _stripe_invoice,
    "invoice.updated": _stripe_invoice,
    "invoice.overpaid": _stripe_money,
    "payment_intent.succeeded": _stripe_success,
    "payment_intent.processing": _stripe_payment,
    "payment_intent.payment_failed": _stripe_payment,
    "charge.succeeded": _stripe_success,
    "refund.created": _stripe_payment,
    "refund.updated": _stripe_payment,
    "refund.failed": _stripe_payment,
    "charge.dispute.created": _stripe_payment,
    "charge.dispute.updated": _stripe_payment,
    "charge.dispute.closed": _stripe_payment,
    "charge.dispute.funds_withdrawn": _stripe_payment,
    "charge.dispute.funds_reinstated": _stripe_payment,
    "credit_note.created": _stripe_invoice,
    "credit_note.voided": _stripe_invoice,
    "customer_cash_balance_transaction.created": _cash_balance,
    "payout.paid": _payout,
    "payout.failed": _payout,
}

ROUTES: dict[str, dict[str, Callable[[Delivery], list[Route]]]] = {
    Delivery.Source.FRESHBOOKS: FRESHBOOKS_ROUTES,
    Delivery.Source.STRIPE: STRIPE_ROUTES,
}
