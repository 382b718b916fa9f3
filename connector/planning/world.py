"""Both vendors as a plan saw them: read by lists, and single objects only where a list lacks them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from connector.errors import VendorContractBroken, VendorNotFound
from connector.sync.adopting import freshbooks_invoice_of
from connector.sync.context import SyncRun
from connector.vendors.freshbooks.pages import all_pages
from connector.vendors.freshbooks.records import (
    DELETED,
    FreshBooksClient,
    FreshBooksInvoice,
    FreshBooksPayment,
    Page,
)
from connector.vendors.stripe import pages as stripe_pages
from connector.vendors.stripe.records import StripeCustomer, StripeInvoice, StripeInvoicePayment

Row = TypeVar("Row")
Collection = tuple[StripeInvoice, tuple[StripeInvoicePayment, ...]]
NO_LONGER_THERE = frozenset({"void", "deleted"})


@dataclass(frozen=True)
class Read:
    """One read of one vendor, as the sync functions ask for it."""

    vendor: str  # "freshbooks" or "stripe": the name of the client on a SyncRun
    method: str
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Any], ...]


class NeedsRead(Exception):
    """Raised out of a rehearsal, whose transaction must end before a vendor is called."""

    def __init__(self, read: Read) -> None:
        super().__init__(f"{read.vendor}.{read.method}")
        self.read = read


@dataclass(kw_only=True)
class World:
    """What was read. A list that is None was not read: its objects are read one by one."""

    clients: dict[int, FreshBooksClient] = field(default_factory=dict)
    invoices: dict[int, FreshBooksInvoice] = field(default_factory=dict)
    payments: dict[int, tuple[FreshBooksPayment, ...]] | None = None  # by FreshBooks invoice
    stripe_invoices: dict[str, StripeInvoice] = field(default_factory=dict)
    stripe_payments: dict[str, tuple[StripeInvoicePayment, ...]] | None = None
    customers: tuple[StripeCustomer, ...] | None = None
    named: dict[int, StripeInvoice] = field(default_factory=dict)  # living, by the id they name
    problems: list[str] = field(default_factory=list)
    answers: dict[Read, Any] = field(default_factory=dict)

    def answer(self, read: Read) -> Any:
        """What a vendor answered to this read before. Raises NeedsRead, or what the vendor raised."""
        if read not in self.answers:
            raise NeedsRead(read)
        answer = self.answers[read]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def find_invoice(self, invoice_id: int) -> FreshBooksInvoice | None:
        """The FreshBooks invoice, however it was read; None if FreshBooks does not have it."""
        listed = self.invoices.get(invoice_id)
        single = Read("freshbooks", "get_invoice", (), (("invoice_id", invoice_id),))
        found = listed or self.answers.get(single)
        return found if isinstance(found, FreshBooksInvoice) else None

    def find_client(self, client_id: int) -> FreshBooksClient | None:
        """The FreshBooks client, however it was read."""
        single = Read("freshbooks", "get_client", (), (("client_id", client_id),))
        found = self.clients.get(client_id) or self.answers.get(single)
        return found if isinstance(found, FreshBooksClient) else None

    def find_collection(self, stripe_invoice_id: str) -> Collection | None:
        """The Stripe invoice with its payments, however it was read."""
        listed = self.stripe_invoices.get(stripe_invoice_id)
        if listed is not None and self.stripe_payments is not None:
            return listed, self.stripe_payments.get(stripe_invoice_id, ())
        found = self.answers.get(Read("stripe", "collection", (stripe_invoice_id,), ()))
        return found if isinstance(found, tuple) else None

    def ask(self, run: SyncRun, read: Read) -> None:
        """Do one read, outside of any transaction, and keep the answer."""
        method = getattr(getattr(run, read.vendor), read.method)
        try:
            self.answers[read] = method(*read.args, **dict(read.kwargs))
        except VendorNotFound as error:
            self.answers[read] = error


def read_everything(run: SyncRun) -> World:
    """All clients, invoices and payments of both sides, 100 in each call; nothing is written."""
    world = World()
    for client in _readable(world, _freshbooks_clients(run)):
        world.clients[client.id] = client
    for invoice in _readable(world, _freshbooks_invoices(run)):
        world.invoices[invoice.id] = invoice
    if any(not invoice.paid.is_zero for invoice in world.invoices.values()):
        world.payments = _grouped(
            _readable(world, all_pages(lambda page: run.freshbooks.list_payments(page=page))),
            lambda payment: payment.invoice_id,
        )
    world.customers = tuple(_readable(world, _customers(run)))
    for found in _readable(world, _stripe_invoices(run)):
        world.stripe_invoices[found.id] = found
        owner = freshbooks_invoice_of(run, found)
        if owner is not None and found.status not in NO_LONGER_THERE:
            world.named.setdefault(owner, found)
    world.stripe_payments = {}
    if world.named:
        world.stripe_payments = _grouped(
            _readable(world, _stripe_payments(run)), lambda payment: payment.invoice_id
        )
    return world


def _grouped(rows: Iterator[Row], key: Callable[[Row], Any]) -> dict[Any, tuple[Row, ...]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return {name: tuple(group) for name, group in groups.items()}


def _readable(world: World, rows: Iterator[Row]) -> Iterator[Row]:
    """The rows; what could not be read is noted, so that it does not hold up all others."""
    try:
        yield from rows
    except VendorContractBroken as error:
        world.problems.append(error.message)


def _freshbooks_clients(run: SyncRun) -> Iterator[FreshBooksClient]:
    def fetch(page: int) -> Page[FreshBooksClient]:
        return run.freshbooks.list_clients(page=page)

    return all_pages(fetch)


def _freshbooks_invoices(run: SyncRun) -> Iterator[FreshBooksInvoice]:
    """All of them, and then the deleted ones, which the plain list leaves out."""

    def listed(page: int) -> Page[FreshBooksInvoice]:
        return run.freshbooks.list_invoices(page=page)

    def deleted(page: int) -> Page[FreshBooksInvoice]:
        return run.freshbooks.list_invoices(page=page, vis_state=DELETED)

    yield from all_pages(listed)
    yield from all_pages(deleted)


def _customers(run: SyncRun) -> Iterator[StripeCustomer]:
    return stripe_pages.all_pages(lambda cursor: run.stripe.list_customers(cursor=cursor))


def _stripe_invoices(run: SyncRun) -> Iterator[StripeInvoice]:
    return stripe_pages.all_pages(lambda cursor: run.stripe.list_invoices(cursor=cursor))


def _stripe_payments(run: SyncRun) -> Iterator[StripeInvoicePayment]:
    return stripe_pages.all_pages(lambda cursor: run.stripe.list_invoice_payments(cursor=cursor))
