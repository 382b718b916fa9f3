"""Money that Stripe collected, kept as one row per InvoicePayment."""

from __future__ import annotations

from collections.abc import Iterable

from audit.recording import record
from connector import journal
from connector.journal import Fact
from connector.models import CollectedPayment, InvoiceLink, MoneyFact
from connector.money import Money
from connector.sync.context import SyncRun
from connector.sync.returned import FIGURES, gross
from connector.vendors.stripe.records import StripeInvoicePayment
from tenants.models import Tenant
from tenants.scope import tenant_scope

STRIPE_MONEY = frozenset({"payment_intent", "charge"})  # a payment_record is our own echo
Recording = CollectedPayment.Recording
# What people decide, and what went back of a payment of several invoices, may be written by others
# at any moment: a running sync never writes over it.
_OF_OTHERS = {
    *("approved_by", "approved_at", "lowering_approved_by", "lowering_approved_to_minor"),
    *FIGURES,
}
_OURS = [
    field.name
    for field in CollectedPayment._meta.concrete_fields  # noqa: SLF001 - documented by Django
    if not field.primary_key and field.name not in _OF_OTHERS
]
FIRST_STATE = {
    Tenant.PaymentMode.OBSERVE: Recording.OBSERVED,
    Tenant.PaymentMode.APPROVE: Recording.AWAITING_APPROVAL,
    Tenant.PaymentMode.RECORD: Recording.APPROVED,
}


def take_collected_payments(
    run: SyncRun, link: InvoiceLink, payments: Iterable[StripeInvoicePayment]
) -> int:
    """Keep every paid InvoicePayment once; answer how many are new."""
    new = 0
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        for payment in payments:
            if payment.payment_type in STRIPE_MONEY and payment.amount_paid is not None:
                new += _take(run, link, payment, gross(payment))
            if payment.charge_status == "failed":
                _keep_failure(run, link, payment)
    return new


def has_pending_payment(payments: Iterable[StripeInvoicePayment]) -> bool:
    """Whether money is under way that may still fail, such as a bank debit."""
    return any(
        payment.status == "open" and payment.payment_intent_status == "processing"
        for payment in payments
    )


def collected_rows(run: SyncRun, link: InvoiceLink) -> list[CollectedPayment]:
    """All that Stripe collected for an invoice, oldest first."""
    with tenant_scope(run.tenant_id):
        return list(CollectedPayment.objects.filter(invoice=link).order_by("paid_at", "pk"))


def total(rows: Iterable[CollectedPayment], currency: str) -> Money:
    """The sum of the rows that are in the invoice's currency.

    Others exist when the currency was changed after a payment: that is a discrepancy of its own.
    """
    same = (row.counted_minor for row in rows if row.currency == currency)
    return Money(sum(same), currency)


def returned(rows: Iterable[CollectedPayment], currency: str) -> Money:
    """What of it went back to the payers, for good as far as is known."""
    same = (row.counted_minor - row.kept_minor for row in rows if row.currency == currency)
    return Money(sum(same), currency)


def keep_row(run: SyncRun, row: CollectedPayment) -> None:
    """Save where a payment stands on its way into FreshBooks."""
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        row.save(update_fields=_OURS)


def keep_step(
    run: SyncRun,
    link: InvoiceLink,
    row: CollectedPayment,
    state: CollectedPayment.Recording,
    action: str,
) -> None:
    """Save a step on that way that somebody will ask about, with its audit entry."""
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        row.recording = state
        row.save(update_fields=_OURS)
        record(
            tenant_id=run.tenant_id,
            action=action,
            entity=link.entity,
            cause=run.job.cause,
            details={
                "invoice_payment": row.stripe_invoice_payment_id,
                "freshbooks_payment": row.freshbooks_payment_id,
                "amount": str(Money(row.amount_minor, row.currency)),
                "kept": str(Money(row.kept_minor, row.currency)),
                "in_freshbooks": str(Money(row.freshbooks_amount_minor or 0, row.currency)),
                "reason": row.reason,
            },
        )


def _take(run: SyncRun, link: InvoiceLink, payment: StripeInvoicePayment, amount: Money) -> int:
    row, created = CollectedPayment.objects.get_or_create(
        tenant_id=run.tenant_id,
        stripe_invoice_payment_id=payment.id,
        defaults={
            "invoice": link,
            "stripe_invoice_id": payment.invoice_id,
            "stripe_payment_intent_id": payment.payment_intent_id,
            "stripe_charge_id": payment.charge_id,
            "status": payment.status,
            "method_type": payment.method_type,
            "card_brand": payment.card_brand,
            "amount_minor": amount.amount_minor,
            "currency": amount.currency,
            "paid_at": payment.paid_at,
            "recording": FIRST_STATE[Tenant.PaymentMode(run.payment_mode)],
        },
    )
    if not created:
        if row.status != payment.status:
            row.status = payment.status
            row.save(update_fields=["status"])
        return 0
    _keep_fact(run, link, payment, MoneyFact.Kind.COLLECTED, payment.id, amount)
    record(
        tenant_id=run.tenant_id,
        action="payment.collected",
        entity=link.entity,
        cause=run.job.cause,
        details={
            "invoice_payment": payment.id,
            "payment_intent": payment.payment_intent_id,
            "amount": str(amount),
            "mode": run.payment_mode,
        },
    )
    return 1


def _keep_failure(run: SyncRun, link: InvoiceLink, payment: StripeInvoicePayment) -> None:
    """A try to pay that failed, such as a bank debit that came back: it moved nothing."""
    nothing = Money.zero(payment.amount_requested.currency)
    _keep_fact(run, link, payment, MoneyFact.Kind.PAYMENT_FAILED, payment.charge_id, nothing)


def _keep_fact(
    run: SyncRun,
    link: InvoiceLink,
    payment: StripeInvoicePayment,
    kind: MoneyFact.Kind,
    source_id: str,
    money: Money,
) -> None:
    fact = Fact(
        side=MoneyFact.Side.STRIPE,
        kind=kind,
        key=f"stripe:{source_id}"
        if kind == MoneyFact.Kind.COLLECTED
        else f"stripe:{source_id}:{kind}",
        source_id=source_id,
        payment_id=payment.payment_intent_id or payment.charge_id,
        money=money,
        about=payment.amount_requested,
        happened_at=payment.paid_at or payment.created_at,
        invoice=link,
        note=payment.method_type,
    )
    journal.keep(run.tenant_id, [fact], correlation_id=run.job.cause.correlation_id)
