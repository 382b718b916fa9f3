"""Matches of payments without invoice: the money that an invoice gets, or loses, by them.

A match is a `CollectedPayment` like any other, so everything else follows it: recording in
FreshBooks, refunds, disputes. Once Stripe itself counts the payment towards the invoice, that
InvoicePayment is the same money and takes the row over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from audit.recording import record
from connector import allocating, journal
from connector.journal import Fact
from connector.models import Allocation, CollectedPayment, InvoiceLink, MoneyFact, StrayPayment
from connector.money import Money
from connector.sync.collected import FIRST_STATE, STRIPE_MONEY, take_collected_payments
from connector.sync.context import SyncRun
from connector.sync.returned import follow_payment, gross
from connector.vendors.stripe.records import StripeInvoicePayment
from tenants.models import Tenant
from tenants.scope import tenant_scope

Recording = CollectedPayment.Recording
PREFIX = "alloc_"
NOT_SENT = (
    Recording.AWAITING_APPROVAL,
    Recording.APPROVED,
    Recording.NEEDS_YOU,
    Recording.REJECTED,
)


def take_money(run: SyncRun, link: InvoiceLink, payments: Sequence[StripeInvoicePayment]) -> None:
    """Keep all money of an invoice once: what Stripe collected for it, and what was matched to it."""
    new = _follow_matches(run, link, payments)
    take_collected_payments(run, link, payments)
    _follow_strays(run, link)
    for stray in new:
        charged = Money(stray.amount_minor, stray.currency)
        follow_payment(run, stray.payment_id, charged)


def adopt(run: SyncRun, link: InvoiceLink, payments: Iterable[StripeInvoicePayment]) -> None:
    """Let InvoicePayments of matched payments take over their rows. Inside a scope."""
    rows = {row.stripe_payment_intent_id or row.stripe_charge_id: row for row in _unadopted(link)}
    known = _known(link) if rows else set()
    for payment in payments:
        if payment.id in known:
            continue  # it belongs to a former match of the same money
        row = rows.get(payment.payment_intent_id or payment.charge_id)
        collected = payment.payment_type in STRIPE_MONEY and payment.amount_paid is not None
        if row is not None and collected:
            _adopt(run, link, row, payment)


def _follow_matches(
    run: SyncRun, link: InvoiceLink, payments: Iterable[StripeInvoicePayment]
) -> list[StrayPayment]:
    """Take up new matches, let Stripe take them over, let go of undone ones; answer the new ones."""
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        matches = list(
            Allocation.objects.select_related("stray").filter(invoice=link).order_by("pk")
        )
        rows = {row.allocation_id: row for row in _rows(link)} if matches else {}
        new = [row for row in matches if row.pk not in rows and row.undone_at is None]
        for match in new:
            _take(run, link, match)
        if matches:
            adopt(run, link, payments)
            rows = {row.allocation_id: row for row in _rows(link)}
        for match in matches:
            row = rows.get(match.pk)
            if match.undone_at is not None and row is not None and not row.undone:
                _let_go(run, link, match, row)
    return [match.stray for match in new]


def _rows(link: InvoiceLink) -> list[CollectedPayment]:
    rows = CollectedPayment.objects.filter(invoice=link, allocation__isnull=False)
    return list(rows.select_for_update(of=("self",)).select_related("allocation").order_by("pk"))


def _known(link: InvoiceLink) -> set[str]:
    rows = CollectedPayment.objects.filter(invoice=link)
    return set(rows.values_list("stripe_invoice_payment_id", flat=True))


def _unadopted(link: InvoiceLink) -> list[CollectedPayment]:
    return [
        row
        for row in _rows(link)
        if row.stripe_invoice_payment_id.startswith(PREFIX) and not row.undone
    ]


def _take(run: SyncRun, link: InvoiceLink, match: Allocation) -> None:
    stray = match.stray
    by_charge = stray.via == StrayPayment.Via.CHARGE
    CollectedPayment.objects.create(
        tenant_id=run.tenant_id,
        stripe_invoice_payment_id=f"{PREFIX}{match.pk}",
        invoice=link,
        allocation=match,
        stripe_payment_intent_id="" if by_charge else stray.payment_id,
        stripe_charge_id=stray.charge_id,
        status="paid",
        method_type=stray.method_type,
        card_brand=stray.card_brand,
        amount_minor=match.amount_minor,
        currency=stray.currency,
        paid_at=stray.paid_at,
        recording=FIRST_STATE[Tenant.PaymentMode(run.payment_mode)],
    )
    fact = Fact(
        side=MoneyFact.Side.STRIPE,
        kind=MoneyFact.Kind.ALLOCATED,
        key=f"allocation:{match.pk}",
        source_id=f"{PREFIX}{match.pk}",
        payment_id=stray.payment_id,
        money=Money(match.amount_minor, stray.currency),
        happened_at=match.made_at,
        invoice=link,
        note=f"Matched by {match.made_by}",
    )
    journal.keep(run.tenant_id, [fact], correlation_id=run.job.cause.correlation_id)
    _audit(run, link, "payment.matched", match)


def _adopt(
    run: SyncRun, link: InvoiceLink, row: CollectedPayment, payment: StripeInvoicePayment
) -> None:
    """Stripe's figure is the true one, should it count another amount than was matched."""
    match = row.allocation
    assert match is not None  # noqa: S101 - selected by it; narrows the type
    paid = gross(payment)
    if paid.currency != row.currency:
        return
    more = paid.amount_minor - row.amount_minor
    row.stripe_invoice_payment_id, row.stripe_invoice_id = payment.id, payment.invoice_id
    row.amount_minor = match.amount_minor = paid.amount_minor
    row.save(update_fields=["stripe_invoice_payment_id", "stripe_invoice_id", "amount_minor"])
    match.told_on = payment.invoice_id
    match.save(update_fields=["told_on", "amount_minor"])
    if more:
        fact = Fact(
            side=MoneyFact.Side.STRIPE,
            kind=MoneyFact.Kind.ALLOCATED,
            key=f"allocation:{match.pk}:{payment.id}",
            source_id=payment.id,
            payment_id=payment.payment_intent_id or payment.charge_id,
            money=Money(more, row.currency),
            happened_at=payment.paid_at or payment.created_at,
            invoice=link,
            note="Stripe counts another amount than was matched.",
        )
        journal.keep(run.tenant_id, [fact], correlation_id=run.job.cause.correlation_id)
    _audit(run, link, "payment.counted_by_stripe", match)


def _let_go(run: SyncRun, link: InvoiceLink, match: Allocation, row: CollectedPayment) -> None:
    """The match was taken back: from now on it counts nothing, and FreshBooks follows."""
    fact = Fact(
        side=MoneyFact.Side.STRIPE,
        kind=MoneyFact.Kind.UNALLOCATED,
        key=f"allocation:{match.pk}:undone",
        source_id=f"{PREFIX}{match.pk}",
        payment_id=match.stray.payment_id,
        money=Money(-row.kept_minor, row.currency),
        happened_at=match.undone_at or match.made_at,
        invoice=link,
        note=match.undone_because,
    )
    row.undone = True
    row.refunds_unclear = False
    if row.recording in NOT_SENT:
        row.recording = Recording.OBSERVED
    row.reason = f"Its match was taken back: {match.undone_because}"
    row.save(update_fields=["undone", "refunds_unclear", "recording", "reason"])
    journal.keep(run.tenant_id, [fact], correlation_id=run.job.cause.correlation_id)
    _audit(run, link, "payment.match_undone", match)


def _follow_strays(run: SyncRun, link: InvoiceLink) -> None:
    """Payments that were without invoice until Stripe counted them towards this one."""
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        own = CollectedPayment.objects.filter(invoice=link, allocation__isnull=True)
        pairs = own.values_list("stripe_payment_intent_id", "stripe_charge_id")
        ids = {name for pair in pairs for name in pair if name}
        strays = StrayPayment.objects.filter(payment_id__in=ids).values_list("pk", flat=True)
        for stray in allocating.locked(strays) if ids else []:
            before = stray.applied_minor
            allocating.restate(stray)
            if stray.applied_minor != before:
                record(
                    tenant_id=run.tenant_id,
                    action="money.applied_by_stripe",
                    entity=f"payment:{stray.payment_id}",
                    cause=run.job.cause,
                    details={
                        "invoice": link.freshbooks_invoice_id,
                        "applied": str(Money(stray.applied_minor, stray.currency)),
                    },
                )


def _audit(run: SyncRun, link: InvoiceLink, action: str, match: Allocation) -> None:
    record(
        tenant_id=run.tenant_id,
        action=action,
        entity=link.entity,
        cause=run.job.cause,
        details={
            "payment": match.stray.payment_id,
            "amount": str(Money(match.amount_minor, match.stray.currency)),
            "because": match.undone_because,
        },
    )
