"""The vendor's official Python SDK works against the simulator, unchanged."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from freshbooks.builders.filter import FilterBuilder
from freshbooks.builders.includes import IncludesBuilder
from freshbooks.builders.paginator import PaginateBuilder
from freshbooks.builders.sort import SortBuilder
from freshbooks.client import Client
from freshbooks.errors import FreshBooksError

from tests.sandbox.driving import REDIRECT_URI, SCOPES, FreshBooks, Receiver, eventually


@pytest.fixture
def sdk(freshbooks: FreshBooks, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A logged-in SDK client and the account's id."""
    monkeypatch.setenv("FRESHBOOKS_API_URL", freshbooks.url)
    monkeypatch.setenv("FRESHBOOKS_AUTH_URL", freshbooks.url)
    business = freshbooks.business()
    client = Client("sandbox-client", "sandbox-secret", redirect_uri=REDIRECT_URI)
    assert freshbooks.url in client.get_auth_request_url(SCOPES.split())
    client.get_access_token(freshbooks.code(business["login"]))
    client.refresh_access_token()
    return client, business["account_id"]


def test_identity(sdk: Any) -> None:
    client, account_id = sdk
    identity = client.current_user()
    assert identity.email == "owner@maple.example"
    assert identity.business_memberships[0].business.account_id == account_id


def test_clients_and_paging(sdk: Any, freshbooks: FreshBooks) -> None:
    client, account_id = sdk
    made = client.clients.create(account_id, {"email": "first@a.example"})
    assert made.organization == "first@a.example"
    for number in range(102):
        data = {"email": f"{number}@a.example"}
        freshbooks.act("create_client", account_id=account_id, client=data)
    pages = PaginateBuilder(1, 100)
    first = client.clients.list(account_id, [pages])
    second = client.clients.list(account_id, [pages.page(2)])
    assert (len(first), len(second), first.pages.total) == (100, 3, 103)
    assert second[2].id == made.id
    found = client.clients.list(account_id, [FilterBuilder().equals("userid", made.id)])
    assert [one.email for one in found] == ["first@a.example"]
    client.clients.update(account_id, made.id, {"fname": "Noor"})
    assert client.clients.get(account_id, made.id).fname == "Noor"
    client.clients.delete(account_id, made.id)
    assert client.clients.get(account_id, made.id).vis_state == 1
    with pytest.raises(FreshBooksError) as caught:
        client.clients.get(account_id, 12345)
    assert (caught.value.status_code, caught.value.error_code) == (404, 1012)


def test_invoices_and_payments(sdk: Any) -> None:
    client, account_id = sdk
    customer = client.clients.create(account_id, {"email": "first@a.example"})
    lines = [{"name": "Labour", "qty": 2, "unit_cost": {"amount": "50.00", "code": "CAD"}}]
    data = {"customerid": customer.id, "create_date": date(2026, 3, 3).isoformat(), "lines": lines}
    includes = IncludesBuilder().include("lines")
    invoice = client.invoices.create(account_id, data, includes=includes)
    assert invoice.amount.amount == "100.00"
    assert invoice.lines[0].name == "Labour"
    client.invoices.update(account_id, invoice.id, {"action_mark_as_sent": True})
    payment = client.payments.create(
        account_id,
        {
            "invoiceid": invoice.id,
            "amount": {"amount": "40.00"},
            "date": "2026-03-10",
            "type": "Check",
        },
    )
    assert payment.amount.amount == "40.00"
    partial = client.invoices.get(account_id, invoice.id, includes=includes)
    assert (partial.payment_status, partial.outstanding.amount) == ("partial", "60.00")
    assert partial.updated == payment.updated
    found = client.payments.list(account_id, [FilterBuilder().equals("invoiceid", invoice.id)])
    assert [one.id for one in found] == [payment.id]
    ordered = client.invoices.list(account_id, [SortBuilder().ascending("invoice_date")])
    assert [one.id for one in ordered] == [invoice.id]
    lowered = client.payments.update(account_id, payment.id, {"amount": {"amount": "15.00"}})
    assert client.payments.get(account_id, payment.id).amount.amount == "15.00"
    assert lowered.id == payment.id
    client.payments.delete(account_id, payment.id)
    client.invoices.delete(account_id, invoice.id)
    assert client.invoices.get(account_id, invoice.id).vis_state == 1


def test_callbacks(sdk: Any, receiver: Receiver) -> None:
    client, account_id = sdk
    data = {"event": "client.create", "uri": receiver.url + "/fb"}
    callback = client.callbacks.create(account_id, data)
    verifier = eventually(lambda: receiver.hooks)[0].fields["verifier"]
    assert callback.verified is False
    assert client.callbacks.verify(account_id, callback.callbackid, verifier).verified is True
    client.callbacks.resend_verification(account_id, callback.callbackid)
    assert [one.callbackid for one in client.callbacks.list(account_id)] == [callback.callbackid]
    client.callbacks.delete(account_id, callback.callbackid)
    assert len(client.callbacks.list(account_id)) == 0
    with pytest.raises(FreshBooksError) as caught:
        client.callbacks.create(account_id, {"event": "x.y", "uri": "nowhere"})
    assert caught.value.status_code == 422
    assert caught.value.error_details is not None
    assert len(caught.value.error_details) == 2


def test_payment_options(sdk: Any) -> None:
    client, account_id = sdk
    customer = client.clients.create(account_id, {"email": "first@a.example"})
    data = {"customerid": customer.id, "create_date": "2026-03-03"}
    invoice = client.invoices.create(account_id, data)
    options = client.invoice_payment_options.create(
        account_id,
        invoice.id,
        {
            "entity_id": invoice.id,
            "entity_type": "invoice",
            "gateway_name": "stripe",
            "has_credit_card": True,
        },
    )
    assert options.has_credit_card is True
    assert client.invoice_payment_options.get(account_id, invoice.id).gateway_name == "stripe"
