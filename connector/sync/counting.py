"""Telling Stripe that a matched payment stands for an invoice, so that it is not asked for twice.

The payment itself is attached where it is all for this invoice and of its customer; otherwise, or
if Stripe refuses that, a payment record of the amount is. Stripe detaches neither again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from audit.recording import record
from connector.errors import VendorRefused
from connector.intents import Intent
from connector.mapping.payments import to_match_record
from connector.models import (
    Allocation,
    CollectedPayment,
    InvoiceLink,
    InvoiceRevision,
    StrayPayment,
    VendorWrite,
)
from connector.money import Money
from connector.sync.alignment import StripeSight
from connector.sync.allocated import PREFIX, adopt
from connector.sync.context import SyncRun
from connector.sync.counting_steps import (
    ATTACH,
    REPORT,
    begun_step,
    match_of,
    step_of,
    unfinished_steps,
)
from connector.vendors.stripe.records import StripeInvoice, StripePaymentRecord
from connector.writes import perform
from tenants.scope import tenant_scope


def count_matches_in_stripe(run: SyncRun, link: InvoiceLink, sight: StripeSight) -> StripeSight:
    """Have Stripe count what was matched to its open invoice; answer the sight after it."""
    revision = sight.revision
    if revision is None or sight.invoice is None:
        return sight
    for row in _uncounted(run, link, revision, sight.invoice):
        current = run.answers.get(sight.invoice.id) or sight.invoice
        begun = begun_step(run, link, revision, row)
        if row.undone and begun == step_of(row, by_record=True):
            _note_late(run, link, sight, row)
            continue
        amount = Money(row.kept_minor, row.currency)
        may_begin = revision.state == InvoiceRevision.State.OPEN and _fits(amount, current)
        if not begun and not may_begin:
            continue
        try:
            if begun == step_of(row) or (not begun and _is_whole(run, row, current)):
                sight = _attach_payment(run, link, sight, row)
            else:
                _attach_record(run, link, revision, current, row)
        except VendorRefused:
            invoice, payments = run.stripe.collection(current.id)
            sight = replace(sight, invoice=run.keep(invoice), payments=payments)
            if _fits(amount, invoice):
                raise
            continue  # paid meanwhile; tried again as soon as it fits
        sight = replace(sight, invoice=run.answers.get(current.id) or sight.invoice)
    return sight


def _fits(amount: Money, invoice: StripeInvoice) -> bool:
    return invoice.status == "open" and amount <= invoice.amount_remaining


def still_counted(rows: Iterable[CollectedPayment], stripe_invoice_id: str) -> int:
    """What Stripe goes on counting although its match was taken back, in minor units."""
    return sum(
        row.amount_minor - row.counted_minor
        for row in rows
        if row.undone and row.allocation and row.allocation.told_on == stripe_invoice_id
    )


def _uncounted(
    run: SyncRun, link: InvoiceLink, revision: InvoiceRevision, stripe: StripeInvoice
) -> list[CollectedPayment]:
    """Matches that this Stripe invoice does not count; a former one of the same money does for it."""
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        matched = CollectedPayment.objects.filter(invoice=link, allocation__isnull=False)
        same = matched.filter(currency=stripe.currency).order_by("pk")
        rows = same.select_related("allocation__stray")
        unanswered = unfinished_steps(link, revision, rows) if rows else set()
        former = [row for row in rows if row.undone and match_of(row).told_on == stripe.id]
        found = []
        for row in rows:
            told = row.undone or row.kept_minor == 0 or match_of(row).told_on == stripe.id
            steps = {step_of(row), step_of(row, by_record=True)}
            if steps & unanswered or not (told or _takes_over(row, former)):
                found.append(row)
    return found


def _takes_over(row: CollectedPayment, former: list[CollectedPayment]) -> bool:
    """Matched again as it was before: Stripe counts that already."""
    match = match_of(row)
    for other in former:
        before = match_of(other)
        if (before.stray_id, before.amount_minor) == (match.stray_id, match.amount_minor):
            match.told_on, before.told_on = before.told_on, ""
            match.save(update_fields=["told_on"])
            before.save(update_fields=["told_on"])
            former.remove(other)
            return True
    return False


def _is_whole(run: SyncRun, row: CollectedPayment, stripe: StripeInvoice) -> bool:
    """Whether all of one PaymentIntent of the invoice's customer was matched to it.

    Not if it was attached once already, for a match that was taken back: nothing is left of it then.
    """
    stray = match_of(row).stray
    with tenant_scope(run.tenant_id):
        attached = (
            CollectedPayment.objects.filter(stripe_payment_intent_id=stray.payment_id)
            .exclude(stripe_invoice_payment_id__startswith=PREFIX)
            .exists()
        )
    return not attached and (
        stray.via == StrayPayment.Via.PAYMENT_INTENT
        and stray.customer_id == stripe.customer_id
        and row.kept_minor == row.amount_minor == stray.amount_minor
    )


def _note_late(run: SyncRun, link: InvoiceLink, sight: StripeSight, row: CollectedPayment) -> None:
    """Its match was taken back before it was noted that Stripe was told: it is, if Stripe counts it."""
    revision = sight.revision
    assert revision is not None  # noqa: S101 - the caller looked; narrows the type
    with tenant_scope(run.tenant_id):
        writes = VendorWrite.objects.filter(operation=ATTACH, entity=link.entity)
        write = writes.filter(revision=revision.revision, step=step_of(row, by_record=True)).last()
    record_id = str(write.body["payment_record"]) if write else ""
    if record_id and record_id in {payment.payment_record_id for payment in sight.payments}:
        _counted(run, link, revision, match_of(row), record_id)


def _attach_payment(
    run: SyncRun, link: InvoiceLink, sight: StripeSight, row: CollectedPayment
) -> StripeSight:
    """The payment itself; a refusal is no end, a record will do."""
    revision, before = sight.revision, sight.invoice
    assert revision is not None and before is not None  # noqa: S101, PT018 - narrows the types
    invoice_id, payment_id = revision.stripe_invoice_id, row.stripe_payment_intent_id

    def if_attached() -> StripeInvoice | None:
        invoice, payments = run.stripe.collection(invoice_id)
        return invoice if payment_id in {p.payment_intent_id for p in payments} else None

    intent = Intent(
        vendor="stripe",
        vendor_account=run.stripe_account_id,
        operation=ATTACH,
        entity=link.entity,
        revision=revision.revision,
        step=step_of(row),
        body={"payment_intent": payment_id},
        call=lambda stored, key: run.keep(
            run.stripe.attach_payment_intent(
                invoice_id, stored["payment_intent"], idempotency_key=key
            )
        ),
        summarize=lambda made: {"id": made.id, "status": made.status},
        look_up=if_attached,
    )
    try:
        perform(run.job, intent)
    except VendorRefused:
        _attach_record(run, link, revision, before, row)
        return sight
    invoice, payments = run.stripe.collection(invoice_id)
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        adopt(run, link, payments)
    return replace(sight, invoice=run.keep(invoice), payments=payments)


def _attach_record(
    run: SyncRun,
    link: InvoiceLink,
    revision: InvoiceRevision,
    stripe: StripeInvoice,
    row: CollectedPayment,
) -> None:
    match = match_of(row)
    body = to_match_record(
        Money(row.kept_minor, row.currency),
        payment_id=match.stray.payment_id,
        paid_at=match.stray.paid_at,
        reference=f"mlc-{match.pk}-{revision.revision}",
        stripe_customer_id=stripe.customer_id,
        freshbooks_account_id=run.freshbooks_account_id,
    )
    reported: Intent[StripePaymentRecord] = Intent(
        vendor="stripe",
        vendor_account=run.stripe_account_id,
        operation=REPORT,
        entity=link.entity,
        revision=revision.revision,
        step=step_of(row, by_record=True),
        body=body,
        call=lambda stored, key: run.stripe.report_payment_record(stored, idempotency_key=key),
        summarize=lambda made: {"id": made.id},
        look_up=lambda: None,  # a record that is attached to nothing moves nothing
    )
    record_id = str(perform(run.job, reported)["id"])
    _count_record(run, link, revision, row, record_id)


def _count_record(
    run: SyncRun,
    link: InvoiceLink,
    revision: InvoiceRevision,
    row: CollectedPayment,
    record_id: str,
) -> None:
    def if_attached() -> StripeInvoice | None:
        invoice, payments = run.stripe.collection(revision.stripe_invoice_id)
        return invoice if record_id in {p.payment_record_id for p in payments} else None

    attached: Intent[StripeInvoice] = Intent(
        vendor="stripe",
        vendor_account=run.stripe_account_id,
        operation=ATTACH,
        entity=link.entity,
        revision=revision.revision,
        step=step_of(row, by_record=True),
        body={"payment_record": record_id},
        call=lambda stored, key: run.keep(
            run.stripe.attach_payment_record(
                revision.stripe_invoice_id, stored["payment_record"], idempotency_key=key
            )
        ),
        summarize=lambda made: {"id": made.id, "status": made.status},
        look_up=if_attached,
    )
    perform(run.job, attached)
    _counted(run, link, revision, match_of(row), record_id)


def _counted(
    run: SyncRun, link: InvoiceLink, revision: InvoiceRevision, match: Allocation, record_id: str
) -> None:
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        match.told_on = revision.stripe_invoice_id
        match.save(update_fields=["told_on"])
        record(
            tenant_id=run.tenant_id,
            action="payment.match_told_to_stripe",
            entity=link.entity,
            cause=run.job.cause,
            details={
                "payment": match.stray.payment_id,
                "payment_record": record_id,
                "amount": str(Money(match.amount_minor, match.stray.currency)),
            },
        )
