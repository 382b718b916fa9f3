"""Reading clients and invoices of a FreshBooks account. Nothing here writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TypeVar

from connector.vendors.freshbooks.api import Call, FreshBooksApi
from connector.vendors.freshbooks.pages import change_query, ignored_filters, page_query, to_page
from connector.vendors.freshbooks.parsing import to_client, to_invoice
from connector.vendors.freshbooks.records import FreshBooksClient, FreshBooksInvoice, Page
from connector.vendors.reading import Fields

Record = TypeVar("Record", FreshBooksClient, FreshBooksInvoice)
WITH_LINES = ("include[]", "lines")


class ReadingCalls(FreshBooksApi):
    """Operations freshbooks.clients.* and freshbooks.invoices.*."""

    def list_clients(
        self, *, page: int, updated_min: date | None = None, vis_state: int | None = None
    ) -> Page[FreshBooksClient]:
        """One page of clients, newest id first; deleted ones only with vis_state=1.

        `Page.ignored_filters` tells if a row does not satisfy `updated_min` or `vis_state`.
        """

        def parse(source: Fields) -> Page[FreshBooksClient]:
            found = to_page(source, "clients", to_client)
            return with_ignored(found, updated_min=updated_min, vis_state=vis_state)

        return self.call(
            Call(
                operation="freshbooks.clients.list",
                method="GET",
                path=f"/accounting/account/{self.account_id}/users/clients",
                query=(*page_query(page), *change_query(updated_min, vis_state)),
            ),
            parse,
        )

    def get_client(self, *, client_id: int) -> FreshBooksClient:
        """One client, deleted ones included (vis_state 1)."""
        return self.call(
            Call(
                operation="freshbooks.clients.get",
                method="GET",
                path=f"/accounting/account/{self.account_id}/users/clients/{client_id:d}",
            ),
            single("client", to_client, expected_id=client_id),
        )

    def list_invoices(
        self,
        *,
        page: int,
        updated_min: date | None = None,
        vis_state: int | None = None,
        client_id: int | None = None,
    ) -> Page[FreshBooksInvoice]:
        """One page of invoices with their lines, newest id first; see `list_clients`.

        Raises: VendorContractBroken if a row is another client's: the filter was ignored.
        """

        def parse(source: Fields) -> Page[FreshBooksInvoice]:
            found = to_page(source, "invoices", to_invoice)
            if client_id is not None and any(row.client_id != client_id for row in found.rows):
                raise source.broken(
                    "customerid", expected=f"only rows of client {client_id}", found="other rows"
                )
            bodies = {str(row.data.get("id")): row.data for row in source.children("invoices")}
            found = replace(found, bodies=bodies)
            return with_ignored(found, updated_min=updated_min, vis_state=vis_state)

        by_client = [] if client_id is None else [("search[customerid]", str(client_id))]
        return self.call(
            Call(
                operation="freshbooks.invoices.list",
                method="GET",
                path=f"/accounting/account/{self.account_id}/invoices/invoices",
                query=(
                    *page_query(page),
                    *change_query(updated_min, vis_state),
                    *by_client,
                    WITH_LINES,
                ),
            ),
            parse,
        )

    def get_invoice(self, *, invoice_id: int) -> FreshBooksInvoice:
        """One invoice with its lines, deleted ones included (vis_state 1)."""
        return self.call(
            Call(
                operation="freshbooks.invoices.get",
                method="GET",
                path=f"/accounting/account/{self.account_id}/invoices/invoices/{invoice_id:d}",
                query=(WITH_LINES,),
            ),
            single("invoice", to_invoice, expected_id=invoice_id),
        )


def single(
    key: str, to_record: Callable[[Fields], Record], *, expected_id: int
) -> Callable[[Fields], Record]:
    """Read `result.<key>` and make sure that it is the object that was asked for."""

    def parse(source: Fields) -> Record:
        record = to_record(source.child(key))
        if record.id != expected_id:
            raise source.broken(key, expected=f"id {expected_id}", found=record.id)
        return record

    return parse


def with_ignored(
    page: Page[Record], *, updated_min: date | None, vis_state: int | None
) -> Page[Record]:
    """The page, telling which of the filters some row does not satisfy."""
    ignored = ignored_filters(page.rows, updated_min=updated_min, vis_state=vis_state)
    return replace(page, ignored_filters=ignored)
