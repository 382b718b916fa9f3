"""Customers of the simulated Stripe."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.stripe_desk import Desk, lent_desk, refusal


@pytest.fixture
def desk(sandbox_process: SandboxProcess) -> Iterator[Desk]:
    yield from lent_desk(sandbox_process.stripe.url)


def test_an_address_answers_with_all_six_keys_and_merges_leaf_by_leaf(desk: Desk) -> None:
    client = desk.client()
    customer = desk.customer(address={"line1": "1 Elm St", "country": "US"})
    assert customer.address is not None
    assert set(customer.address.to_dict()) == {
        *("city", "country", "line1", "line2", "postal_code", "state")
    }
    changed = client.v1.customers.update(customer.id, {"address": {"city": "Reno"}})
    assert changed.address is not None
    assert (changed.address.line1, changed.address.city) == ("1 Elm St", "Reno")
    assert client.v1.customers.update(customer.id, {"address": ""}).address is None


def test_metadata_merges_key_by_key(desk: Desk) -> None:
    client = desk.client()
    customer = desk.customer(metadata={"fb_client_id": "4821", "old": "x"})
    changed = client.v1.customers.update(customer.id, {"metadata": {"old": "", "new": "y"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"fb_client_id": "4821", "new": "y"}
    cleared: Any = client.v1.customers.update(customer.id, {"metadata": ""}).metadata
    assert cleared.to_dict() == {}


def test_empty_texts_clear_fields(desk: Desk) -> None:
    customer = desk.customer(phone="+1 775 555 0142", description="FreshBooks client 4821")
    changed = desk.client().v1.customers.update(customer.id, {"phone": "", "description": ""})
    assert (changed.phone, changed.description) == (None, None)


def test_an_email_finds_exactly_and_may_find_several(desk: Desk) -> None:
    for email in ("a@x.example", "A@x.example", "a@x.example"):
        desk.customer(email=email)
    assert len(desk.client().v1.customers.list({"email": "a@x.example"}).data) == 2


def test_a_deleted_customer_still_answers_but_takes_no_work(desk: Desk) -> None:
    client = desk.client()
    customer = desk.customer()
    client.v1.customers.delete(customer.id)
    gone: Any = client.v1.customers.retrieve(customer.id)
    assert gone.to_dict() == {"id": customer.id, "object": "customer", "deleted": True}
    assert client.v1.customers.list().data == []
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.customers.update(customer.id, {"name": "B"})
    assert refusal(refused.value)[0] == 404
    with pytest.raises(stripe.InvalidRequestError) as refused:
        desk.draft(customer.id)
    assert refusal(refused.value) == (400, "resource_missing", "customer")
    deleted = client.v1.events.list({"type": "customer.deleted"}).data[0].data.object
    assert "deleted" not in deleted
    assert deleted["email"] == "ap@bluefir.example"


def test_tax_ids_live_with_their_customer(desk: Desk) -> None:
    client = desk.client()
    customer = desk.customer(tax_id_data=[{"type": "eu_vat", "value": "DE123456789"}])
    added = client.v1.customers.tax_ids.create(customer.id, {"type": "us_ein", "value": "1"})
    rows = client.v1.customers.tax_ids.list(customer.id).data
    assert [row.type for row in rows] == ["us_ein", "eu_vat"]
    client.v1.customers.tax_ids.delete(customer.id, added.id)
    shown = client.v1.customers.retrieve(customer.id, {"expand": ["tax_ids"]})
    assert shown.tax_ids is not None
    assert [row.value for row in shown.tax_ids.data] == ["DE123456789"]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.tax_ids.create(customer.id, {"type": "us_ein", "value": " "})


def test_setting_the_balance_stamps_the_currency(desk: Desk) -> None:
    client = desk.client()
    customer = desk.customer()
    assert customer.currency is None
    changed = client.v1.customers.update(customer.id, {"balance": -500})
    assert (changed.balance, changed.currency) == (-500, "usd")
    booked = client.v1.customers.balance_transactions.create(
        customer.id, {"amount": -100, "currency": "usd", "description": "gift"}
    )
    assert booked.ending_balance == -600
    rows = client.v1.customers.balance_transactions.list(customer.id).data
    assert [row.amount for row in rows] == [-100, -500]
    read = client.v1.customers.balance_transactions.retrieve(customer.id, booked.id)
    assert read.type == "adjustment"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.balance_transactions.create(
            customer.id, {"amount": -100, "currency": "eur"}
        )


def test_too_many_custom_fields_are_refused(desk: Desk) -> None:
    fields: Any = [{"name": f"n{n}", "value": "v"} for n in range(5)]
    with pytest.raises(stripe.InvalidRequestError):
        desk.customer(invoice_settings={"custom_fields": fields})
    customer = desk.customer(invoice_settings={"custom_fields": fields[:4], "footer": "bye"})
    invoice = desk.draft(customer.id)
    assert invoice.custom_fields is not None
    assert (len(invoice.custom_fields), invoice.footer) == (4, "bye")


def test_changes_raise_events_with_the_old_values(desk: Desk) -> None:
    customer = desk.customer()
    desk.client().v1.customers.update(customer.id, {"name": "Red Fir"})
    desk.act("edit_customer", customer=customer.id, changes={"phone": "123"})
    created, renamed, phoned = desk.book()["events"]
    assert created["type"] == "customer.created"
    assert renamed["data"]["previous_attributes"] == {"name": "Blue Fir LLC"}
    assert phoned["data"]["previous_attributes"] == {"phone": None}
    assert renamed["request"]["id"].startswith("req_")
    assert phoned["request"] == {"id": None, "idempotency_key": None}
