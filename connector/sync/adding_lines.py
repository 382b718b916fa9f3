"""Putting an invoice's lines on its Stripe draft, in as few calls as Stripe takes."""

from __future__ import annotations

from typing import Any

from connector.errors import NotRepresentable, VendorRefused
from connector.mapping.invoices import InvoiceDraft, stripe_sum
from connector.models import InvoiceLink, InvoiceRevision
from connector.money import Money
from connector.sync.context import SyncRun
from connector.sync.revision_steps import State, note_state, step_intent
from connector.vendors.stripe.records import StripeInvoice
from connector.writes import perform

# Stripe documents 250 lines per invoice but no limit per call: if a large portion is refused, the
# same lines go in small ones.
PORTIONS = (100, 20)


def add_all_lines(
    run: SyncRun, link: InvoiceLink, revision: InvoiceRevision, draft: InvoiceDraft
) -> dict[str, Any]:
    """Add every line; answer Stripe's total and currency after the last one.

    If it is the draft's, the revision is a draft from then on: saved with that last answer.
    """
    for size in PORTIONS:
        total: dict[str, Any] = {}
        for start in range(0, len(draft.lines), size):
            try:
                total = _add(run, link, revision, draft, start=start, size=size)
            except VendorRefused as refusal:
                too_many = start == 0 and min(size, len(draft.lines)) > PORTIONS[-1]
                if not too_many or "lines" not in f"{refusal.field} {refusal.message}":
                    raise
                break
        else:
            return total
    raise AssertionError("the smallest portion is never too large")


def _add(
    run: SyncRun,
    link: InvoiceLink,
    revision: InvoiceRevision,
    draft: InvoiceDraft,
    *,
    start: int,
    size: int,
) -> dict[str, Any]:
    result = perform(
        run.job,
        step_intent(
            run,
            link,
            revision,
            step=f"lines-{size}-{start}",
            body={"lines": list(draft.lines[start : start + size])},
            call=lambda body, key: run.keep(
                run.stripe.add_invoice_lines(
                    revision.stripe_invoice_id, body["lines"], idempotency_key=key
                )
            ),
            summarize=lambda made: {
                "id": made.id,
                "total_minor": made.total.amount_minor,
                "currency": made.total.currency,
            },
            look_up=lambda: _if_added(run, revision, draft, start=start, size=size),
            then=lambda made: (
                note_state(revision, State.DRAFT)
                if start + size >= len(draft.lines) and _total(made) == total_of(draft)
                else None
            ),
        ),
    )
    return _total(result)


def total_of(draft: InvoiceDraft) -> dict[str, Any]:
    """What Stripe must come to once all lines are there."""
    return {"total_minor": draft.total.amount_minor, "currency": draft.total.currency}


def _total(made: dict[str, Any]) -> dict[str, Any]:
    return {"total_minor": made["total_minor"], "currency": made["currency"]}


def _if_added(
    run: SyncRun, revision: InvoiceRevision, draft: InvoiceDraft, *, start: int, size: int
) -> StripeInvoice | None:
    """Whether lines whose answer never came are there: the draft's total tells.

    Raises NotRepresentable if it has neither the total from before nor the one from after.
    """
    current = run.stripe.get_invoice(revision.stripe_invoice_id)
    currency = draft.total.currency
    if current.total == Money.from_stripe(stripe_sum(draft.lines[: start + size]), currency):
        return current
    if current.total == Money.from_stripe(stripe_sum(draft.lines[:start]), currency):
        return None
    raise NotRepresentable(
        f"The draft in Stripe comes to {current.total} and is not what was sent there.",
        next_step='Delete the draft in Stripe; then use "Send to Stripe again" on the invoice.',
        code="draft_changed",
    )
