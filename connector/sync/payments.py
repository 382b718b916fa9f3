"""Recording in FreshBooks what Stripe collected: protocol R5.

FreshBooks has no idempotency keys, so a payment is never sent blindly: its marker goes into the
note, the invoice's payments are read before each attempt, and after an unanswered attempt the
marker is looked for, several times, before one more is made. What is not an exact, safe match is
left to a person.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from connector.errors import (
    ConnectorError,
    FailureMode,
    NotRepresentable,
    OutcomeUnknown,
    VendorRefused,
)
from connector.intents import Intent
from connector.mapping.payments import to_freshbooks_payment
from connector.models import CollectedPayment, InvoiceLink, OutsidePayment
from connector.money import Money
from connector.sync import recording_guards
from connector.sync.books import Books
from connector.sync.collected import keep_row, keep_step
from connector.sync.context import SyncRun
from connector.vendors.freshbooks.records import (
    FreshBooksPayment,
    FreshBooksPaymentDraft,
)
from connector.vendors.stripe.records import StripeInvoicePayment
from connector.writes import close_unanswered, perform
from tenants.models import Tenant
from tenants.scope import tenant_scope

Recording = CollectedPayment.Recording
TO_DO = (Recording.APPROVED, Recording.SENDING, Recording.UNKNOWN)
CREATE = "freshbooks.payments.create"
WENT_BACK = "It went back to the payer before it was recorded."
LOOKS = 3  # how often the marker is looked for before the payment is sent once more


def record_payment_in_freshbooks(
    run: SyncRun,
    link: InvoiceLink,
    row: CollectedPayment,
    books: Books,
) -> Books:
    """Take one collected payment one step further; answer the books as they stand then.

    Raises OutcomeUnknown while it is not yet clear whether an attempt reached FreshBooks.
    """
    row = _ensure_marker(run, row)
    if row.recording in {Recording.SENDING, Recording.UNKNOWN}:
        found = _look_for(run, row, books)
        if found is not None:
            return _adopt_found(run, link, row, found, books)
        _wait_or_allow_another(run, link, row)
    found = recording_guards.find_by_marker(row, books.payments)
    if found is not None:
        return _adopt_found(run, link, row, found, books)
    if run.payment_mode == Tenant.PaymentMode.OBSERVE or row.kept_minor == 0:
        row.reason = "" if row.kept_minor else WENT_BACK
        _close_attempts(run, link, row, None)
        _save_state(run, row, Recording.OBSERVED)
        return books
    reason = recording_guards.why_not(
        row,
        books.invoice,
        books.payments,
        ours=_markers(run, link),
        decided=_decided(run, link),
    )
    if reason:
        _leave_to_person(run, link, row, reason)
        return books
    return _send(run, link, row, books)


def _markers(run: SyncRun, link: InvoiceLink) -> set[str]:
    with tenant_scope(run.tenant_id):
        rows = CollectedPayment.objects.filter(invoice=link).exclude(marker="")
        return set(rows.values_list("marker", flat=True))


def _decided(run: SyncRun, link: InvoiceLink) -> set[int]:
    """The FreshBooks payments of which somebody said what money they are."""
    with tenant_scope(run.tenant_id):
        rows = OutsidePayment.objects.filter(invoice=link)
        return {row.freshbooks_payment_id for row in rows if row.is_decided}


def _ensure_marker(run: SyncRun, row: CollectedPayment) -> CollectedPayment:
    if not row.marker:
        row.marker = recording_guards.marker_for(row)
        with tenant_scope(run.tenant_id):
            row.save(update_fields=["marker"])
    return row


def _look_for(run: SyncRun, row: CollectedPayment, books: Books) -> FreshBooksPayment | None:
    """After an unanswered attempt: our payment among the invoice's, once FreshBooks had its time."""
    sent_at = row.sent_at or timezone.now()
    settled_at = sent_at + timedelta(seconds=settings.PAYMENT_SETTLE_S)
    found = recording_guards.find_by_marker(row, books.payments)
    if found is None and timezone.now() < settled_at:
        _save_state(run, row, Recording.UNKNOWN)
        raise _not_clear_yet(row, (settled_at - timezone.now()).total_seconds())
    return found


def _wait_or_allow_another(run: SyncRun, link: InvoiceLink, row: CollectedPayment) -> None:
    """Not there. Looked often enough: one more attempt is allowed; else look again later."""
    row.looks += 1
    if row.looks < LOOKS:
        _save_state(run, row, Recording.UNKNOWN)
        raise _not_clear_yet(row, settings.PAYMENT_SETTLE_S)
    row.looks = 0
    _close_attempts(run, link, row, None)
    _save_state(run, row, Recording.APPROVED)


def _not_clear_yet(row: CollectedPayment, retry_after_s: float) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"It is not yet clear whether the payment for {row.stripe_invoice_payment_id} reached "
        "FreshBooks; its marker is looked for again.",
        vendor="freshbooks",
        operation="freshbooks.payments.create",
        code="settling",
        retry_after_s=max(0.2, retry_after_s),
        next_step="Nothing to do: this resolves itself within a minute or two.",
    )


def _send(
    run: SyncRun,
    link: InvoiceLink,
    row: CollectedPayment,
    books: Books,
) -> Books:
    try:
        draft = to_freshbooks_payment(
            _as_kept(row),
            invoice=books.invoice,
            marker=row.marker,
            book_time_zone=run.book_time_zone,
        )
    except NotRepresentable as error:
        _leave_to_person(run, link, row, error.message)
        return books
    row.attempts += 1
    row.sent_at = timezone.now()
    row.written_minor = draft.amount.amount_minor
    _save_state(run, row, Recording.SENDING)
    kept: list[FreshBooksPayment] = []
    try:
        perform(run.job, _intent(run, link, row, draft, kept))
    except VendorRefused as refusal:
        row.reason = refusal.message
        keep_step(run, link, row, Recording.REJECTED, "payment.refused")
        return books
    except ConnectorError as error:
        unknown = isinstance(error, OutcomeUnknown) or error.failure_mode == FailureMode.INTERNAL
        if not unknown:
            row.attempts -= 1  # nothing was sent: the next try is this attempt
        _save_state(run, row, Recording.UNKNOWN if unknown else Recording.APPROVED)
        raise
    return _adopt(run, link, row, kept[0], books)


def _as_kept(row: CollectedPayment) -> StripeInvoicePayment:
    """The row as Stripe's record, with what was kept of it: that is what FreshBooks shows."""
    amount = Money(row.kept_minor, row.currency)
    at = row.paid_at or row.first_seen_at
    return StripeInvoicePayment(
        id=row.stripe_invoice_payment_id,
        invoice_id=row.stripe_invoice_id,
        status=row.status,
        amount_requested=amount,
        amount_paid=amount,
        is_default=False,
        payment_type="payment_intent" if row.stripe_payment_intent_id else "charge",
        payment_intent_id=row.stripe_payment_intent_id,
        charge_id=row.stripe_charge_id,
        payment_record_id="",
        payment_intent_status="",
        method_type=row.method_type,
        card_brand=row.card_brand,
        paid_at=at,
        created_at=at,
        charge_status="succeeded",
        charge_amount=None,
        charge_refunded=None,
        charge_disputed=False,
    )


def _intent(
    run: SyncRun,
    link: InvoiceLink,
    row: CollectedPayment,
    draft: FreshBooksPaymentDraft,
    kept: list[FreshBooksPayment],
) -> Intent[FreshBooksPayment]:
    """The write of one attempt; its answer is kept, and each attempt is a write of its own."""

    def create() -> FreshBooksPayment:
        kept.append(run.freshbooks.create_payment(draft=draft))
        return kept[0]

    return Intent(
        vendor="freshbooks",
        vendor_account=run.freshbooks_account_id,
        operation=CREATE,
        entity=link.entity,
        revision=row.pk,
        step=f"attempt-{row.attempts}",
        body={
            "invoiceid": draft.invoice_id,
            "amount": draft.amount.to_decimal_string(),
            "code": draft.amount.currency,
            "date": draft.paid_on.isoformat(),
            "type": draft.type,
            "note": draft.note,
        },
        call=lambda _body, _key: create(),
        summarize=lambda made: {"id": made.id, "amount": made.amount.to_decimal_string()},
    )


def _adopt_found(
    run: SyncRun,
    link: InvoiceLink,
    row: CollectedPayment,
    payment: FreshBooksPayment,
    books: Books,
) -> Books:
    """Its marker was found: the attempt whose answer never came did reach FreshBooks."""
    found = {"id": payment.id, "amount": payment.amount.to_decimal_string()}
    _close_attempts(run, link, row, found)
    return _adopt(run, link, row, payment, books)


def _close_attempts(
    run: SyncRun, link: InvoiceLink, row: CollectedPayment, found: dict[str, Any] | None
) -> None:
    """Say how its attempts ended: those never answered, and one put off that is not made any more."""
    close_unanswered(
        run.job,
        operations=[CREATE],
        entity=link.entity,
        revision=row.pk,
        found=found,
    )


def _adopt(
    run: SyncRun,
    link: InvoiceLink,
    row: CollectedPayment,
    payment: FreshBooksPayment,
    books: Books,
) -> Books:
    """It stands in FreshBooks: remember its id, and say so if FreshBooks kept another amount."""
    row.freshbooks_payment_id = payment.id
    row.freshbooks_amount_minor = payment.amount.amount_minor
    row.recorded_at = timezone.now()
    row.reason = ""
    row.written_minor = row.written_minor or payment.amount.amount_minor
    if payment.amount.amount_minor < row.written_minor:
        row.reason = (
            f"FreshBooks kept {payment.amount} of {Money(row.written_minor, row.currency)}; the "
            "rest became a credit of the client."
        )
    keep_step(run, link, row, Recording.RECORDED, "payment.recorded")
    known = any(payment.id == other.id for other in books.payments)
    return books if known else books.with_payment(payment)


def _leave_to_person(run: SyncRun, link: InvoiceLink, row: CollectedPayment, reason: str) -> None:
    row.reason = reason
    _close_attempts(run, link, row, None)
    keep_step(run, link, row, Recording.NEEDS_YOU, "payment.left_to_person")


def _save_state(run: SyncRun, row: CollectedPayment, state: Recording) -> None:
    row.recording = state
    keep_row(run, row)
