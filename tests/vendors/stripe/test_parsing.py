"""Stripe's objects at the pinned version become records; what is odd is refused with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.errors import VendorContractBroken
from connector.money import Money
from connector.vendors.reading import Fields
from connector.vendors.stripe.pages import all_pages, to_page
from connector.vendors.stripe.parsing import (
    to_customer,
    to_event,
    to_invoice,
    to_invoice_payment,
    to_payment_record,
    to_webhook_endpoint,
)
from connector.vendors.stripe.records import StripeInvoice, StripePage, UnreadableObject
from tests.sandbox.stripe_desk import contract
from tests.vendors.local_server import fixture

V = "stripe/2026-10-28.endive"


def body(name: str) -> dict[str, Any]:
    found: dict[str, Any] = fixture(f"{V}/{name}.json")
    return found


def fields(data: object) -> Fields:
    return Fields.of(data, vendor="stripe", where="x")


def invoice(**changes: object) -> StripeInvoice:
    return to_invoice(fields({**body("invoice"), **changes}))


OBJECTS = sorted(
    file.stem
    for file in (Path(__file__).parents[2] / "fixtures" / V).glob("*.json")
    if "object" in json.loads(file.read_text())
)


@pytest.mark.parametrize("name", OBJECTS)
def test_the_fixtures_themselves_keep_to_the_pinned_version(name: str) -> None:
    assert contract().of_object(body(name)) == []


def test_an_invoice() -> None:
    found = invoice()
    assert (found.id, found.status, found.number) == ("in_1SPz7cJx0aTq9WvEb4", "open", "FB-0001093")
    assert (found.total, found.amount_paid) == (Money(12600, "USD"), Money(5000, "USD"))
    assert (found.amount_due, found.amount_overpaid) == (Money(12600, "USD"), Money(0, "USD"))
    assert (found.currency, found.starting_balance_minor, found.livemode) == ("USD", 0, False)
    assert found.due_date == datetime.fromtimestamp(1796212800, UTC)
    assert found.finalized_at == datetime.fromtimestamp(1793620860, UTC)
    assert found.metadata == {"fb_account": "xZNQ1X", "fb_invoice_id": "1093"}


def test_a_draft_has_fewer_fields() -> None:
    found = invoice(
        status="draft",
        number=None,
        due_date=None,
        hosted_invoice_url=None,
        metadata=None,
        customer={"id": "cus_9", "object": "customer"},
        status_transitions={"finalized_at": None},
    )
    assert (found.number, found.due_date, found.finalized_at) == ("", None, None)
    assert (found.customer_id, found.metadata) == ("cus_9", {})


def test_a_deleted_draft_has_no_amounts() -> None:
    found = to_invoice(fields({"id": "in_1", "object": "invoice", "deleted": True}))
    assert (found.id, found.status, found.currency) == ("in_1", "deleted", "")
    assert found.total.is_zero


def test_the_other_objects() -> None:
    customer = to_customer(fields(body("customer")))
    assert (customer.name, customer.deleted) == ("Blue Fir LLC", False)
    gone = to_customer(fields({"id": "cus_1", "object": "customer", "deleted": True}))
    assert (gone.deleted, gone.email) == (True, "")
    record = to_payment_record(fields(body("payment_record")))
    assert (record.amount, record.payment_reference) == (Money(5000, "USD"), "fb-pay-55012")
    bare = {**body("payment_record"), "processor_details": {"type": "custom"}}
    assert to_payment_record(fields(bare)).payment_reference == ""
    endpoint = to_webhook_endpoint(fields(body("webhook_endpoint")))
    assert endpoint.enabled_events == ("invoice.paid", "invoice_payment.paid")
    assert endpoint.secret.startswith("whsec_")
    assert "whsec_" not in repr(endpoint)


def test_an_event_is_a_hint() -> None:
    event = to_event(fields(body("event")))
    assert (event.type, event.object_type) == ("invoice_payment.paid", "invoice_payment")
    assert event.object_id == "inpay_1SQ0M2Jx0aTq9WvE"
    assert event.invoice_id == "in_1SPz7cJx0aTq9WvEb4"
    assert (event.account_id, event.livemode, event.idempotency_key) == ("", False, "")
    ours = {**body("event"), "request": {"id": "req_1", "idempotency_key": "k-1"}}
    assert to_event(fields(ours)).idempotency_key == "k-1"
    assert to_event(fields({**body("event"), "request": None})).idempotency_key == ""


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ({"object": "invoice", "id": "in_1"}, ("invoice", "in_1", "in_1")),
        ({"object": "charge", "id": "ch_1"}, ("charge", "ch_1", "")),
        ({"object": "charge", "id": "ch_1", "invoice": None}, ("charge", "ch_1", "")),
        ({"object": "charge", "id": "ch_1", "invoice": {"id": "in_2"}}, ("charge", "ch_1", "in_2")),
        ({"object": "charge", "id": "ch_1", "invoice": 5}, ("charge", "ch_1", "")),
        ({"object": "balance"}, ("balance", "", "")),
    ],
)
def test_the_invoice_of_an_event(subject: dict[str, Any], expected: tuple[str, str, str]) -> None:
    event = to_event(fields({**body("event"), "data": {"object": subject}}))
    assert (event.object_type, event.object_id, event.invoice_id) == expected


INVOICE_FIELDS = [
    "id",
    "status",
    "currency",
    "total",
    "amount_due",
    "amount_paid",
    "amount_remaining",
    "amount_overpaid",
    "starting_balance",
    "livemode",
    "status_transitions",
]


@pytest.mark.parametrize(
    ("parse", "name", "field"),
    [
        *((to_invoice, "invoice", field) for field in INVOICE_FIELDS),
        *(
            (to_invoice_payment, "invoice_payment", field)
            for field in (
                "id",
                "status",
                "amount_requested",
                "currency",
                "is_default",
                "payment",
                "status_transitions",
                "created",
            )
        ),
        *((to_payment_record, "payment_record", field) for field in ("id", "amount")),
        *((to_event, "event", field) for field in ("id", "type", "created", "livemode", "data")),
        *(
            (to_webhook_endpoint, "webhook_endpoint", field)
            for field in ("id", "url", "status", "enabled_events")
        ),
        (to_customer, "customer", "id"),
    ],
)
@pytest.mark.parametrize("value", ["absent", None, ["odd"]])
def test_a_required_field_that_is_missing_or_odd_breaks_the_contract(
    parse: Callable[[Fields], object], name: str, field: str, value: object
) -> None:
    if (field, value) == ("enabled_events", ["odd"]):
        value = "odd"
    data = {**body(name), field: value}
    if value == "absent":
        del data[field]
    with pytest.raises(VendorContractBroken, match=rf"x\.{field}"):
        parse(fields(data))


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "zzz"},
        {"currency": "xau"},
        {"currency": "isk", "total": 12345},
        {"total": 1.5},
        {"total": True},
        {"due_date": -1},
        {"due_date": 10**15},
        {"metadata": []},
    ],
)
def test_amounts_currencies_and_times_must_make_sense(changes: dict[str, object]) -> None:
    with pytest.raises(VendorContractBroken):
        invoice(**changes)


def listed(*rows: object, has_more: object = False) -> Fields:
    return fields({"object": "list", "data": list(rows), "has_more": has_more})


def test_a_page_keeps_what_it_can_read() -> None:
    odd = {**body("invoice"), "id": "in_9", "currency": "zzz"}
    page = to_page(to_invoice)(listed(body("invoice"), odd, {}, has_more=False))
    assert [row.id for row in page.rows] == ["in_1SPz7cJx0aTq9WvEb4"]
    assert [bad.object_id for bad in page.unreadable] == ["in_9", ""]


def test_the_cursor_is_the_last_row_even_if_it_cannot_be_read() -> None:
    odd = {**body("invoice"), "id": "in_9", "currency": "zzz"}
    assert to_page(to_invoice)(listed(body("invoice"), odd, has_more=True)).next_cursor == "in_9"


@pytest.mark.parametrize(
    "page",
    [
        listed(has_more=True),
        listed(has_more=None),
        fields({"data": {}, "has_more": False}),
        fields({"data": ["x"], "has_more": False}),
        listed({}, has_more=True),
    ],
)
def test_a_page_that_is_none_breaks_the_contract(page: Fields) -> None:
    with pytest.raises(VendorContractBroken):
        to_page(to_invoice)(page)


def test_walking_all_pages() -> None:
    pages = {
        "": StripePage(rows=(1, 2), next_cursor="b"),
        "b": StripePage(rows=(3,), next_cursor=""),
    }
    assert list(all_pages(pages.__getitem__)) == [1, 2, 3]


def test_unreadable_rows_are_told_after_all_others_were_given() -> None:
    bad = UnreadableObject(object_id="in_9", reason="odd")
    pages = {
        "": StripePage(rows=(1,), next_cursor="b", unreadable=(bad,)),
        "b": StripePage(rows=(2,), next_cursor=""),
    }
    rows = all_pages(pages.__getitem__)
    assert [next(rows), next(rows)] == [1, 2]
    with pytest.raises(VendorContractBroken, match="in_9: odd"):
        next(rows)


def test_an_endless_list_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.vendors.stripe.pages.MAX_PAGES", 3)
    endless = StripePage(rows=(1,), next_cursor="same")
    with pytest.raises(VendorContractBroken, match="more than 3 pages"):
        list(all_pages(lambda _cursor: endless))
