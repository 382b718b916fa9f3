"""Taking a Stripe invoice out of collection: a draft is deleted, an open one voided."""

from __future__ import annotations

from django.utils import timezone

from audit.recording import record
from connector.errors import VendorNotFound, VendorRefused
from connector.models import InvoiceLink, InvoiceRevision, VendorWrite
from connector.sync.context import SyncRun
from connector.sync.revision_steps import (
    State,
    advance,
    find_by_metadata,
    step_intent,
)
from connector.vendors.stripe.records import StripeInvoice
from connector.writes import close, close_unanswered, perform, unanswered
from tenants.scope import tenant_scope

_REMOVING = {"stripe.invoices.void", "stripe.invoices.delete"}
_STEPS = {
    f"stripe.invoices.{name}"
    for name in ("lines", "due", "finalize", "send", "pay_out_of_band", "attach_payment")
}
_RETIRED = ("stripe_invoice_id", "state", "retired_at", "retired_because", "retired_by_person")


def retire(
    run: SyncRun,
    link: InvoiceLink,
    revision: InvoiceRevision,
    *,
    because: str,
    current: StripeInvoice | None = None,
) -> bool:
    """Delete the draft or void the open invoice; False if money got in first.

    A customer may pay at the very moment we void: then Stripe refuses, nothing is lost, and the
    caller re-reads. `current` is the invoice as Stripe had it a moment ago.
    """
    if not revision.stripe_invoice_id:
        revision.stripe_invoice_id = _finish_unanswered_create(run, link, revision)
    advance(run, revision, State.RETIRING)
    if revision.stripe_invoice_id:
        current = current or _current(run, revision)
        if current is not None and not _remove(run, link, revision, current):
            close_unanswered(
                run.job,
                operations=_REMOVING,
                entity=link.entity,
                revision=revision.revision,
                found=None,
            )
            advance(run, revision, State.PAID if current.status == "paid" else State.OPEN)
            return False
    mark_gone(run, link, revision, because=because)
    return True


def mark_gone(
    run: SyncRun,
    link: InvoiceLink,
    revision: InvoiceRevision,
    *,
    because: str,
    by_person: bool = False,
) -> None:
    """Remember that this revision is out of collection, by us or by somebody in Stripe."""
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        _close_unanswered(run, link, revision, by_person=by_person)
        revision.state = State.GONE
        revision.retired_at = timezone.now()
        revision.retired_because = because
        revision.retired_by_person = by_person
        revision.save(update_fields=_RETIRED)
        record(
            tenant_id=run.tenant_id,
            action="invoice.revision_retired",
            entity=link.entity,
            cause=run.job.cause,
            details={
                "revision": revision.revision,
                "stripe_invoice": revision.stripe_invoice_id,
                "because": because,
            },
        )


def _close_unanswered(
    run: SyncRun, link: InvoiceLink, revision: InvoiceRevision, *, by_person: bool
) -> None:
    """Nothing more will be sent for this revision: say of each unanswered write how it ended."""
    found = None if by_person else {"id": revision.stripe_invoice_id}
    for row in unanswered(link.entity, revision.revision):
        if row.operation in _REMOVING:
            close(run.job, row, found)
        elif row.operation in _STEPS:
            close(run.job, row, None)


def _finish_unanswered_create(run: SyncRun, link: InvoiceLink, revision: InvoiceRevision) -> str:
    """The id of a draft whose creation was sent but never answered; "" if it never was sent."""
    with tenant_scope(run.tenant_id):
        sent = (
            VendorWrite.objects.filter(
                entity=link.entity, revision=revision.revision, step__startswith="create"
            )
            .exclude(state=VendorWrite.State.REJECTED)
            .order_by("-pk")
            .first()
        )
    if sent is None:
        return ""
    result = perform(
        run.job,
        step_intent(
            run,
            link,
            revision,
            step=sent.step,
            body=sent.body,
            call=lambda body, key: run.stripe.create_invoice(body, idempotency_key=key),
            summarize=lambda made: {"id": made.id},
            look_up=lambda: find_by_metadata(run, link, revision, str(sent.body["customer"])),
        ),
    )
    return str(result["id"])


def _current(run: SyncRun, revision: InvoiceRevision) -> StripeInvoice | None:
    """What Stripe has now, or None if it is already gone."""
    try:
        current = run.stripe.get_invoice(revision.stripe_invoice_id)
    except VendorNotFound:
        return None
    return None if current.status in {"void", "deleted"} else current


def _remove(
    run: SyncRun, link: InvoiceLink, revision: InvoiceRevision, current: StripeInvoice
) -> bool:
    if current.status == "paid" or not current.amount_paid.is_zero:
        return False
    is_draft = current.status == "draft"
    intent = step_intent(
        run,
        link,
        revision,
        step="delete" if is_draft else "void",
        body={},
        call=lambda _, key: (
            run.stripe.delete_draft_invoice(revision.stripe_invoice_id)
            if is_draft
            else run.stripe.void_invoice(revision.stripe_invoice_id, idempotency_key=key)
        ),
        summarize=lambda _: {"id": revision.stripe_invoice_id},
        look_up=lambda: None,
    )
    try:
        perform(run.job, intent)
    except VendorNotFound:
        return True
    except VendorRefused:
        return _current(run, revision) is None
    return True
