"""Telling Stripe of money that was paid elsewhere, so that nobody is asked to pay it twice.

A payment that was raised in FreshBooks is told by one more record. One that was lowered or deleted
is taken back in Stripe's records; the Stripe invoice may go on counting it, because Stripe detaches
no payment from an invoice: that is shown, not hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connector.errors import VendorRefused
from connector.models import CollectedPayment, InvoiceLink, InvoiceRevision, OutsidePayment
from connector.money import Money
from connector.sync.alignment import StripeSight
from connector.sync.books import Books
from connector.sync.context import SyncRun
from connector.sync.outside import save_outside
from connector.sync.recording_guards import possible_mirrors
from connector.sync.report_writes import (
    PAY,
    REPORT,
    attach_record,
    begun_report,
    pay_out_of_band,
    refund_record,
    report_record,
)
from connector.vendors.freshbooks.records import FreshBooksPayment
from connector.vendors.stripe.records import StripeInvoice, StripeInvoicePayment
from tenants.scope import tenant_scope

Reporting = OutsidePayment.Reporting
CREDIT = "Credit"  # FreshBooks' type for a client's credit that was applied


@dataclass(frozen=True, kw_only=True)
class Target:
    """The Stripe invoice that is told, and what it counts."""

    link: InvoiceLink
    revision: InvoiceRevision
    invoice: StripeInvoice
    payments: tuple[StripeInvoicePayment, ...]

    def counted(self, row: OutsidePayment) -> int:
        """What the invoice counts of our records for this payment, in minor units."""
        ids = {record["id"] for record in row.stripe_records}
        found = (p.amount_paid for p in self.payments if p.payment_record_id in ids)
        return sum(amount.amount_minor for amount in found if amount is not None)


def report_outside_payments(
    run: SyncRun, link: InvoiceLink, sight: StripeSight, books: Books
) -> bool:
    """Bring Stripe's records in line with FreshBooks' payments; True if anything was written."""
    if sight.revision is None or sight.invoice is None:
        return False
    target = Target(
        link=link, revision=sight.revision, invoice=sight.invoice, payments=sight.payments
    )
    by_id = {payment.id: payment for payment in books.payments}
    wrote = False
    for row in _to_look_at(run, target):
        payment = by_id.get(row.freshbooks_payment_id)
        if row.untold_minor < 0:
            wrote = _take_back(run, target, row) or wrote
        elif not _attach_refused(run, target, row):
            continue
        elif row.untold_minor == 0:
            _settle(run, target, row)
        elif payment is not None:
            wrote = _tell(run, target, row, payment) or wrote
    return wrote


def _to_look_at(run: SyncRun, target: Target) -> list[OutsidePayment]:
    """What is new or was changed, without what may be Stripe's own money, entered by hand."""
    with tenant_scope(run.tenant_id):
        rows = list(OutsidePayment.objects.filter(invoice=target.link).order_by("paid_on", "pk"))
        own = CollectedPayment.objects.filter(invoice=target.link).order_by("pk")
        collected = list(own) if rows else []
    for row in rows:
        _mind_decision(run, target, row)
    _mind_credits(run, target, rows)
    mirrors = _mirrors(rows, collected)
    for row in rows:
        if row.pk in mirrors and row.reporting == Reporting.SEEN:
            _leave_to_person(run, target, row, _may_be_stripes(row))
    idle = {row.pk for row in rows if row.deleted and row.told_minor == 0}
    return [row for row in rows if row.reporting == Reporting.SEEN and row.pk not in idle]


def _may_be_stripes(row: OutsidePayment) -> str:
    return (
        f"Stripe collected {Money(row.amount_minor, row.currency)} within three days of it: it may "
        "be the same money, entered by hand, so Stripe was not told of it."
    )


def _mind_decision(run: SyncRun, target: Target, row: OutsidePayment) -> None:
    """Somebody said what money it is, perhaps while another sync looked at it."""
    if row.other_money and row.reason == _may_be_stripes(row):
        row.reporting, row.reason = Reporting.SEEN, ""
        save_outside(run, target.link, row, "outside_payment.changed")
    elif row.stands_for_stripe and row.untold_minor == 0:
        if row.reporting == Reporting.REPORTED or row.reason == _may_be_stripes(row):
            row.reporting, row.reason = Reporting.SAME_MONEY, ""
            save_outside(run, target.link, row, "outside_payment.same_money")
    elif row.stands_for_stripe and row.reporting == Reporting.REPORTED:
        row.reporting = Reporting.SEEN  # Stripe was told of it as of other money


def _mirrors(rows: Iterable[OutsidePayment], collected: Iterable[CollectedPayment]) -> set[int]:
    unreported = [row for row in rows if not row.deleted and row.reporting != Reporting.REPORTED]
    return possible_mirrors([row for row in unreported if row.told_minor == 0], collected)


def _mind_credits(run: SyncRun, target: Target, rows: list[OutsidePayment]) -> None:
    """A credit that Stripe gave already is not told once more when FreshBooks gives it as well."""
    stripe = target.invoice
    left = (stripe.pre_payment_credits + stripe.balance_applied).amount_minor
    excused = [row for row in rows if _is_excused(row)]
    left -= sum(row.amount_minor for row in excused)
    while left < 0 and excused:  # the credit note was taken back in Stripe: it must be told now
        row = excused.pop()
        left += row.amount_minor
        row.reporting, row.reason, row.reported_amount_minor = Reporting.SEEN, "", None
        save_outside(run, target.link, row, "outside_payment.changed")
    for row in rows:
        if row.reporting == Reporting.SEEN and row.told_minor == 0 and _is_credit(row, left):
            left -= row.amount_minor
            row.reporting, row.reported_amount_minor = Reporting.REPORTED, 0
            row.reason = "Stripe asks for that much less already: a credit was given there."
            save_outside(run, target.link, row, "outside_payment.known_in_stripe")


def _is_excused(row: OutsidePayment) -> bool:
    told = row.told_minor or row.stripe_records
    return row.reporting == Reporting.REPORTED and not told and not row.deleted


def _is_credit(row: OutsidePayment, left: int) -> bool:
    if row.deleted or row.stands_for_stripe or left <= 0:
        return False
    return row.amount_minor == left or (row.type == CREDIT and row.amount_minor <= left)


def _attach_refused(run: SyncRun, target: Target, row: OutsidePayment) -> bool:
    """Have the invoice count what it refused before; False, and a person is asked, if it still does not."""
    refused = [record for record in row.stripe_records if _still_refused(record)]
    try:
        for record in refused:
            attach_record(run, target.link, target.revision, row, record)
    except VendorRefused as refusal:
        _refused(run, target, row, refusal)
        return False
    return True


def _still_refused(record: Mapping[str, Any]) -> bool:
    return bool(record.get("refused")) and record["refunded_minor"] < record["amount_minor"]


def _refused(run: SyncRun, target: Target, row: OutsidePayment, refusal: VendorRefused) -> None:
    """Left to a person; the invoice is read again, for it is not as it was."""
    run.keep(run.stripe.get_invoice(target.revision.stripe_invoice_id))
    _leave_to_person(run, target, row, f"The Stripe invoice does not count it: {refusal.message}")


def _tell(run: SyncRun, target: Target, row: OutsidePayment, payment: FreshBooksPayment) -> bool:
    """Tell Stripe of what it does not know of this payment; True if anything was written."""
    missing = Money(row.untold_minor, row.currency)
    begun = begun_report(run, target.link, target.revision, row)
    counted = Money(max(0, target.counted(row) - row.told_minor), row.currency)
    if begun in {"", REPORT} and not counted.is_zero:
        # It was taken back in Stripe's records and is here again: the invoice never forgot it.
        again = min(missing, counted, key=lambda money: money.amount_minor)
        report_record(run, target.link, row, replace(payment, amount=again), _customer(target))
        _settle(run, target, row)
        return True
    if not (begun or target.revision.state == InvoiceRevision.State.OPEN):
        return False
    remaining = _remaining(run, target)
    if remaining < missing and not begun:
        reason = (
            f"FreshBooks has {missing}, but only {remaining} remains to be paid in Stripe: the "
            "invoice was probably paid twice."
        )
        _leave_to_person(run, target, row, reason)
        return False
    try:
        if begun == PAY if begun else missing == remaining:
            pay_out_of_band(run, target.link, target.revision, row)
        else:
            told = report_record(
                run, target.link, row, replace(payment, amount=missing), _customer(target)
            )
            attach_record(run, target.link, target.revision, row, told)
    except VendorRefused as refusal:  # paid in Stripe meanwhile, for one
        _refused(run, target, row, refusal)
    else:
        _settle(run, target, row)
    return True


def _take_back(run: SyncRun, target: Target, row: OutsidePayment) -> bool:
    """Lowered or deleted in FreshBooks after it was told: report it as paid back; True if written."""
    wrote = False
    for told in reversed(row.stripe_records):
        left = told["amount_minor"] - told["refunded_minor"]
        back = min(left, -row.untold_minor)
        if back > 0:
            refund_record(run, target.link, row, told["id"], Money(back, row.currency))
            wrote = True
    if row.untold_minor == 0 and row.taken_back_minor == 0:  # what the invoice refused to count
        _settle(run, target, row)
        return wrote
    if wrote:
        before = target.invoice.amount_remaining
        invoice = run.keep(run.stripe.get_invoice(target.revision.stripe_invoice_id))
        if before < invoice.amount_remaining:
            _settle(run, target, row)
            return True
    what = "Deleted in FreshBooks" if row.deleted else "Lowered in FreshBooks"
    undo = "restore it in FreshBooks"
    if row.stands_for_stripe:
        what, undo = "Said to be Stripe's own money", "take that back"
    told_so = (
        "Stripe's record of it was corrected, but the Stripe invoice goes on counting it"
        if row.untold_minor == 0
        else "The Stripe invoice was marked as paid by it, which cannot be taken back"
    )
    reason = (
        f"{what} after it was reported to Stripe. {told_so}: {undo}, or make a new invoice for what "
        "is still owed."
    )
    _leave_to_person(run, target, row, reason)
    return wrote


def _settle(run: SyncRun, target: Target, row: OutsidePayment) -> None:
    """Stripe knows of it what FreshBooks knows; if not, the next look goes on."""
    same = row.stands_for_stripe
    if row.untold_minor == 0:
        row.reporting = Reporting.SAME_MONEY if same else Reporting.REPORTED
        row.reason = ""
    if not same:
        row.reported_on_stripe_invoice = target.revision.stripe_invoice_id
    action = "outside_payment.same_money" if same else "outside_payment.reported"
    save_outside(run, target.link, row, action)


def _leave_to_person(run: SyncRun, target: Target, row: OutsidePayment, reason: str) -> None:
    row.reporting, row.reason = Reporting.NEEDS_YOU, reason
    save_outside(run, target.link, row, "outside_payment.left_to_person")


def _remaining(run: SyncRun, target: Target) -> Money:
    answer = run.answers.get(target.revision.stripe_invoice_id)
    return (answer or target.invoice).amount_remaining


def _customer(target: Target) -> str:
    return target.invoice.customer_id
