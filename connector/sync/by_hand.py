"""What people decided about payments that may be Stripe's own money, entered in FreshBooks by hand.

The decision stands on the outside payment. At each sync the collected payment follows it: nothing
is recorded for money that FreshBooks shows already; once that payment is gone there, a person is
asked, and once the decision is taken back, everything goes on as before it.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.models import CollectedPayment, InvoiceLink, OutsidePayment
from connector.sync.collected import FIRST_STATE, keep_step
from connector.sync.context import SyncRun
from connector.sync.recording_guards import BY_HAND_BEFORE, is_twin, stopped_by_twin
from tenants.models import Tenant
from tenants.scope import tenant_scope

Recording = CollectedPayment.Recording


def follow_decisions(run: SyncRun, link: InvoiceLink, rows: Sequence[CollectedPayment]) -> None:
    """Bring the collected payments of an invoice in line with what was decided."""
    with tenant_scope(run.tenant_id):
        outside = list(OutsidePayment.objects.filter(invoice=link).order_by("pk"))
    by_row = {row.same_money_as_id: row for row in outside if row.same_money_as_id}
    for row in rows:
        decided = by_row.get(row.pk)
        if decided is not None and decided.stands_for_stripe:
            _stands(run, link, row, decided)
        elif row.recording == Recording.BY_HAND:
            _no_longer(run, link, row, decided)
        elif _is_released(row, outside):
            row.reason = ""
            allowed = run.payment_mode != Tenant.PaymentMode.APPROVE or row.approved_by
            state = Recording.APPROVED if allowed else Recording.AWAITING_APPROVAL
            keep_step(run, link, row, state, "payment.twin_decided")


def _stands(
    run: SyncRun, link: InvoiceLink, row: CollectedPayment, decided: OutsidePayment
) -> None:
    """FreshBooks shows the money as this payment, with whatever amount it has there now."""
    if row.recording not in {*BY_HAND_BEFORE, Recording.APPROVED, Recording.BY_HAND}:
        return  # it was recorded all the same: both stand there, and the difference is shown
    reason = decided.by_hand_reason
    if row.recording == Recording.BY_HAND and (row.freshbooks_amount_minor, row.reason) == (
        decided.amount_minor,
        reason,
    ):
        return
    row.freshbooks_amount_minor, row.reason = decided.amount_minor, reason
    keep_step(run, link, row, Recording.BY_HAND, "payment.entered_by_hand")


def _no_longer(
    run: SyncRun, link: InvoiceLink, row: CollectedPayment, decided: OutsidePayment | None
) -> None:
    """The decision was taken back, or the payment is gone from FreshBooks."""
    row.freshbooks_amount_minor, row.reason = None, ""
    state = FIRST_STATE[Tenant.PaymentMode(run.payment_mode)]
    if row.undone:
        state = Recording.OBSERVED
    elif decided is not None and run.payment_mode != Tenant.PaymentMode.OBSERVE:
        state = Recording.NEEDS_YOU
        row.reason = (
            f"Payment {decided.freshbooks_payment_id}, which somebody entered in FreshBooks for it, "
            "was deleted there: approve this one to have it recorded, or leave it."
        )
    keep_step(run, link, row, state, "payment.no_longer_by_hand")


def _is_released(row: CollectedPayment, outside: Sequence[OutsidePayment]) -> bool:
    """Whether it was stopped because of a twin, and every twin of it is decided by now."""
    if row.recording != Recording.NEEDS_YOU or not stopped_by_twin(row):
        return False
    twins = [other for other in outside if not other.deleted and is_twin(row, other)]
    return bool(twins) and all(other.is_decided for other in twins)
