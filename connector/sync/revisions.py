"""One FreshBooks invoice is one living Stripe invoice: made, finalized, retired, step by step.

Every step is an intent with a key of its own, so a crash between any two of them resumes at the
step it reached. What changed on the FreshBooks side is never patched in: the Stripe invoice is
retired (draft deleted, open one voided) and the next revision is made.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from audit.recording import record
from connector.errors import NotRepresentable, VendorRefused
from connector.mapping.invoices import InvoiceDraft, content_hash, to_stripe_invoice
from connector.models import ClientLink, InvoiceLink, InvoiceRevision, VendorWrite
from connector.sync.adding_lines import add_all_lines, total_of
from connector.sync.context import SyncRun
from connector.sync.retiring import retire
from connector.sync.revision_steps import (
    State,
    find_by_metadata,
    note_state,
    step_intent,
)
from connector.vendors.freshbooks.records import FreshBooksInvoice
from connector.vendors.stripe.records import StripeInvoice
from connector.writes import perform
from tenants.scope import tenant_scope


def revisions_of(link: InvoiceLink) -> list[InvoiceRevision]:
    """All that were made of it, newest first; at most one of them is not gone. Inside a scope."""
    return list(InvoiceRevision.objects.filter(invoice=link).order_by("-revision"))


def make_revision(
    run: SyncRun,
    link: InvoiceLink,
    invoice: FreshBooksInvoice,
    client: ClientLink,
    *,
    number: int,
) -> InvoiceRevision:
    """A new draft in Stripe that equals the FreshBooks invoice to the minor unit.

    Raises NotRepresentable, after removing what was made, if Stripe's total differs.
    """
    revision = InvoiceRevision(
        tenant_id=run.tenant_id,
        invoice=link,
        revision=number,
        content_hash=content_hash(invoice),
    )
    return build(run, link, revision, invoice, client)


def build(
    run: SyncRun,
    link: InvoiceLink,
    revision: InvoiceRevision,
    invoice: FreshBooksInvoice,
    client: ClientLink,
) -> InvoiceRevision:
    """Create the draft and its lines, or go on where an earlier run stopped."""
    draft = _draft(run, revision, invoice, client)  # refuses before anything is made
    if not revision.stripe_invoice_id:
        _create(run, link, revision, draft)
    total = add_all_lines(run, link, revision, draft)
    if total != total_of(draft):
        retire(run, link, revision, because="Stripe's total differs from FreshBooks'")
        raise NotRepresentable(
            f"Stripe computes a total of {total.get('total_minor')} minor units "
            f"{total.get('currency')} where FreshBooks has {draft.total}. The invoice was not sent.",
            next_step="Compare the lines on both sides; correct the invoice in FreshBooks.",
            code="total_differs",
        )
    _remember_notes(run, link, draft)
    return revision


def finalize(run: SyncRun, link: InvoiceLink, revision: InvoiceRevision) -> None:
    """Make the draft payable; e-mail it if Stripe is this tenant's sender."""
    step, call = (
        ("send", run.stripe.send_invoice)
        if run.stripe_sends_email
        else ("finalize", run.stripe.finalize_invoice)
    )
    perform(
        run.job,
        step_intent(
            run,
            link,
            revision,
            step=step,
            body={},
            call=lambda _, key: run.keep(call(revision.stripe_invoice_id, idempotency_key=key)),
            summarize=_status_of,
            look_up=lambda: _if_finalized(run, revision),
            then=lambda done: note_state(
                revision, State.PAID if done.get("status") == "paid" else State.OPEN
            ),
        ),
    )


def _draft(
    run: SyncRun, revision: InvoiceRevision, invoice: FreshBooksInvoice, client: ClientLink
) -> InvoiceDraft:
    if not client.email:
        raise NotRepresentable(
            "Stripe cannot send an invoice to a client without an e-mail address.",
            next_step=f"Add an e-mail address to {client.name} in FreshBooks.",
            code="no_email",
        )
    draft = to_stripe_invoice(
        invoice,
        customer_id=client.stripe_customer_id,
        freshbooks_account_id=run.freshbooks_account_id,
        revision=revision.revision,
        now=timezone.now(),
    )
    if draft.below_minimum:
        raise NotRepresentable(
            f"{invoice.amount} is below what Stripe can charge in {invoice.currency_code}; Stripe "
            "would mark the invoice as paid by itself.",
            next_step="Collect it another way, or together with a later invoice.",
            code="below_minimum",
        )
    return draft


def _create(
    run: SyncRun, link: InvoiceLink, revision: InvoiceRevision, draft: InvoiceDraft
) -> None:
    """Make the draft. A number that Stripe does not take is left out; ours stays visible.

    A new revision is saved together with the intent to make it.
    """
    intent = step_intent(
        run,
        link,
        revision,
        step="create",
        body=draft.create,
        call=lambda body, key: run.keep(run.stripe.create_invoice(body, idempotency_key=key)),
        summarize=lambda made: {"id": made.id},
        look_up=lambda: find_by_metadata(run, link, revision, str(draft.create["customer"])),
        then=lambda made: note_state(revision, State.CREATING, stripe_invoice_id=str(made["id"])),
    )
    is_new = revision._state.adding  # noqa: SLF001 - Django documents it
    try:
        perform(
            run.job, intent, beside=partial(revision.save, force_insert=True) if is_new else None
        )
    except VendorRefused as refusal:
        if "number" not in draft.create or "number" not in f"{refusal.field} {refusal.message}":
            raise
    else:
        return
    step, body = "create-unnumbered", _without_number(draft.create)
    perform(run.job, replace(intent, step=step, body=body))


def _without_number(body: dict[str, Any]) -> dict[str, Any]:
    fields = [{"name": "Invoice number", "value": body["number"]}, *body.get("custom_fields", [])]
    rest = {name: value for name, value in body.items() if name != "number"}
    return rest | {"custom_fields": fields[:4]}


def ensure_future_due_date(run: SyncRun, link: InvoiceLink, revision: InvoiceRevision) -> None:
    """A draft that waited may have outlived its due date: move it to the soonest allowed one."""
    with tenant_scope(run.tenant_id):
        sent = (
            VendorWrite.objects.filter(
                entity=link.entity,
                revision=revision.revision,
                step__startswith="create",
                state=VendorWrite.State.CONFIRMED,
            )
            .order_by("-pk")
            .first()
        )
    due = int(sent.body.get("due_date", 0)) if sent is not None else 0
    now = timezone.now()
    soonest = now + timedelta(hours=2)  # how far ahead it must be is not documented
    if due == 0 or due > (now + timedelta(minutes=1)).timestamp():
        return
    perform(
        run.job,
        step_intent(
            run,
            link,
            revision,
            step=f"due-{soonest:%Y%m%d}",
            body={"due_date": int(soonest.timestamp())},
            call=lambda body, key: run.keep(
                run.stripe.update_invoice(revision.stripe_invoice_id, body, idempotency_key=key)
            ),
            summarize=_status_of,
            look_up=lambda: None,
        ),
    )


def _status_of(invoice: StripeInvoice) -> dict[str, Any]:
    return {"id": invoice.id, "status": invoice.status, "url": invoice.hosted_invoice_url}


def _if_finalized(run: SyncRun, revision: InvoiceRevision) -> StripeInvoice | None:
    current = run.stripe.get_invoice(revision.stripe_invoice_id)
    return None if current.status == "draft" else current


def _remember_notes(run: SyncRun, link: InvoiceLink, draft: InvoiceDraft) -> None:
    """What had to be shortened, moved or left out: beside the invoice and in the audit trail."""
    if not draft.notes and not link.notes:
        return
    link.notes = list(draft.notes)
    with tenant_scope(run.tenant_id):
        InvoiceLink.objects.filter(pk=link.pk).update(notes=link.notes)
        if link.notes:
            record(
                tenant_id=run.tenant_id,
                action="invoice.fitted",
                entity=link.entity,
                cause=run.job.cause,
                details={"notes": link.notes},
            )
