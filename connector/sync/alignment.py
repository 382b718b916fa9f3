"""Bringing the Stripe invoice in line with the FreshBooks invoice: made, replaced, sent, removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.errors import NotRepresentable, VendorNotFound
from connector.mapping.invoices import content_hash
from connector.models import InvoiceLink, InvoiceRevision
from connector.sync.clients import ensure_stripe_customer
from connector.sync.context import SyncRun
from connector.sync.own_collector import notice_own_collector, require_one_collector
from connector.sync.retiring import mark_gone, retire
from connector.sync.revision_steps import advance
from connector.sync.revisions import (
    build,
    ensure_future_due_date,
    finalize,
    make_revision,
    revisions_of,
)
from connector.vendors.freshbooks.records import DELETED, FreshBooksInvoice
from connector.vendors.stripe.records import StripeInvoice, StripeInvoicePayment
from connector.writes import close_unanswered
from tenants.scope import tenant_scope

State = InvoiceRevision.State
FOLLOWED = {"open": State.OPEN, "paid": State.PAID, "uncollectible": State.OPEN}


@dataclass(frozen=True, kw_only=True)
class StripeSight:
    """What Stripe has for an invoice: its living revision, the invoice there, its payments.

    `newest` is the latest revision that was ever made, alive or gone.
    """

    newest: InvoiceRevision | None = None
    revision: InvoiceRevision | None = None
    invoice: StripeInvoice | None = None
    payments: tuple[StripeInvoicePayment, ...] = ()

    @property
    def has_money(self) -> bool:
        """Whether any payment arrived or is under way."""
        paid = self.invoice is not None and not self.invoice.amount_paid.is_zero
        return paid or any(
            payment.status == "paid" or payment.payment_intent_status == "processing"
            for payment in self.payments
        )


def look_at_stripe(run: SyncRun, link: InvoiceLink) -> StripeSight:
    """Read the living revision's invoice and payments; notice what people did to it there."""
    with tenant_scope(run.tenant_id):
        revisions = revisions_of(link)
    return look_at_revision(run, link, revisions)


def look_at_revision(
    run: SyncRun, link: InvoiceLink, revisions: Sequence[InvoiceRevision]
) -> StripeSight:
    """The same, for revisions that were just read, newest first."""
    newest = revisions[0] if revisions else None
    revision = next((row for row in revisions if row.state != State.GONE), None)
    if revision is None or not revision.stripe_invoice_id:
        return StripeSight(newest=newest, revision=revision)
    try:
        invoice, payments = run.stripe.collection(revision.stripe_invoice_id)
    except VendorNotFound:
        _gone(run, link, revision, "Deleted in Stripe by somebody.")
        return StripeSight(newest=newest)
    if invoice.status in {"void", "deleted"}:
        _gone(run, link, revision, "Voided in Stripe by somebody.")
        return StripeSight(newest=newest)
    _follow_stripe(run, link, revision, invoice)
    return StripeSight(newest=newest, revision=revision, invoice=invoice, payments=payments)


def _follow_stripe(
    run: SyncRun, link: InvoiceLink, revision: InvoiceRevision, stripe: StripeInvoice
) -> None:
    """Take over the state that Stripe reports, e.g. after a payment or a finalization there."""
    state = FOLLOWED.get(stripe.status)
    if state in {None, revision.state} or revision.state in {State.CREATING, State.RETIRING}:
        return
    if revision.state == State.DRAFT:
        close_unanswered(
            run.job,
            operations=["stripe.invoices.finalize", "stripe.invoices.send"],
            entity=link.entity,
            revision=revision.revision,
            found={"id": stripe.id, "status": stripe.status},
        )
    advance(run, revision, State(state))


def align(
    run: SyncRun, link: InvoiceLink, invoice: FreshBooksInvoice, sight: StripeSight
) -> StripeSight:
    """Do what is missing so that Stripe asks for what FreshBooks asks for.

    Raises NotRepresentable with the reason where a person must act; nothing is collected then.
    """
    revision = sight.revision
    if invoice.vis_state == DELETED:
        return _remove(run, link, sight)
    if revision is not None and revision.state == State.RETIRING:
        return align(run, link, invoice, _retired(run, link, sight, "Replaced."))
    if revision is None:
        return _begin(run, link, invoice, sight.newest)
    if not revision.content_hash and sight.invoice and sight.invoice.total == invoice.amount:
        _believe(run, revision, invoice)
    if revision.content_hash != content_hash(invoice):
        return _replace(run, link, invoice, sight)
    return _carry_on(run, link, invoice, sight, revision)


def _carry_on(
    run: SyncRun,
    link: InvoiceLink,
    invoice: FreshBooksInvoice,
    sight: StripeSight,
    revision: InvoiceRevision,
) -> StripeSight:
    """The revision has the right content: finish making it, and send it once it was sent."""
    if revision.state == State.CREATING:
        client = ensure_stripe_customer(run, invoice.client_id, known=link.client)
        build(run, link, revision, invoice, client)
    if revision.state == State.DRAFT and _was_changed_in_stripe(sight, invoice):
        return align(run, link, invoice, _retired(run, link, sight, "Changed in Stripe."))
    if revision.state == State.DRAFT and not invoice.is_draft:
        require_one_collector(run, link, invoice)
        ensure_future_due_date(run, link, revision)
        finalize(run, link, revision)
    elif revision.state == State.OPEN:
        notice_own_collector(run, link, invoice)
    return _now(run, sight, revision)


def _believe(run: SyncRun, revision: InvoiceRevision, invoice: FreshBooksInvoice) -> None:
    """A revision that was taken over has the right total: it is this invoice as it stands."""
    revision.content_hash = content_hash(invoice)
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        revision.save(update_fields=["content_hash"])


def _was_changed_in_stripe(sight: StripeSight, invoice: FreshBooksInvoice) -> bool:
    """A draft waits in Stripe where people can edit it; it is never finalized with another total."""
    return sight.invoice is not None and sight.invoice.total != invoice.amount


def _begin(
    run: SyncRun, link: InvoiceLink, invoice: FreshBooksInvoice, last: InvoiceRevision | None
) -> StripeSight:
    """Make the first, or the next, revision, unless there is nothing to collect or it was refused."""
    if invoice.outstanding.is_zero or invoice.outstanding.is_negative:
        return StripeSight()
    if last is not None and last.retired_by_person:
        raise NotRepresentable(
            "Somebody voided or deleted this invoice in Stripe, so it was not made again.",
            next_step='Use "Send to Stripe again" on the invoice if it should be collected there.',
            code="removed_in_stripe",
        )
    if not invoice.is_draft:
        require_one_collector(run, link, invoice)
    client = ensure_stripe_customer(run, invoice.client_id, known=link.client)
    if link.client_id != client.pk:
        link.client = client
        with tenant_scope(run.tenant_id):
            run.job.hold_fence()
            link.save(update_fields=["client"])
    number = 1 if last is None else last.revision + 1
    revision = make_revision(run, link, invoice, client, number=number)
    if not invoice.is_draft:
        finalize(run, link, revision)
    return _now(run, StripeSight(), revision)


def _replace(
    run: SyncRun, link: InvoiceLink, invoice: FreshBooksInvoice, sight: StripeSight
) -> StripeSight:
    """Edited in FreshBooks: retire the old revision and make the next one, if no money moved."""
    if sight.has_money:
        raise NotRepresentable(
            "The invoice was changed in FreshBooks after money was paid on it in Stripe.",
            next_step="Undo the change in FreshBooks, or settle the difference with a new invoice.",
            code="changed_after_payment",
        )
    return align(run, link, invoice, _retired(run, link, sight, "Changed in FreshBooks."))


def _remove(run: SyncRun, link: InvoiceLink, sight: StripeSight) -> StripeSight:
    if sight.revision is None or sight.has_money:
        return sight  # money on a deleted invoice is a discrepancy that a person resolves
    return _retired(run, link, sight, "Deleted in FreshBooks.")


def _retired(run: SyncRun, link: InvoiceLink, sight: StripeSight, because: str) -> StripeSight:
    assert sight.revision is not None  # noqa: S101 - narrows the type; callers checked it
    if retire(run, link, sight.revision, because=because, current=sight.invoice):
        return StripeSight(newest=sight.newest)
    raise NotRepresentable(
        "Money arrived in Stripe at the moment when the invoice was to be replaced; it is kept.",
        next_step="Undo the change in FreshBooks, or settle the difference with a new invoice.",
        code="changed_after_payment",
    )


def _gone(run: SyncRun, link: InvoiceLink, revision: InvoiceRevision, because: str) -> None:
    """It is gone: by a person, unless it was us who were about to take it away."""
    if revision.state == State.RETIRING:
        mark_gone(run, link, revision, because="Retired.")
    else:
        mark_gone(run, link, revision, because=because, by_person=True)


def _now(run: SyncRun, before: StripeSight, revision: InvoiceRevision) -> StripeSight:
    """The sight after this run's writes: Stripe's last answer, or what was read before."""
    answer = run.answers.get(revision.stripe_invoice_id)
    if answer is not None:
        return StripeSight(revision=revision, invoice=answer, payments=before.payments)
    if before.invoice is not None:
        return StripeSight(revision=revision, invoice=before.invoice, payments=before.payments)
    invoice, payments = run.stripe.collection(revision.stripe_invoice_id)
    return StripeSight(revision=revision, invoice=invoice, payments=payments)
