"""The full comparison: every invoice on both sides against what we know, by lists only.

It writes nothing to a vendor. Whatever does not agree is queued for `sync_invoice`, which re-reads,
mends what can be mended and keeps a discrepancy for what cannot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from django.db.models import F
from django.utils import timezone

from audit.recording import record
from connector import gaps, suggesting
from connector.errors import VendorContractBroken
from connector.jobs import ledger
from connector.jobs.kinds import FOUND_BY_COMPARISON, SYNC_INVOICE
from connector.models import Discrepancy, InvoiceLink, InvoiceRevision, PollFeed, SyncJob
from connector.sweeping import look_for_vanished
from connector.sync.adopting import adopt, freshbooks_invoice_of
from connector.sync.context import SyncRun
from connector.sync.own_collector import ASK_AGAIN_AFTER, own_gateway
from connector.vendors.freshbooks.pages import all_pages
from connector.vendors.freshbooks.records import DELETED, FreshBooksInvoice, Page
from connector.vendors.stripe import pages as stripe_pages
from connector.vendors.stripe.records import StripeInvoice
from tenants.scope import tenant_scope

Row = TypeVar("Row")
ASKED_A_DAY = 500  # one read each; the others' turn comes tomorrow
LEFT_ALONE = (InvoiceLink.State.SKIPPED, InvoiceLink.State.REMOVED)


@dataclass
class Findings:
    """What a comparison found: FreshBooks invoice ids to look at again, with the reasons."""

    compared: int = 0
    to_sync: dict[int, str] = field(default_factory=dict)
    problem: VendorContractBroken | None = None

    def add(self, invoice_id: int, reason: str) -> None:
        """The first reason found for an invoice is kept."""
        self.to_sync.setdefault(invoice_id, reason)

    def readable(self, rows: Iterator[Row]) -> Iterator[Row]:
        """The rows; a complaint about unreadable ones is kept until everything else is done."""
        try:
            yield from rows
        except VendorContractBroken as error:
            self.problem = error


def reconcile(run: SyncRun) -> str:
    """Compare everything; queue what differs; answer a line about it.

    Raises VendorContractBroken at the end if rows could not be read; all others were compared.
    """
    findings = Findings()
    run = _start(run, findings)
    links = _links(run)
    stripe = {invoice.id: invoice for invoice in findings.readable(_stripe_invoices(run))}
    _compare_freshbooks(run, links, findings)
    _compare_stripe(run, links, stripe, findings)
    _recheck_open_discrepancies(run, findings)
    _retry_dead_syncs(run, findings)
    _look_for_own_collectors(run, findings)
    _look_at_unmatched_money(run)
    look_for_vanished(run, findings.add)
    result = _queue(run, findings)
    if findings.problem is not None:
        raise findings.problem
    return result


def _start(run: SyncRun, findings: Findings) -> SyncRun:
    """After an outage that is longer than Stripe's events, whatever is not settled is looked at."""
    with tenant_scope(run.tenant_id):
        feed = (
            PollFeed.objects.select_related("tenant").filter(feed=PollFeed.Feed.RECONCILE).first()
        )
        if feed is None:
            return run
        run = gaps.attach(run, feed)
        for invoice_id in gaps.unsettled_after(run):
            findings.add(invoice_id, "no event of the time is left")
    return run


def _queue(run: SyncRun, findings: Findings) -> str:
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        ledger.enqueue_all(
            tenant_id=run.tenant_id,
            kind=SYNC_INVOICE,
            subjects=map(str, findings.to_sync),
            cause=run.job.cause,
            priority=FOUND_BY_COMPARISON,
        )
        result = f"{findings.compared} invoices compared, {len(findings.to_sync)} to look at"
        PollFeed.objects.filter(feed=PollFeed.Feed.RECONCILE).update(
            last_finished_at=timezone.now(), last_result=result
        )
        gaps.note(run, PollFeed.Feed.RECONCILE, found=len(findings.to_sync), result=result)
        record(
            tenant_id=run.tenant_id,
            action="reconciliation.finished",
            entity=f"tenant:{run.tenant_id}",
            cause=run.job.cause,
            details={
                "compared": findings.compared,
                "to_sync": {str(key): why for key, why in list(findings.to_sync.items())[:200]},
            },
        )
    return result


def _links(run: SyncRun) -> dict[int, InvoiceLink]:
    with tenant_scope(run.tenant_id):
        return {link.freshbooks_invoice_id: link for link in InvoiceLink.objects.iterator()}


def _compare_freshbooks(run: SyncRun, links: dict[int, InvoiceLink], findings: Findings) -> None:
    seen = set()
    for invoice in findings.readable(_freshbooks_invoices(run)):
        seen.add(invoice.id)
        findings.compared += 1
        reason = _freshbooks_difference(run, invoice, links.get(invoice.id))
        if reason:
            findings.add(invoice.id, reason)
    for invoice_id, link in links.items():
        if invoice_id not in seen and link.state not in LEFT_ALONE:
            findings.add(invoice_id, "no longer listed in FreshBooks")


def _freshbooks_difference(
    run: SyncRun, invoice: FreshBooksInvoice, link: InvoiceLink | None
) -> str:
    """Why this FreshBooks invoice must be looked at again; "" if it is as we know it."""
    if link is None:
        before_start = run.start_date is not None and invoice.create_date < run.start_date
        never_here = invoice.vis_state == DELETED or before_start
        return "" if never_here else "not known here"
    if link.state == InvoiceLink.State.SKIPPED:
        return ""
    known = (
        link.freshbooks_total_minor,
        link.freshbooks_paid_minor,
        link.freshbooks_outstanding_minor,
        link.freshbooks_vis_state,
    )
    found = (
        invoice.amount.amount_minor,
        invoice.paid.amount_minor,
        invoice.outstanding.amount_minor,
        invoice.vis_state,
    )
    return "" if known == found else "FreshBooks' figures changed"


def _compare_stripe(
    run: SyncRun,
    links: dict[int, InvoiceLink],
    stripe: dict[str, StripeInvoice],
    findings: Findings,
) -> None:
    for link in links.values():
        if not link.stripe_invoice_id:
            continue
        invoice = stripe.get(link.stripe_invoice_id)
        if invoice is None:
            findings.add(link.freshbooks_invoice_id, "no longer listed in Stripe")
        elif _stripe_figures(invoice) != _known_stripe_figures(link):
            findings.add(link.freshbooks_invoice_id, "Stripe's figures changed")
    with tenant_scope(run.tenant_id):
        revisions = set(InvoiceRevision.objects.values_list("stripe_invoice_id", flat=True))
    for invoice in stripe.values():
        owner = freshbooks_invoice_of(run, invoice)
        alive = invoice.status not in {"void", "deleted"}
        if owner is not None and alive and invoice.id not in revisions:
            adopted = adopt(run, invoice)
            what = "taken over" if adopted else "and another one is known here"
            findings.add(owner, f"Stripe has {invoice.id}, {what}")


def _stripe_figures(invoice: StripeInvoice) -> tuple[str, int, int, int]:
    return (
        invoice.status,
        invoice.total.amount_minor,
        invoice.amount_paid.amount_minor,
        invoice.amount_remaining.amount_minor,
    )


def _known_stripe_figures(
    link: InvoiceLink,
) -> tuple[str, int | None, int | None, int | None]:
    return (
        link.stripe_status,
        link.stripe_total_minor,
        link.stripe_paid_minor,
        link.stripe_remaining_minor,
    )


def _recheck_open_discrepancies(run: SyncRun, findings: Findings) -> None:
    with tenant_scope(run.tenant_id):
        rows = Discrepancy.objects.filter(
            state=Discrepancy.State.OPEN, invoice__isnull=False
        ).select_related("invoice")
        for row in rows:
            assert row.invoice is not None  # noqa: S101 - filtered above; narrows the type
            findings.add(row.invoice.freshbooks_invoice_id, f"open discrepancy: {row.kind}")


def _look_at_unmatched_money(run: SyncRun) -> None:
    """Invoices came and went: what fits money without an invoice may be others today."""
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        suggesting.refresh_all(run.tenant_id, cause=run.job.cause)


def _retry_dead_syncs(run: SyncRun, findings: Findings) -> None:
    """What failed for good is tried once more a day: after a long outage nothing stays behind."""
    with tenant_scope(run.tenant_id):
        dead = SyncJob.objects.filter(kind=SYNC_INVOICE.name, state=SyncJob.State.DEAD)
        for subject in dead.values_list("subject", flat=True).distinct():
            findings.add(int(subject), "its last sync failed")


def _look_for_own_collectors(run: SyncRun, findings: Findings) -> None:
    """FreshBooks' own pay button may be switched on later, and no event tells: ask, some a day."""
    before = timezone.now() - ASK_AGAIN_AFTER
    with tenant_scope(run.tenant_id):
        rows = InvoiceLink.objects.filter(state=InvoiceLink.State.OPEN).exclude(
            own_collector_at__gt=before
        )
        oldest = rows.order_by(F("own_collector_at").asc(nulls_first=True), "pk")
        due = list(oldest.values_list("freshbooks_invoice_id", flat=True)[:ASKED_A_DAY])
    if due and own_gateway(run, not_older_than=ASK_AGAIN_AFTER):
        for invoice_id in due:
            findings.add(invoice_id, "does FreshBooks collect it by itself")


def _freshbooks_invoices(run: SyncRun) -> Iterator[FreshBooksInvoice]:
    """All of them, and then the deleted ones, which the plain list leaves out."""

    def listed(page: int) -> Page[FreshBooksInvoice]:
        return run.freshbooks.list_invoices(page=page, updated_min=None, vis_state=None)

    def deleted(page: int) -> Page[FreshBooksInvoice]:
        return run.freshbooks.list_invoices(page=page, updated_min=None, vis_state=DELETED)

    yield from all_pages(listed)
    yield from all_pages(deleted)


def _stripe_invoices(run: SyncRun) -> Iterator[StripeInvoice]:
    return stripe_pages.all_pages(lambda cursor: run.stripe.list_invoices(cursor=cursor))
