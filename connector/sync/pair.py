"""One invoice, both sides: the function that every entrance ends in.

A webhook, a poll, a replay and a click all mean "look at this invoice again". Both vendors are
read, money that moved is kept, the Stripe invoice is brought in line, payments are carried over in
both directions, and what both sides say afterwards is compared and saved. Run twice, the second
run writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.errors import ConnectorError, NotRepresentable, VendorNotFound
from connector.models import (
    ClientLink,
    CollectedPayment,
    InvoiceLink,
    InvoiceRevision,
    OutsidePayment,
)
from connector.sync.agreement import save_agreement, save_missing
from connector.sync.alignment import StripeSight, align, look_at_revision, look_at_stripe
from connector.sync.allocated import take_money
from connector.sync.book_facts import keep_book_facts
from connector.sync.books import Books
from connector.sync.by_hand import follow_decisions
from connector.sync.collected import collected_rows
from connector.sync.context import SyncRun
from connector.sync.counting import count_matches_in_stripe
from connector.sync.credits import keep_credits
from connector.sync.listed import forget_listed, listed_invoice
from connector.sync.money_known import any_money, knows_money
from connector.sync.outside import take_outside_payments
from connector.sync.payment_changes import (
    follow_in_freshbooks,
    notice_changes_by_people,
    remove_doubles,
    take_up_again,
)
from connector.sync.payments import TO_DO, record_payment_in_freshbooks
from connector.sync.reporting import report_outside_payments
from connector.sync.returned import follow_returns
from connector.sync.revisions import revisions_of
from connector.vendors.freshbooks.pages import all_pages
from connector.vendors.freshbooks.records import (
    VISIBLE,
    FreshBooksInvoice,
    FreshBooksPayment,
)
from tenants.scope import tenant_scope

_FROM_FRESHBOOKS = (
    "freshbooks_client_id",
    "client_id",
    "number",
    "currency",
    "freshbooks_status",
    "freshbooks_updated",
    "freshbooks_vis_state",
    "issued_on",
    "due_on",
)


def sync_invoice(run: SyncRun, invoice_id: int) -> str:
    """Bring one FreshBooks invoice and its Stripe invoice in step; answer how they stand."""
    listed = listed_invoice(run, invoice_id)
    invoice = listed or _read(run, invoice_id)
    if invoice is None:
        return _missing(run, invoice_id)
    known = _remember(run, invoice, is_new=listed is not None)
    link = known.link
    if _is_before_start(run, invoice):
        return _skip(run, link)
    may_be_paid = not invoice.paid.is_zero or (known.has_money and _had_payments(run, link))
    payments = _read_payments(run, invoice) if may_be_paid else ()
    books = Books(invoice=invoice, payments=payments)
    sight = look_at_revision(run, link, known.revisions)
    has_money = known.has_money or bool(books.payments) or any_money(sight.payments)
    if has_money:
        _take_all_money(run, link, sight, books)
    blocked: NotRepresentable | None = None
    waiting: ConnectorError | None = None
    try:
        sight = align(run, link, invoice, sight)
        if has_money:
            sight = count_matches_in_stripe(run, link, sight)
            sight = _report_outside(run, link, sight, books)
    except NotRepresentable as error:
        blocked = error
    if has_money:
        books, waiting = _record_collected(run, link, books)
        keep_book_facts(run, link, books.payments)
    keep_credits(run, link, sight, may_be_known=has_money)
    differences = save_agreement(run, link, books, sight, blocked, has_money=has_money)
    if waiting is not None:
        raise waiting
    return f"{link.state}, {link.collection_status}, {_counted(differences)}"


def _counted(differences: int) -> str:
    return "1 difference" if differences == 1 else f"{differences} differences"


def _read(run: SyncRun, invoice_id: int) -> FreshBooksInvoice | None:
    try:
        return run.freshbooks.get_invoice(invoice_id=invoice_id)
    except VendorNotFound:
        return None


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What we know of an invoice before Stripe is asked; `revisions` newest first."""

    link: InvoiceLink
    revisions: list[InvoiceRevision]
    has_money: bool


def _remember(run: SyncRun, invoice: FreshBooksInvoice, *, is_new: bool) -> _Known:
    """The link, with what FreshBooks says of the invoice itself, and what is known of it.

    `is_new`: there was none a moment ago.
    """
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        found = None if is_new else _find(invoice.id)
        link = found or InvoiceLink(tenant_id=run.tenant_id, freshbooks_invoice_id=invoice.id)
        before = _from_freshbooks(link)
        link.freshbooks_client_id = invoice.client_id
        if link.client is None:  # settled before it came here: nothing else asks for its client
            link.client = ClientLink.objects.filter(freshbooks_client_id=invoice.client_id).first()
        link.number = invoice.number[:60]
        link.currency = invoice.currency_code
        link.freshbooks_status = invoice.v3_status[:40]
        link.freshbooks_updated = invoice.version or invoice.updated
        link.freshbooks_vis_state = invoice.vis_state
        link.issued_on = invoice.create_date
        link.due_on = invoice.due_date
        if found is None:
            forget_listed(run.job.job_id)
            link.save(force_insert=True)
            return _Known(link=link, revisions=[], has_money=False)
        if _from_freshbooks(link) != before:
            link.save(update_fields=_FROM_FRESHBOOKS)
        revisions = revisions_of(link)
        return _Known(link=link, revisions=revisions, has_money=knows_money(link))


def _find(invoice_id: int) -> InvoiceLink | None:
    links = InvoiceLink.objects.select_related("client").filter(freshbooks_invoice_id=invoice_id)
    found: InvoiceLink | None = links.first()
    return found


def _from_freshbooks(link: InvoiceLink) -> list[object]:
    return [getattr(link, name) for name in _FROM_FRESHBOOKS]


def _take_all_money(run: SyncRun, link: InvoiceLink, sight: StripeSight, books: Books) -> None:
    """Keep the money of both sides that is not known yet, and what went back of it."""
    take_money(run, link, sight.payments)
    follow_returns(run, link, sight.payments)
    take_outside_payments(run, link, books.payments)


def _missing(run: SyncRun, invoice_id: int) -> str:
    """FreshBooks no longer has it at all: what Stripe still asks for is shown to a person."""
    with tenant_scope(run.tenant_id):
        link = InvoiceLink.objects.filter(freshbooks_invoice_id=invoice_id).first()
    if link is None:
        return "FreshBooks does not have this invoice"
    sight = look_at_stripe(run, link)
    take_money(run, link, sight.payments)
    follow_returns(run, link, sight.payments)
    save_missing(run, link, sight)
    return "FreshBooks no longer has this invoice"


def _is_before_start(run: SyncRun, invoice: FreshBooksInvoice) -> bool:
    return run.start_date is not None and invoice.create_date < run.start_date


def _skip(run: SyncRun, link: InvoiceLink) -> str:
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        link.state = InvoiceLink.State.SKIPPED
        link.reason = f"Dated before the start date {run.start_date}."
        link.save(update_fields=["state", "reason"])
    return "left alone: dated before the start date"


def _read_payments(run: SyncRun, invoice: FreshBooksInvoice) -> tuple[FreshBooksPayment, ...]:
    """The invoice's live payments; not asked for where there cannot be any and never were."""
    rows = all_pages(lambda page: run.freshbooks.list_payments(page=page, invoice_id=invoice.id))
    return tuple(payment for payment in rows if payment.vis_state == VISIBLE)


def _had_payments(run: SyncRun, link: InvoiceLink) -> bool:
    """Whether any payment of FreshBooks is known, or one was sent there."""
    with tenant_scope(run.tenant_id):
        return bool(
            OutsidePayment.objects.filter(invoice=link, deleted=False).exists()
            or CollectedPayment.objects.filter(invoice=link, attempts__gt=0).exists()
        )


def _report_outside(
    run: SyncRun, link: InvoiceLink, sight: StripeSight, books: Books
) -> StripeSight:
    if not report_outside_payments(run, link, sight, books) or sight.invoice is None:
        return sight
    invoice = run.answers.get(sight.invoice.id) or sight.invoice
    return StripeSight(revision=sight.revision, invoice=invoice, payments=sight.payments)


def _record_collected(
    run: SyncRun, link: InvoiceLink, books: Books
) -> tuple[Books, ConnectorError | None]:
    """Carry collected payments over; one that is not clear yet does not stop the others."""
    rows = collected_rows(run, link)
    notice_changes_by_people(run, link, rows, books)
    follow_decisions(run, link, rows)
    waiting: ConnectorError | None = None
    for row in rows:
        take_up_again(run, link, row)
        try:
            if row.recording in TO_DO:
                books = record_payment_in_freshbooks(run, link, row, books)
            books = remove_doubles(run, link, row, books)
            books = follow_in_freshbooks(run, link, row, books)
        except ConnectorError as error:
            waiting = waiting or error
    return books, waiting
