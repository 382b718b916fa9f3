"""After a refund or a lost dispute: the payment that we made in FreshBooks follows.

It is lowered, or taken back when nothing is left; raised again when a refund fails. A payment whose
amount somebody changed in FreshBooks is theirs: it is left alone, and the difference is shown.
"""

from __future__ import annotations

from typing import Any

from audit.recording import record
from connector.errors import VendorNotFound, VendorRefused
from connector.idempotency import find_marker
from connector.intents import Intent
from connector.models import CollectedPayment, InvoiceLink
from connector.money import Money
from connector.sync.books import Books
from connector.sync.collected import keep_row, keep_step
from connector.sync.context import SyncRun
from connector.sync.payments import WENT_BACK
from connector.vendors.freshbooks.records import DELETED, FreshBooksPayment
from connector.writes import close_unanswered, perform
from tenants.models import Tenant
from tenants.scope import tenant_scope

Recording = CollectedPayment.Recording
GONE = frozenset({Recording.DELETED_BY_PERSON, Recording.TAKEN_BACK})
UPDATE, DELETE = "freshbooks.payments.update", "freshbooks.payments.delete"


def notice_changes_by_people(
    run: SyncRun, link: InvoiceLink, rows: list[CollectedPayment], books: Books
) -> None:
    """A payment we made that a person deleted stays deleted; one that was changed is taken over.

    A change of our own whose answer never came shows here as well: it is told by what we asked for.
    """
    live = {payment.id: payment for payment in books.payments}
    for row in rows:
        if row.freshbooks_payment_id is None:
            continue
        payment = live.get(row.freshbooks_payment_id)
        if row.recording in {*GONE, Recording.BY_HAND} and payment is not None:
            _restored(run, link, row, payment)
        if row.recording != Recording.RECORDED:
            continue
        if payment is None:
            payment = run.freshbooks.get_payment(payment_id=row.freshbooks_payment_id)
        if payment.vis_state == DELETED:
            ours = row.change_pending and row.written_minor == 0
            _close_changes(run, link, row, payment if ours else None)
            row.freshbooks_amount_minor = 0 if ours else row.freshbooks_amount_minor
            row.change_pending = False
            state = Recording.TAKEN_BACK if ours else Recording.DELETED_BY_PERSON
            action = "payment.taken_back" if ours else "payment.deleted_by_person"
            keep_step(run, link, row, state, action)
        elif payment.amount.amount_minor != row.freshbooks_amount_minor:
            ours = row.change_pending and payment.amount.amount_minor == row.written_minor
            _close_changes(run, link, row, payment if ours else None)
            row.freshbooks_amount_minor = payment.amount.amount_minor
            row.changed_by_person = row.changed_by_person or not ours
            row.change_pending = False
            action = "payment.amount_changed" if ours else "payment.changed_by_person"
            keep_step(run, link, row, Recording.RECORDED, action)


def _restored(
    run: SyncRun, link: InvoiceLink, row: CollectedPayment, payment: FreshBooksPayment
) -> None:
    """It stands again: ours as before, but theirs if it is not what was kept of the money."""
    differs = payment.amount.amount_minor != row.kept_minor
    row.changed_by_person = row.changed_by_person or differs
    row.freshbooks_amount_minor = payment.amount.amount_minor
    row.written_minor = payment.amount.amount_minor
    row.reason = ""
    keep_step(run, link, row, Recording.RECORDED, "payment.restored_by_person")


def _close_changes(
    run: SyncRun, link: InvoiceLink, row: CollectedPayment, made: FreshBooksPayment | None
) -> None:
    """A change whose answer never came: the payment shows whether it was made."""
    if not row.change_pending:
        return
    found = {"id": made.id, "amount": made.amount.to_decimal_string()} if made else None
    close_unanswered(
        run.job,
        operations=[UPDATE, DELETE],
        entity=link.entity,
        revision=row.pk,
        found=found,
    )


def follow_in_freshbooks(
    run: SyncRun, link: InvoiceLink, row: CollectedPayment, books: Books
) -> Books:
    """Bring our payment in line with what was kept of the money; answer the books after it."""
    if not wants_change(row) or not _may(run, row):
        _propose(run, link, row)
        return books
    payment = next((p for p in books.payments if p.id == row.freshbooks_payment_id), None)
    if payment is None:
        return books  # deleted meanwhile; the next look tells by whom
    target = Money(row.kept_minor, row.currency)
    if payment.amount < target and payment.amount + books.invoice.outstanding < target:
        _leave_lower(run, link, row, books.invoice.outstanding)
        return books
    _close_changes(run, link, row, None)
    row.written_minor, row.change_pending = target.amount_minor, True
    row.lowering_proposed_minor = None
    row.changes += 1
    keep_row(run, row)
    try:
        answer = _write(run, link, row, payment, target)
    except (VendorRefused, VendorNotFound) as refusal:
        row.change_pending, row.changed_by_person = False, True
        row.reason = f"FreshBooks refused to change it: {refusal.message}"
        keep_step(run, link, row, Recording.RECORDED, "payment.change_refused")
        return books
    return _done(run, link, row, answer, books)


def _leave_lower(
    run: SyncRun, link: InvoiceLink, row: CollectedPayment, outstanding: Money
) -> None:
    """A refund failed, and its part was paid otherwise meanwhile: raising would overpay."""
    reason = (
        f"Stripe kept {Money(row.kept_minor, row.currency)}, but only {outstanding} more is "
        "outstanding in FreshBooks: it was paid twice, or the invoice was lowered."
    )
    if row.reason != reason:
        row.reason = reason
        keep_step(run, link, row, Recording.RECORDED, "payment.not_raised")


def remove_doubles(run: SyncRun, link: InvoiceLink, row: CollectedPayment, books: Books) -> Books:
    """An attempt that was given up for lost may land after all: the earliest payment counts.

    A later one is removed if every field of it is ours; else it is somebody's, and shown.
    """
    first = next((p for p in books.payments if p.id == row.freshbooks_payment_id), None)
    if first is None or run.payment_mode != Tenant.PaymentMode.RECORD:
        return books
    for double in books.payments:
        if double.id == first.id or find_marker(double.note) != row.marker:
            continue
        if _fields(double) == _fields(first):
            row.changes += 1
            keep_row(run, row)
            _write(run, link, row, double, Money.zero(row.currency))
            keep_step(run, link, row, Recording(row.recording), "payment.double_removed")
            books = books.without_payment(double)
    return books


def _fields(payment: FreshBooksPayment) -> tuple[object, ...]:
    return (payment.amount, payment.paid_on, payment.type, payment.note, payment.gateway)


def wants_change(row: CollectedPayment) -> bool:
    """Whether FreshBooks should show another amount for it than we last asked it to."""
    if row.recording != Recording.RECORDED or row.changed_by_person or row.refunds_unclear:
        return False
    return row.change_pending or row.kept_minor != row.written_minor


def take_up_again(run: SyncRun, link: InvoiceLink, row: CollectedPayment) -> None:
    """Money that went back and came again (a refund failed) is to be recorded once more."""
    gone = row.recording == Recording.OBSERVED and row.reason == WENT_BACK  # before it was recorded
    if row.kept_minor == 0 or not (gone or row.recording == Recording.TAKEN_BACK):
        return
    if run.payment_mode == Tenant.PaymentMode.OBSERVE:
        return
    record_at_once = run.payment_mode == Tenant.PaymentMode.RECORD
    state = Recording.APPROVED if record_at_once else Recording.AWAITING_APPROVAL
    row.freshbooks_payment_id = None
    row.looks = 0  # but attempts are counted on: each is a write of its own
    row.written_minor, row.reason = None, ""
    keep_step(run, link, row, state, "payment.taken_up_again")
    _use_up_word(run, row)


def _may(run: SyncRun, row: CollectedPayment) -> bool:
    if run.payment_mode == Tenant.PaymentMode.RECORD:
        return True
    if run.payment_mode == Tenant.PaymentMode.OBSERVE:
        return False
    return row.lowering_approved_to_minor == row.kept_minor


def _use_up_word(run: SyncRun, row: CollectedPayment) -> None:
    """What somebody allowed was done: the same amount another time is asked for again."""
    row.lowering_approved_to_minor = None
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        row.save(update_fields=["lowering_approved_to_minor"])


def _propose(run: SyncRun, link: InvoiceLink, row: CollectedPayment) -> None:
    """Where a person must allow it: say what FreshBooks should show; take it back once it does."""
    waits = run.payment_mode == Tenant.PaymentMode.APPROVE and wants_change(row)
    proposed = row.kept_minor if waits else None
    if row.lowering_proposed_minor == proposed:
        return
    row.lowering_proposed_minor = proposed
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        row.save(update_fields=["lowering_proposed_minor"])
        if proposed is not None:
            record(
                tenant_id=run.tenant_id,
                action="payment.lowering_proposed",
                entity=link.entity,
                cause=run.job.cause,
                details={
                    "invoice_payment": row.stripe_invoice_payment_id,
                    "in_freshbooks": str(Money(row.freshbooks_amount_minor or 0, row.currency)),
                    "proposed": str(Money(proposed, row.currency)),
                },
            )


def _write(
    run: SyncRun, link: InvoiceLink, row: CollectedPayment, before: FreshBooksPayment, to: Money
) -> FreshBooksPayment:
    """One write, which sets the amount: sent twice, it does the same."""
    kept: list[FreshBooksPayment] = []

    def call(_body: dict[str, Any], _key: str) -> FreshBooksPayment:
        if to.is_zero:
            kept.append(run.freshbooks.delete_payment(payment_id=before.id))
        else:
            kept.append(
                run.freshbooks.update_payment_amount(
                    payment_id=before.id, amount=to, note=before.note
                )
            )
        return kept[0]

    perform(
        run.job,
        Intent(
            vendor="freshbooks",
            vendor_account=run.freshbooks_account_id,
            operation=DELETE if to.is_zero else UPDATE,
            entity=link.entity,
            revision=row.pk,
            step=f"change-{row.changes}",
            body={"id": before.id, "amount": to.to_decimal_string(), "code": to.currency},
            call=call,
            summarize=lambda made: {"id": made.id, "amount": made.amount.to_decimal_string()},
        ),
    )
    return kept[0]


def _done(
    run: SyncRun, link: InvoiceLink, row: CollectedPayment, answer: FreshBooksPayment, books: Books
) -> Books:
    taken_back = answer.vis_state == DELETED
    before = next(p for p in books.payments if p.id == answer.id)
    row.freshbooks_amount_minor = 0 if taken_back else answer.amount.amount_minor
    row.reason, row.change_pending = "", False
    state = Recording.TAKEN_BACK if taken_back else Recording.RECORDED
    action = "payment.taken_back" if taken_back else "payment.amount_changed"
    keep_step(run, link, row, state, action)
    _use_up_word(run, row)
    books = books.without_payment(before)
    return books if taken_back else books.with_payment(answer)
