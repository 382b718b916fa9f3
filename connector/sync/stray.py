"""Stripe's money without one of our invoices: kept and shown, never silently absent.

One payment is one row, under its PaymentIntent's id, whichever way it came (Checkout, a payment
link, a charge) and in whatever order its events arrive: everything is read anew each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.recording import record
from connector import allocating, journal, suggesting
from connector.errors import VendorNotFound
from connector.jobs import kinds, ledger
from connector.journal import Fact
from connector.mapping.references import named_invoice
from connector.models import (
    ClientLink,
    CollectedPayment,
    Delivery,
    InvoiceRevision,
    MoneyFact,
    StrayPayment,
)
from connector.money import Money
from connector.sync.context import SyncRun
from connector.sync.returned import follow_payment
from connector.sync.told import is_told
from connector.vendors.stripe.money_records import StripeCharge
from connector.vendors.stripe.pages import all_pages
from connector.vendors.stripe.records import StripeInvoicePayment
from tenants.scope import tenant_scope

FOREIGN = "Paid a Stripe invoice that did not come from FreshBooks."
SUCCEEDED = "succeeded"


@dataclass(frozen=True, kw_only=True)
class Received:
    """Money that arrived, with what is known of its payer."""

    payment_id: str
    via: StrayPayment.Via
    charge: StripeCharge | None
    amount: Money
    customer_id: str
    email: str
    description: str
    named_invoice: str
    at: datetime

    @property
    def went_back(self) -> bool:
        """Whether Stripe says that any of it was refunded or disputed."""
        charge = self.charge
        return charge is None or charge.disputed or not charge.amount_refunded.is_zero


def look_up_stripe_payment(run: SyncRun, payment_id: str) -> str:
    """A payment that is not known here: is it for one of our invoices, for another, for none?"""
    if payment_id.startswith("ch_"):
        payment_id = _intent_of(run, payment_id)
    if run.job.cause.actor in Delivery.Via.values and _was_told(run, payment_id):
        return "the event of its invoice came too"
    paid = list(
        all_pages(lambda cursor: run.stripe.list_invoice_payments_of(payment_id, cursor=cursor))
    )
    ours = _queue_ours(run, paid)
    living = [row for row in paid if row.status != "canceled"]
    foreign = sorted({row.invoice_id for row in living} - set(ours))
    if not _is_known(run, payment_id):
        if ours and living:
            return f"invoices {', '.join(sorted(set(ours.values())))}"
        named = _queue_named(run, foreign)
        if named:
            return f"Stripe invoices {', '.join(named)}"
    received = _read(run, payment_id)
    if received is None:
        return "nothing arrived"
    return _keep(run, received, foreign[0] if foreign and not ours else "")


def _intent_of(run: SyncRun, charge_id: str) -> str:
    """A charge with a PaymentIntent is handled under that one's id."""
    try:
        return run.stripe.get_charge(charge_id).payment_intent_id or charge_id
    except VendorNotFound:
        return charge_id


def _was_told(run: SyncRun, payment_id: str) -> bool:
    with tenant_scope(run.tenant_id):
        return is_told(payment_id)


def _is_known(run: SyncRun, payment_id: str) -> bool:
    with tenant_scope(run.tenant_id):
        return bool(StrayPayment.objects.filter(payment_id=payment_id).exists())


def _queue_ours(run: SyncRun, paid: Sequence[StripeInvoicePayment]) -> dict[str, str]:
    """Have our invoices among them looked at; Stripe's invoice ids to FreshBooks'."""
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        revisions = InvoiceRevision.objects.select_related("invoice").filter(
            stripe_invoice_id__in=[payment.invoice_id for payment in paid]
        )
        ours = {row.stripe_invoice_id: str(row.invoice.freshbooks_invoice_id) for row in revisions}
        for subject in sorted(set(ours.values())):
            _enqueue(run, kinds.SYNC_INVOICE, subject)
    return ours


def _queue_named(run: SyncRun, invoice_ids: Sequence[str]) -> list[str]:
    """Invoices that are not known here but say that they are ours: they are looked up."""
    named = []
    for invoice_id in invoice_ids:
        try:
            metadata = run.stripe.get_invoice(invoice_id).metadata
        except VendorNotFound:
            continue
        if metadata.get("fb_account") == run.freshbooks_account_id and metadata.get(
            "fb_invoice_id"
        ):
            named.append(invoice_id)
    with tenant_scope(run.tenant_id):
        for invoice_id in named:
            _enqueue(run, kinds.LOOK_UP_STRIPE_INVOICE, invoice_id)
    return named


def _enqueue(run: SyncRun, kind: kinds.Kind, subject: str) -> None:
    ledger.enqueue(tenant_id=run.tenant_id, kind=kind, subject=subject, cause=run.job.cause)


def _read(run: SyncRun, payment_id: str) -> Received | None:
    """What arrived, or None if nothing did (yet)."""
    try:
        if payment_id.startswith("ch_"):
            return _of_charge(run, run.stripe.get_charge(payment_id))
        return _of_intent(run, payment_id)
    except VendorNotFound:
        return None


def _of_charge(run: SyncRun, charge: StripeCharge) -> Received | None:
    if charge.status != SUCCEEDED or charge.amount_captured.is_zero:
        return None
    return Received(
        payment_id=charge.id,
        via=StrayPayment.Via.CHARGE,
        charge=charge,
        amount=charge.amount_captured,
        customer_id=charge.customer_id,
        email=charge.payer_email,
        description=charge.description,
        named_invoice=named_invoice(charge.metadata, our_account=run.freshbooks_account_id),
        at=charge.created_at,
    )


def _of_intent(run: SyncRun, payment_id: str) -> Received | None:
    intent = run.stripe.get_payment_intent(payment_id)
    if intent.status != SUCCEEDED or intent.amount_received.is_zero:
        return None
    charge = intent.latest_charge
    metadata = {**(charge.metadata if charge else {}), **intent.metadata}
    return Received(
        payment_id=intent.id,
        via=StrayPayment.Via.PAYMENT_INTENT,
        charge=charge,
        amount=intent.amount_received,
        customer_id=intent.customer_id,
        email=(charge.payer_email if charge else "") or intent.receipt_email,
        description=intent.description or (charge.description if charge else ""),
        named_invoice=named_invoice(metadata, our_account=run.freshbooks_account_id),
        at=charge.created_at if charge else intent.created_at,
    )


def _keep(run: SyncRun, received: Received, foreign_invoice_id: str) -> str:
    """Keep the row, follow what went back of it, and look which invoices it may be for."""
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        stray = _row(run, received, foreign_invoice_id)
        must_follow = received.went_back or stray.returned_minor > 0 or _has_returns(stray)
    returned = None
    if must_follow:
        returns = follow_payment(run, received.payment_id, received.amount)
        returned = returns.refunded + returns.lost
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        (stray,) = allocating.locked([stray.pk])
        if returned is not None:
            _take_returned(run, stray, min(returned, stray.amount_minor))
        allocating.restate(stray)
        suggesting.refresh(stray, cause=run.job.cause)
        return f"{stray.get_state_display()}: {received.amount}"


def _row(run: SyncRun, received: Received, foreign_invoice_id: str) -> StrayPayment:
    charge = received.charge
    stray: StrayPayment
    stray, created = StrayPayment.objects.get_or_create(
        tenant_id=run.tenant_id,
        payment_id=received.payment_id,
        defaults={
            "charge_id": charge.id if charge else "",
            "via": received.via,
            "amount_minor": received.amount.amount_minor,
            "currency": received.amount.currency,
            "customer_id": received.customer_id,
            "client": client_of(received.customer_id),
            "payer_name": (charge.payer_name if charge else "")[:300],
            "payer_email": received.email[:512],
            "description": received.description[:500],
            "named_invoice": received.named_invoice,
            "method_type": (charge.method_type if charge else "")[:40],
            "card_brand": (charge.card_brand if charge else "")[:40],
            "paid_at": received.at,
        },
    )
    if created:
        _tell(run, stray, received)
    if foreign_invoice_id and not stray.foreign_invoice_id:
        stray.foreign_invoice_id = foreign_invoice_id
        if not stray.decided_by and not stray.allocations.exists():
            stray.reason = FOREIGN
        stray.save(update_fields=["foreign_invoice_id", "reason"])
    return stray


def client_of(customer_id: str) -> ClientLink | None:
    """The client whose Stripe customer this is."""
    if not customer_id:
        return None
    client: ClientLink | None = ClientLink.objects.filter(stripe_customer_id=customer_id).first()
    return client


def _has_returns(stray: StrayPayment) -> bool:
    rows = CollectedPayment.objects.filter(allocation__stray=stray)
    return any(row.refunded_minor or row.dispute_status for row in rows)


def _take_returned(run: SyncRun, stray: StrayPayment, returned_minor: int) -> None:
    """Keep how much went back, and have the invoices looked at that it was matched to."""
    before, stray.returned_minor = stray.returned_minor, returned_minor
    rows = CollectedPayment.objects.select_related("invoice").filter(allocation__stray=stray)
    for subject in sorted({str(row.invoice.freshbooks_invoice_id) for row in rows}):
        _enqueue(run, kinds.SYNC_INVOICE, subject)
    if before != returned_minor:
        _record(run, stray, "money.returned", returned=str(Money(returned_minor, stray.currency)))


def _tell(run: SyncRun, stray: StrayPayment, received: Received) -> None:
    fact = Fact(
        side=MoneyFact.Side.STRIPE,
        kind=MoneyFact.Kind.STRAY,
        key=f"stripe:{stray.payment_id}",
        source_id=stray.payment_id,
        payment_id=stray.payment_id,
        money=received.amount,
        presentment=received.charge.presentment if received.charge else None,
        happened_at=received.at,
        note=stray.method_type,
    )
    journal.keep(run.tenant_id, [fact], correlation_id=run.job.cause.correlation_id)
    _record(run, stray, "money.without_invoice", via=stray.via)


def _record(run: SyncRun, stray: StrayPayment, action: str, **details: str) -> None:
    record(
        tenant_id=run.tenant_id,
        action=action,
        entity=f"payment:{stray.payment_id}",
        cause=run.job.cause,
        details={"amount": str(Money(stray.amount_minor, stray.currency)), **details},
    )
