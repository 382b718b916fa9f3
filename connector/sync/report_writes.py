"""The single writes to Stripe about money that was paid elsewhere: each an intent of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from connector.intents import Intent
from connector.mapping.payments import to_payment_record, to_record_refund
from connector.models import InvoiceLink, InvoiceRevision, OutsidePayment, VendorWrite
from connector.money import Money
from connector.sync.context import SyncRun
from connector.sync.outside import save_outside
from connector.vendors.freshbooks.records import FreshBooksPayment
from connector.vendors.stripe.records import StripeInvoice, StripePaymentRecord
from connector.writes import perform
from tenants.scope import tenant_scope

PAY = "stripe.invoices.pay_out_of_band"
ATTACH = "stripe.invoices.attach_payment"
REPORT = "stripe.payment_records.report"
REFUND = "stripe.payment_records.report_refund"


def begun_report(
    run: SyncRun, link: InvoiceLink, revision: InvoiceRevision, row: OutsidePayment
) -> str:
    """The way in which an earlier run began to report it; "" if none did.

    That way must be gone to its end: after it, Stripe's remainder suggests another.
    """
    of_revision = Q(operation__in=[PAY, ATTACH], revision=revision.revision)
    with tenant_scope(run.tenant_id):
        write = (
            VendorWrite.objects.filter(
                of_revision | Q(operation=REPORT), entity=_entity(link), step=_step(row)
            )
            .exclude(state=VendorWrite.State.REJECTED)
            .order_by("-pk")
            .first()
        )
    return write.operation if write else ""


def pay_out_of_band(
    run: SyncRun, link: InvoiceLink, revision: InvoiceRevision, row: OutsidePayment
) -> None:
    """All that remains of the Stripe invoice was paid elsewhere. Cannot be taken back."""
    done = perform(
        run.job,
        Intent(
            vendor="stripe",
            vendor_account=run.stripe_account_id,
            operation=PAY,
            entity=_entity(link),
            revision=revision.revision,
            step=_step(row),
            body={},
            call=lambda _, key: run.keep(
                run.stripe.pay_invoice_out_of_band(revision.stripe_invoice_id, idempotency_key=key)
            ),
            summarize=lambda made: {
                "id": made.id,
                "status": made.status,
                "at": _seconds(made.paid_at),
            },
            look_up=lambda: _if_paid(run, revision),
        ),
    )
    row.reported_amount_minor = row.amount_minor
    row.reported_at = _time_of(done)


def report_record(
    run: SyncRun,
    link: InvoiceLink,
    row: OutsidePayment,
    payment: FreshBooksPayment,
    customer_id: str,
) -> dict[str, Any]:
    """Report one more record of `payment.amount`; answer it as kept on the row, attached to nothing.

    The row is changed and not saved: the caller saves it once all of the report is done.
    """
    body = to_payment_record(
        payment,
        stripe_customer_id=customer_id,
        freshbooks_account_id=run.freshbooks_account_id,
        part=_part(row),
    )
    reported: Intent[StripePaymentRecord] = Intent(
        vendor="stripe",
        vendor_account=run.stripe_account_id,
        operation=REPORT,
        entity=_entity(link),
        step=_step(row),
        body=body,
        call=lambda stored, key: run.stripe.report_payment_record(stored, idempotency_key=key),
        summarize=lambda made: {
            "id": made.id,
            "amount_minor": made.amount.amount_minor,
            "at": _seconds(made.created_at),
        },
        look_up=lambda: None,  # a record that is attached to nothing moves nothing
    )
    made = perform(run.job, reported)
    # Begun before FreshBooks' payment was changed, it has the former amount; the rest follows.
    minor = int(made.get("amount_minor", payment.amount.amount_minor))
    told = {"id": made["id"], "amount_minor": minor, "refunded_minor": 0, "attached": False}
    row.stripe_records = [*row.stripe_records, told]
    row.stripe_payment_record_id = str(made["id"])
    row.reported_amount_minor = row.told_minor + minor
    row.reported_at = _time_of(made)
    return told


def attach_record(
    run: SyncRun,
    link: InvoiceLink,
    revision: InvoiceRevision,
    row: OutsidePayment,
    told: dict[str, Any],
) -> None:
    """Count the record towards the Stripe invoice. Cannot be taken back.

    Raises VendorRefused, after noting it, if the invoice does not take it: it was paid meanwhile, for one.
    """
    record_id = str(told["id"])
    part = _part(row) - len(row.stripe_records) + row.stripe_records.index(told)
    told["refused"] = True
    perform(
        run.job,
        Intent(
            vendor="stripe",
            vendor_account=run.stripe_account_id,
            operation=ATTACH,
            entity=_entity(link),
            revision=revision.revision,
            step=_step(row, part=part),
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
    told |= {"attached": True, "refused": False}


def refund_record(
    run: SyncRun, link: InvoiceLink, row: OutsidePayment, record_id: str, back: Money
) -> None:
    """Report that this much of a record went back, and save how much that leaves of it."""
    told = next(record for record in row.stripe_records if record["id"] == record_id)
    step = f"{record_id}-{told['refunded_minor']}"  # the next refund of it begins elsewhere
    now = timezone.now()
    refunded: Intent[StripePaymentRecord] = Intent(
        vendor="stripe",
        vendor_account=run.stripe_account_id,
        operation=REFUND,
        entity=_entity(link),
        step=step,
        body=to_record_refund(back, reference=f"fb-refund-{step}", at=now),
        call=lambda stored, key: run.stripe.report_record_refund(
            record_id, stored, idempotency_key=key
        ),
        summarize=lambda made: {"id": made.id, "refunded_minor": made.refunded.amount_minor},
        look_up=lambda: _if_refunded(run, record_id, told["refunded_minor"]),
    )
    done = perform(run.job, refunded)
    more = int(done["refunded_minor"]) - told["refunded_minor"]
    told["refunded_minor"] = int(done["refunded_minor"])
    row.reported_amount_minor = row.told_minor - more
    save_outside(run, link, row, "outside_payment.taken_back", told_at=now)


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _time_of(done: dict[str, Any]) -> datetime:
    """When Stripe did it, by its clock; now, where its answer does not tell."""
    at = done.get("at")
    return timezone.now() if at is None else datetime.fromtimestamp(at, UTC)


def _entity(link: InvoiceLink) -> str:
    return link.entity


def _part(row: OutsidePayment) -> int:
    """Which report of this payment comes next: records so far, and "paid out of band" if it was."""
    of_records = sum(
        record["amount_minor"] - record["refunded_minor"] for record in row.stripe_records
    )
    return 1 + len(row.stripe_records) + (1 if row.told_minor > of_records else 0)


def _step(row: OutsidePayment, *, part: int | None = None) -> str:
    number = part or _part(row)
    return f"payment-{row.freshbooks_payment_id}" + (f"-{number}" if number > 1 else "")


def _if_attached(run: SyncRun, revision: InvoiceRevision, record_id: str) -> StripeInvoice | None:
    invoice, payments = run.stripe.collection(revision.stripe_invoice_id)
    return invoice if record_id in {payment.payment_record_id for payment in payments} else None


def _if_paid(run: SyncRun, revision: InvoiceRevision) -> StripeInvoice | None:
    current = run.stripe.get_invoice(revision.stripe_invoice_id)
    return current if current.status == "paid" else None


def _if_refunded(run: SyncRun, record_id: str, before_minor: int) -> StripePaymentRecord | None:
    current = run.stripe.get_payment_record(record_id)
    return current if current.refunded.amount_minor > before_minor else None
