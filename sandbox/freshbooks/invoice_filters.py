"""The searches and the one sort order that invoices honour."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.freshbooks.book import PAID, Invoice
from sandbox.freshbooks.filters import (
    contains,
    date_range,
    equals_number,
    equals_text,
    in_numbers,
    is_true,
    updated_range,
)
from sandbox.freshbooks.invoice_view import v3_status
from sandbox.freshbooks.ledger import payment_status
from sandbox.freshbooks.resource import MakeFilter
from sandbox.freshbooks.world import World

invoice_sort_keys: Mapping[str, Callable[[Invoice], Any]] = {
    "invoice_date": lambda row: row.create_date,
}


def invoice_filters(world: World) -> Mapping[str, MakeFilter[Invoice]]:
    """`status`, `payment_status` and `create_date_*` are not honoured, `statusid` maybe."""

    def status(row: Invoice) -> int:
        return PAID if payment_status(row) == "paid" else row.status

    filters: dict[str, MakeFilter[Invoice]] = {
        "invoiceid": equals_number(lambda row: row.id),
        "invoiceids[]": in_numbers(lambda row: row.id),
        "invoice_number": equals_text(lambda row: row.number),
        "invoice_number_like": contains(lambda row: row.number),
        "customerid": equals_number(lambda row: row.client_id),
        "customerids[]": in_numbers(lambda row: row.client_id),
        "v3_status": equals_text(lambda row: v3_status(world, row)),
        "paid": is_true(lambda row: payment_status(row) == "paid"),
        "outstanding": is_true(lambda row: row.outstanding > 0),
        **date_range("date", lambda row: row.create_date),
        **updated_range(world.switches),
    }
    if world.switches["statusid_filter"] == "honoured":
        filters["statusid"] = equals_number(status)
    return filters
