"""Money that Stripe collected and that went back, or may: refunds and disputes, of any age."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from audit.recording import record
from connector.errors import VendorContractBroken
from connector.models import CollectedPayment, InvoiceLink, StrayPayment
from connector.money import Money
from connector.sync.context import SyncRun
from connector.sync.return_facts import (
    CLOSED,
    LOST,
    UNDONE,
    Returns,
    keep_return_facts,
    rows_of,
)
from connector.vendors.stripe.money_records import StripeDispute
from connector.vendors.stripe.pages import all_pages
from connector.vendors.stripe.records import StripeInvoicePayment
from tenants.scope import tenant_scope

FIGURES = (
    "refunded_minor",
    "dispute_status",
    "disputed_minor",
    "open_dispute_minor",
    "open_dispute_status",
    "dispute_due_at",
)


def follow_returns(
    run: SyncRun, link: InvoiceLink, payments: Iterable[StripeInvoicePayment]
) -> None:
    """Bring the refunds and disputes of an invoice's payments up to date.

    Reads nothing for a payment of which Stripe says that nothing went back, and nothing is known.
    """
    seen = {payment.id: payment for payment in payments}
    if not seen:
        return
    with tenant_scope(run.tenant_id):
        rows = list(CollectedPayment.objects.filter(invoice=link).order_by("pk"))
    for row in rows:
        payment = seen.get(row.stripe_invoice_payment_id)
        if payment is not None and _must_read(row, payment):
            follow_payment(
                run, row.stripe_payment_intent_id or row.stripe_charge_id, payment.charge_amount
            )


def follow_payment(run: SyncRun, payment_id: str, charged: Money | None) -> Returns:
    """Read what went back of one payment and keep it on every row that the payment paid."""
    returns = _read(run, payment_id, charged)
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        rows = list(rows_of(payment_id).select_for_update(of=("self",)))
        if rows or StrayPayment.objects.filter(payment_id=payment_id).exists():
            _share(rows, returns)
            for row in rows:
                _save(run, row)
            keep_return_facts(run, payment_id, rows, returns)
    return returns


def _read(run: SyncRun, payment_id: str, charged: Money | None) -> Returns:
    refunds = all_pages(lambda cursor: run.stripe.list_refunds(payment_id, cursor=cursor))
    disputes = all_pages(lambda cursor: run.stripe.list_disputes(payment_id, cursor=cursor))
    with tenant_scope(run.tenant_id):
        rows = list(rows_of(payment_id))
    currency = charged.currency if charged else next((row.currency for row in rows), "")
    returns = Returns(refunds=tuple(refunds), disputes=tuple(disputes), currency=currency)
    _refuse_impossible(payment_id, returns, charged)
    if not rows:
        return returns  # nobody matched any of it: all that went back is the stray payment's
    if charged is None or charged.amount_minor <= sum(row.amount_minor for row in rows):
        return returns
    if any(row.allocation_id for row in rows):  # what nobody matched goes back first
        unmatched = charged.amount_minor - sum(row.amount_minor for row in rows)
        return replace(returns, excess=unmatched)
    paid = [
        max(payment.amount_paid, payment.amount_requested, key=lambda money: money.amount_minor)
        for payment in all_pages(
            lambda cursor: run.stripe.list_invoice_payments_of(payment_id, cursor=cursor)
        )
        if payment.amount_paid is not None
    ]
    excess = charged.amount_minor - sum(money.amount_minor for money in paid)
    return replace(returns, excess=max(0, excess), shared=len(paid) > len(rows))


def _refuse_impossible(payment_id: str, returns: Returns, charged: Money | None) -> None:
    """Nothing is kept or written on figures that cannot be: a person is told, and it is tried again.

    A dispute may take what was refunded already, so disputes prove nothing here.
    """
    if not returns.currency:
        return
    amounts = [row.amount for row in returns.refunds if row.status not in UNDONE]
    foreign = [money for money in amounts if money.currency != returns.currency]
    back = Money(returns.refunded, returns.currency)
    brought = charged or f"money in {returns.currency}"
    if foreign or (charged is not None and charged < back):
        found = f"{foreign[0]} of it" if foreign else f"{back}"
        raise VendorContractBroken(
            f"Stripe says that {found} was refunded of payment {payment_id}, which brought {brought}."
        )


def _must_read(row: CollectedPayment, payment: StripeInvoicePayment) -> bool:
    known = bool(row.refunded_minor or row.dispute_status or row.refunds_unclear)
    told = payment.charge_refunded is not None and not payment.charge_refunded.is_zero
    return known or told or payment.charge_disputed


def gross(payment: StripeInvoicePayment) -> Money:
    """What the payment brought at first: Stripe may lower `amount_paid` after a refund (unknown)."""
    assert payment.amount_paid is not None  # noqa: S101 - callers ask for paid ones only
    went_back = payment.charge_disputed or not (
        payment.charge_refunded is None or payment.charge_refunded.is_zero
    )
    lowered = payment.amount_paid < payment.amount_requested
    return payment.amount_requested if went_back and lowered else payment.amount_paid


def _share(rows: Sequence[CollectedPayment], returns: Returns) -> None:
    """Whose money went back. Of a payment of several invoices, a part cannot be told apart."""
    total = sum(row.amount_minor for row in rows)
    refunded = max(0, returns.refunded - returns.excess)
    dispute = _weightiest(returns.disputes)
    disputed = returns.lost or returns.at_stake
    alone = len(rows) == 1 and not returns.shared
    for row in rows:
        row.dispute_status = dispute.status if dispute else ""
        row.open_dispute_status = returns.open[0].status if returns.open else ""
        row.dispute_due_at = returns.open[0].due_by if returns.open else None
        part = 0 < refunded < total or 0 < disputed < total
        row.refunds_unclear = (part and not alone) or returns.has_foreign_loss
        if alone:
            row.refunded_minor = min(refunded, row.amount_minor)
            row.disputed_minor = min(disputed, row.amount_minor)
            row.open_dispute_minor = min(returns.at_stake, row.amount_minor)
        else:
            row.refunded_minor = row.amount_minor if refunded >= total else 0
            row.disputed_minor = row.amount_minor if disputed >= total else 0
            row.open_dispute_minor = row.amount_minor if 0 < total <= returns.at_stake else 0


def _weightiest(disputes: Sequence[StripeDispute]) -> StripeDispute | None:
    """A lost one counts before an open one, an open one before a closed one; then the newest."""

    def weight(dispute: StripeDispute) -> tuple[bool, bool, datetime]:
        return (dispute.status == LOST, dispute.status not in CLOSED, dispute.created_at)

    return max(disputes, key=weight, default=None)


def _save(run: SyncRun, row: CollectedPayment) -> None:
    before = CollectedPayment.objects.values(*FIGURES).get(pk=row.pk)
    row.save(update_fields=[*FIGURES, "refunds_unclear"])
    after = {name: getattr(row, name) for name in FIGURES}
    if after == before:
        return
    record(
        tenant_id=run.tenant_id,
        action="payment.returned",
        entity=row.invoice.entity,
        cause=run.job.cause,
        details={
            "invoice_payment": row.stripe_invoice_payment_id,
            "refunded": str(Money(row.refunded_minor, row.currency)),
            "dispute": row.dispute_status,
            "disputed": str(Money(row.disputed_minor, row.currency)),
        },
    )
