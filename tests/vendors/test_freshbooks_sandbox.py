"""The FreshBooks client against the simulated FreshBooks: both must read the contract alike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from connector.errors import (
    ConnectorError,
    CredentialRejected,
    GrantLost,
    OutcomeUnknown,
    VendorNotFound,
    VendorRateLimited,
    VendorRefused,
    VendorUnavailable,
)
from connector.money import Money
from connector.vendors.freshbooks.callbacks import parse_handshake, verify_delivery
from connector.vendors.freshbooks.client import FreshBooksAccountClient
from connector.vendors.freshbooks.oauth import FreshBooksOAuth, OAuthApp
from connector.vendors.freshbooks.pages import all_pages
from connector.vendors.freshbooks.records import (
    FreshBooksInvoice,
    FreshBooksPaymentDraft,
    TokenPair,
)
from connector.vendors.freshbooks.tokens import AccessToken
from connector.vendors.gate import OpenGate
from connector.vendors.http import Limits
from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.driving import (
    REDIRECT_URI,
    SCOPES,
    FreshBooks,
    Receiver,
    eventually,
    line,
    receiving,
)

HASTY = Limits(read_s=0.3)  # for simulated time-outs only; a busy machine is slow
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


class Grant:
    """A token source over the real refresh call."""

    def __init__(self, oauth: FreshBooksOAuth, pair: TokenPair) -> None:
        self._oauth = oauth
        self.pair = pair
        self.generation = 1

    def current(self) -> AccessToken:
        return AccessToken(self.pair.access_token, self.generation)

    def after_rejection(self, rejected: AccessToken) -> AccessToken:
        assert rejected == self.current()
        self.pair = self._oauth.refresh(refresh_token=self.pair.refresh_token)
        self.generation += 1
        return self.current()


@pytest.fixture
def book(sandbox_process: SandboxProcess) -> Iterator[FreshBooks]:
    yield sandbox_process.freshbooks
    sandbox_process.freshbooks.reset()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def oauth(book: FreshBooks) -> FreshBooksOAuth:
    app = OAuthApp(
        client_id="sandbox-client",
        client_secret="sandbox-secret",
        redirect_uri=REDIRECT_URI,
        auth_base=book.url,
        api_base=book.url,
    )
    return FreshBooksOAuth(app=app, gate=OpenGate())


@pytest.fixture
def grant(book: FreshBooks, oauth: FreshBooksOAuth) -> Grant:
    """Consent as a person gives it: our URL's parameters, their decision, our exchange."""
    book.business("owner@maple.example")
    url = oauth.authorize_url(state="s-1", code_verifier=VERIFIER, scopes=SCOPES.split())
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    answer = book.decide("owner@maple.example", **asked)
    assert answer.status_code == 302, answer.text
    back = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert back["state"] == ["s-1"]
    return Grant(oauth, oauth.exchange_code(code=back["code"][0], code_verifier=VERIFIER))


@pytest.fixture
def account_id(oauth: FreshBooksOAuth, grant: Grant) -> str:
    identity = oauth.identity(access_token=grant.pair.access_token)
    assert identity.email == "owner@maple.example"
    (business,) = identity.businesses
    assert (business.name, business.role) == ("Maple Joinery", "owner")
    return business.account_id


@pytest.fixture
def client(book: FreshBooks, grant: Grant, account_id: str) -> FreshBooksAccountClient:
    return FreshBooksAccountClient(
        base_url=book.url, account_id=account_id, tokens=grant, gate=OpenGate()
    )


@pytest.fixture
def hasty(book: FreshBooks, grant: Grant, account_id: str) -> FreshBooksAccountClient:
    return FreshBooksAccountClient(
        base_url=book.url, account_id=account_id, tokens=grant, gate=OpenGate(), limits=HASTY
    )


@pytest.fixture
def invoice(book: FreshBooks, client: FreshBooksAccountClient) -> FreshBooksInvoice:
    made = book.act(
        "create_client",
        account_id=client.account_id,
        client={
            "organization": "Haddad Dental",
            "email": "ap@haddad.example",
            "p_country": "Canada",
        },
    )
    drawn = book.act(
        "create_invoice",
        account_id=client.account_id,
        invoice={
            "customerid": made.get("client", made)["id"],
            "create_date": "2026-03-03",
            "due_offset_days": 30,
            "lines": [
                line("85.00", 10, taxName1="GST", taxAmount1="5"),
                line("5.00", 24, taxName1="GST", taxAmount1="5", taxName2="PST", taxAmount2="7"),
            ],
        },
        send=True,
    )
    return client.get_invoice(invoice_id=drawn.get("invoice", drawn)["id"])


def draft(invoice: FreshBooksInvoice, amount: str) -> FreshBooksPaymentDraft:
    return FreshBooksPaymentDraft(
        invoice_id=invoice.id,
        amount=Money.from_decimal(amount, invoice.currency_code),
        paid_on=date(2026, 3, 10),
        type="VISA",
        note="Stripe inpay_1",
    )


def test_clients_and_invoices_are_read(
    client: FreshBooksAccountClient, invoice: FreshBooksInvoice
) -> None:
    assert invoice.amount == Money(102690, "CAD")
    assert invoice.due_date == date(2026, 4, 2)
    assert [len(item.taxes) for item in invoice.lines] == [1, 2]
    assert abs(invoice.updated_at - datetime.now(UTC)) < timedelta(seconds=60)
    (listed,) = all_pages(lambda page: client.list_clients(page=page))
    assert (listed.id, listed.billing_address.country) == (invoice.client_id, "Canada")
    assert client.get_client(client_id=listed.id) == listed
    found = client.list_invoices(page=1, client_id=listed.id, updated_min=date(2020, 1, 1))
    assert found.rows == (invoice,)
    assert client.list_invoices(page=1, vis_state=1).rows == ()
    assert client.list_invoices(page=2).rows == ()


def test_the_life_of_a_payment(client: FreshBooksAccountClient, invoice: FreshBooksInvoice) -> None:
    payment = client.create_payment(draft=draft(invoice, "500.00"))
    assert (payment.amount, payment.note) == (Money(50000, "CAD"), "Stripe inpay_1")
    assert client.get_payment(payment_id=payment.id) == payment
    assert client.list_payments(page=1, invoice_id=invoice.id).rows == (payment,)
    assert client.get_invoice(invoice_id=invoice.id).outstanding == Money(52690, "CAD")
    changed = client.update_payment_amount(
        payment_id=payment.id, amount=Money(40000, "CAD"), note="refunded in part"
    )
    assert (changed.amount, changed.note) == (Money(40000, "CAD"), "refunded in part")
    assert client.delete_payment(payment_id=payment.id).vis_state == 1
    assert client.list_payments(page=1, invoice_id=invoice.id).rows == ()
    assert client.get_invoice(invoice_id=invoice.id).outstanding == invoice.amount


def test_an_overpayment_is_split(
    client: FreshBooksAccountClient, invoice: FreshBooksInvoice
) -> None:
    payment = client.create_payment(draft=draft(invoice, "1100.00"))
    assert payment.amount == Money(102690, "CAD")
    assert payment.overpayment_id is not None


@pytest.mark.parametrize("fault", ["reset_after", "timeout_after"])
def test_a_payment_whose_answer_was_lost_may_be_there(
    *,
    book: FreshBooks,
    client: FreshBooksAccountClient,
    hasty: FreshBooksAccountClient,
    invoice: FreshBooksInvoice,
    fault: str,
) -> None:
    book.fault(fault, {"method": "POST", "path_regex": "/payments/payments"})
    with pytest.raises(OutcomeUnknown):
        hasty.create_payment(draft=draft(invoice, "500.00"))
    (found,) = client.list_payments(page=1, invoice_id=invoice.id).rows
    assert found.note == "Stripe inpay_1"


@pytest.mark.parametrize(
    ("fault", "on_write", "on_read"),
    [
        ("status_500", OutcomeUnknown, VendorUnavailable),
        ("status_429", VendorRateLimited, VendorRateLimited),
        ("timeout_before", OutcomeUnknown, VendorUnavailable),
    ],
)
def test_other_faults(
    *,
    book: FreshBooks,
    client: FreshBooksAccountClient,
    hasty: FreshBooksAccountClient,
    invoice: FreshBooksInvoice,
    fault: str,
    on_write: type[ConnectorError],
    on_read: type[ConnectorError],
) -> None:
    book.fault(fault, {"method": "POST", "path_regex": "/payments/payments"})
    with pytest.raises(on_write):
        hasty.create_payment(draft=draft(invoice, "500.00"))
    book.fault(fault, {"method": "GET", "path_regex": "/payments/payments"})
    with pytest.raises(on_read):
        hasty.list_payments(page=1, invoice_id=invoice.id)
    assert client.list_payments(page=1, invoice_id=invoice.id).rows == ()


def test_an_error_inside_a_200_is_an_error(
    book: FreshBooks, client: FreshBooksAccountClient, invoice: FreshBooksInvoice
) -> None:
    book.fault("error_200", {"method": "POST", "path_regex": "/payments/payments"})
    with pytest.raises(ConnectorError) as raised:
        client.create_payment(draft=draft(invoice, "500.00"))
    assert raised.value.status == 200
    assert client.list_payments(page=1, invoice_id=invoice.id).rows == ()


def test_what_does_not_exist_is_not_found(client: FreshBooksAccountClient) -> None:
    for call in (
        lambda: client.get_client(client_id=999999),
        lambda: client.get_invoice(invoice_id=999999),
        lambda: client.get_payment(payment_id=999999),
        lambda: client.delete_callback(callback_id=999999),
    ):
        with pytest.raises(VendorNotFound):
            call()


def test_an_expired_token_is_refreshed_and_a_spent_refresh_token_is_a_lost_grant(
    book: FreshBooks, client: FreshBooksAccountClient, grant: Grant, oauth: FreshBooksOAuth
) -> None:
    spent = grant.pair.refresh_token
    book.act("expire_tokens", account_id=client.account_id, access_only=True)
    assert client.list_clients(page=1).rows == ()
    assert grant.generation == 2
    with pytest.raises(GrantLost):
        oauth.refresh(refresh_token=spent)


def test_a_revoked_grant_is_lost(
    client: FreshBooksAccountClient, grant: Grant, oauth: FreshBooksOAuth
) -> None:
    oauth.revoke(token=grant.pair.access_token)
    with pytest.raises(CredentialRejected):
        oauth.identity(access_token=grant.pair.access_token)


def test_callbacks_from_registration_to_removal(
    client: FreshBooksAccountClient, invoice: FreshBooksInvoice, receiver: Receiver
) -> None:
    made = client.create_callback(event="payment.create", uri=f"{receiver.url}/fb")
    assert made.verified is False
    handshake = parse_handshake(eventually(lambda: receiver.at("/fb"))[0].body.encode())
    assert handshake.object_id == made.callback_id
    verifier = handshake.verifier
    assert client.verify_callback(callback_id=made.callback_id, verifier=verifier).verified
    assert [row.verified for row in client.list_callbacks(page=1).rows] == [True]
    payment = client.create_payment(draft=draft(invoice, "5.00"))
    hook = eventually(lambda: receiver.at("/fb")[1:])[0]
    signature = hook.headers["X-FreshBooks-Hmac-SHA256"]
    delivery = verify_delivery(hook.body.encode(), signature, verifier)
    assert (delivery.name, delivery.object_id) == ("payment.create", payment.id)
    assert delivery.account_id == client.account_id
    client.delete_callback(callback_id=made.callback_id)
    assert client.list_callbacks(page=1).rows == ()
    with pytest.raises(VendorRefused):
        client.create_callback(event="no.such", uri=f"{receiver.url}/fb")


def test_online_payments(client: FreshBooksAccountClient, invoice: FreshBooksInvoice) -> None:
    options = client.payment_options(invoice_id=invoice.id)
    assert options.collects_online is False
    assert isinstance(client.gateway(), tuple)


def test_a_walk_over_several_pages(book: FreshBooks, client: FreshBooksAccountClient) -> None:
    for number in range(103):
        book.act(
            "create_client", account_id=client.account_id, client={"organization": f"C{number}"}
        )
    started = time.monotonic()
    rows = list(all_pages(lambda page: client.list_clients(page=page)))
    assert len(rows) == len({row.id for row in rows}) == 103
    assert time.monotonic() - started < 15
