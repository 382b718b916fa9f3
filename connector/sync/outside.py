"""Payments entered in FreshBooks by people (a cheque, cash): reported to Stripe.

So nobody is asked to pay there what was already paid elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q
from django.utils import timezone

from audit.recording import record
from connector.idempotency import find_marker
from connector.mapping.payments import to_payment_record
from connector.models import (
    CollectedPayment,
    InvoiceLink,
    InvoiceRevision,
    OutsidePayment,
    VendorWrite,
)
from connector.money import Money
from connector.sync.context import SyncRun
from connector.sync.recording_guards import possible_mirrors
from connector.vendors.freshbooks.records import FreshBooksPayment
from connector.vendors.stripe.records import StripeInvoice, StripePaymentRecord
from connector.writes import Intent, perform
from tenants.scope import tenant_scope

Reporting = OutsidePayment.Reporting
PAY = "stripe.invoices.pay_out_of_band"
ATTACH = "stripe.invoices.attach_payment"
REPORT = "stripe.payment_records.report"


def take_outside_payments(
    run: SyncRun, link: InvoiceLink, payments: Iterable[FreshBooksPayment]
) -> list[OutsidePayment]:
    """Keep every live FreshBooks payment that is not ours; notice those that were deleted."""
    live = tuple(payments)
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        ours = _ours(link)
        for payment in live:
            if payment.id not in ours["ids"] and find_marker(payment.note) not in ours["markers"]:
                _take(run, link, payment)
        gone = OutsidePayment.objects.filter(invoice=link, deleted=False).exclude(
            freshbooks_payment_id__in=[payment.id for payment in live]
        )
        for row in gone:
            _notice_deleted(run, link, row)
        return list(OutsidePayment.objects.filter(invoice=link).order_by("pk"))


def report_outside_payments(
    run: SyncRun,
    link: InvoiceLink,
    revision: InvoiceRevision,
    stripe: StripeInvoice,
    customer_id: str,
    payments: Iterable[FreshBooksPayment],
) -> bool:
    """Tell Stripe about payments it does not know; True if anything was written there."""
    by_id = {payment.id: payment for payment in payments}
    remaining = stripe.amount_remaining
    wrote = False
    for row in _unreported(run, link):
        payment = by_id.get(row.freshbooks_payment_id)
        begun = _begun(run, link, revision, row)
        if payment is None or not (begun or revision.state == InvoiceRevision.State.OPEN):
            continue
        if remaining < payment.amount and not begun:
            _leave_to_person(run, link, row, remaining)
            continue
        if begun == PAY if begun else payment.amount == remaining:
            _pay_out_of_band(run, link, revision, row)
        else:
            _attach_record(run, link, revision, row, customer_id, payment)
        answer = run.answers.get(revision.stripe_invoice_id)
        remaining = answer.amount_remaining if answer else remaining
        wrote = True
    return wrote


def _unreported(run: SyncRun, link: InvoiceLink) -> list[OutsidePayment]:
    """What Stripe must be told of, without what may be its own money, entered by hand."""
    with tenant_scope(run.tenant_id):
        live = OutsidePayment.objects.filter(invoice=link, deleted=False)
        rows = list(live.exclude(reporting=Reporting.REPORTED).order_by("paid_on", "pk"))
        collected = list(CollectedPayment.objects.filter(invoice=link).order_by("pk"))
    mirrors = possible_mirrors(rows, collected)
    new = [row for row in rows if row.reporting == Reporting.SEEN]
    for row in new:
        if row.pk in mirrors:
            row.reporting = Reporting.NEEDS_YOU
            row.reason = (
                f"Stripe collected {Money(row.amount_minor, row.currency)} within three days of it: "
                "it may be the same money, entered by hand, so Stripe was not told of it."
            )
            _save(run, link, row, "outside_payment.left_to_person")
    return [row for row in new if row.pk not in mirrors]


def _begun(run: SyncRun, link: InvoiceLink, revision: InvoiceRevision, row: OutsidePayment) -> str:
    """The way in which an earlier run began to report it; "" if none did.

    That way must be gone to its end: after it, Stripe's remainder suggests another.
    """
    step = f"payment-{row.freshbooks_payment_id}"
    of_revision = Q(operation__in=[PAY, ATTACH], revision=revision.revision)
    with tenant_scope(run.tenant_id):
        write = (
            VendorWrite.objects.filter(
                of_revision | Q(operation=REPORT),
                entity=f"invoice:{link.freshbooks_invoice_id}",
                step=step,
            )
            .exclude(state=VendorWrite.State.REJECTED)
            .order_by("-pk")
            .first()
        )
    return write.operation if write else ""


def _ours(link: InvoiceLink) -> dict[str, set[object]]:
    rows = CollectedPayment.objects.filter(invoice=link)
    return {
        "ids": {row.freshbooks_payment_id for row in rows if row.freshbooks_payment_id},
        "markers": {row.marker for row in rows if row.marker},
    }


def _take(run: SyncRun, link: InvoiceLink, payment: FreshBooksPayment) -> None:
    row, created = OutsidePayment.objects.get_or_create(
        tenant_id=run.tenant_id,
        freshbooks_payment_id=payment.id,
        defaults={
            "invoice": link,
            "amount_minor": payment.amount.amount_minor,
            "currency": payment.amount.currency,
            "paid_on": payment.paid_on,
            "type": payment.type[:40],
            "gateway": payment.gateway[:40],
        },
    )
    if created:
        _audit(run, link, row, "outside_payment.seen")
        return
    if row.deleted or row.amount_minor != payment.amount.amount_minor:
        row.deleted = False
        row.amount_minor = payment.amount.amount_minor
        row.save()
        _audit(run, link, row, "outside_payment.changed")


def _notice_deleted(run: SyncRun, link: InvoiceLink, row: OutsidePayment) -> None:
    row.deleted = True
    if row.reporting == Reporting.REPORTED:
        row.reporting = Reporting.NEEDS_YOU
        row.reason = (
            "Deleted in FreshBooks after it was reported to Stripe. Stripe cannot take the report "
            "back from an invoice: report a refund of the payment record there, or void the invoice."
        )
    row.save()
    _audit(run, link, row, "outside_payment.deleted")


def _pay_out_of_band(
    run: SyncRun, link: InvoiceLink, revision: InvoiceRevision, row: OutsidePayment
) -> None:
    perform(
        run.job,
        Intent(
            vendor="stripe",
            vendor_account=run.stripe_account_id,
            operation=PAY,
            entity=f"invoice:{link.freshbooks_invoice_id}",
            revision=revision.revision,
            step=f"payment-{row.freshbooks_payment_id}",
            body={},
            call=lambda _, key: run.keep(
                run.stripe.pay_invoice_out_of_band(revision.stripe_invoice_id, idempotency_key=key)
            ),
            summarize=lambda made: {"id": made.id, "status": made.status},
            look_up=lambda: _if_paid(run, revision),
        ),
    )
    _reported(run, link, row, revision, record_id="")


def _if_attached(run: SyncRun, revision: InvoiceRevision, record_id: str) -> StripeInvoice | None:
    invoice, payments = run.stripe.collection(revision.stripe_invoice_id)
    return invoice if record_id in {payment.payment_record_id for payment in payments} else None


def _if_paid(run: SyncRun, revision: InvoiceRevision) -> StripeInvoice | None:
    current = run.stripe.get_invoice(revision.stripe_invoice_id)
    return current if current.status == "paid" else None


def _attach_record(
    run: SyncRun,
    link: InvoiceLink,
    revision: InvoiceRevision,
    row: OutsidePayment,
    customer_id: str,
    payment: FreshBooksPayment,
) -> None:
    entity = f"invoice:{link.freshbooks_invoice_id}"
    body = to_payment_record(
        payment,
        stripe_customer_id=customer_id,
        freshbooks_account_id=run.freshbooks_account_id,
    )
    reported: Intent[StripePaymentRecord] = Intent(
        vendor="stripe",
        vendor_account=run.stripe_account_id,
        operation=REPORT,
        entity=entity,
        step=f"payment-{payment.id}",
        body=body,
        call=lambda stored, key: run.stripe.report_payment_record(stored, idempotency_key=key),
        summarize=lambda made: {"id": made.id},
        look_up=lambda: None,  # a record that is attached to nothing moves nothing
    )
    record_id = str(perform(run.job, reported)["id"])
    perform(
        run.job,
        Intent(
            vendor="stripe",
            vendor_account=run.stripe_account_id,
            operation=ATTACH,
            entity=entity,
            revision=revision.revision,
            step=f"payment-{payment.id}",
            body={"payment_record": record_id},
            call=lambda stored, key: run.keep(
                run.stripe.attach_payment_record(
                    revision.stripe_invoice_id, stored["payment_record"], idempotency_key=key
                )
            ),
            summarize=lambda made: {"id": made.id, "status": made.status},
            look_up=lambda: _if_attached(run, revision, record_id),
        ),
    )
    _reported(run, link, row, revision, record_id=record_id)


def _reported(
    run: SyncRun,
    link: InvoiceLink,
    row: OutsidePayment,
    revision: InvoiceRevision,
    *,
    record_id: str,
) -> None:
    row.reporting = Reporting.REPORTED
    row.reported_amount_minor = row.amount_minor
    row.reported_on_stripe_invoice = revision.stripe_invoice_id
    row.stripe_payment_record_id = record_id
    row.reported_at = timezone.now()
    _save(run, link, row, "outside_payment.reported")


def _leave_to_person(
    run: SyncRun, link: InvoiceLink, row: OutsidePayment, remaining: Money
) -> None:
    row.reporting = Reporting.NEEDS_YOU
    row.reason = (
        f"FreshBooks has {Money(row.amount_minor, row.currency)}, but only {remaining} remains to be "
        "paid in Stripe: the invoice was probably paid twice."
    )
    _save(run, link, row, "outside_payment.left_to_person")


def _save(run: SyncRun, link: InvoiceLink, row: OutsidePayment, action: str) -> None:
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        row.save()
        _audit(run, link, row, action)


def _audit(run: SyncRun, link: InvoiceLink, row: OutsidePayment, action: str) -> None:
    record(
        tenant_id=run.tenant_id,
        action=action,
        entity=f"invoice:{link.freshbooks_invoice_id}",
        cause=run.job.cause,
        details={
            "freshbooks_payment": row.freshbooks_payment_id,
            "amount": str(Money(row.amount_minor, row.currency)),
            "type": row.type,
            "reporting": row.reporting,
            "reason": row.reason,
        },
    )
