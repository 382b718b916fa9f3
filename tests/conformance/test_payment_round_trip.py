"""A payment goes to the other side and is read back there: the same to the minor unit, always."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from connector.currencies import EXPONENTS, stripe_step_minor
from connector.errors import UnsupportedCurrency
from connector.idempotency import find_marker, payment_marker
from connector.mapping.payments import to_freshbooks_payment, to_payment_record
from connector.money import Money
from connector.vendors.freshbooks.client import FreshBooksAccountClient
from connector.vendors.freshbooks.records import FreshBooksPayment
from connector.vendors.freshbooks.tokens import AccessToken
from connector.vendors.gate import OpenGate
from connector.vendors.reading import Fields, parse_json
from connector.vendors.stripe import parsing
from tests.conformance import freshbooks_requests
from tests.conformance.record import FRESHBOOKS, Sent
from tests.mapping.builders import freshbooks_payment, invoice
from tests.mapping.contract import violations
from tests.vendors.local_server import fixture

VERSION = "stripe/2026-10-28.endive"
MARKER = payment_marker(secret=b"s", intent="1")


def known_to_stripe(currency: str) -> bool:
    try:
        stripe_step_minor(currency)
    except UnsupportedCurrency:
        return False
    return True


@st.composite
def amounts(draw: st.DrawFn) -> Money:
    """Any amount that Stripe can carry, in any currency that it counts."""
    currency = draw(st.sampled_from(sorted(filter(known_to_stripe, EXPONENTS))))
    return Money(draw(st.integers(1, 10**11)) * stripe_step_minor(currency), currency)


class Tokens:
    def current(self) -> AccessToken:
        return AccessToken("token", 1)

    def after_rejection(self, rejected: AccessToken) -> AccessToken:
        raise AssertionError("nobody rejects it")


class EchoingFreshBooks(BaseAdapter):
    """Answers the payment that was posted, amounts with at least so many decimals."""

    def __init__(self, least_places: int) -> None:
        super().__init__()
        self.least_places = least_places

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body = json.loads(request.body or b"")
        assert freshbooks_requests.problems(posted(body)) == []
        payment = fixture("freshbooks/payment.json")["response"]["result"]["payment"]
        payment |= body["payment"]
        payment["amount"] = self.shown(payment["amount"])
        answer = requests.Response()
        answer.status_code = 200
        envelope = {"response": {"result": {"payment": payment}}}
        answer.raw = HTTPResponse(BytesIO(json.dumps(envelope).encode()), preload_content=False)
        return answer

    def shown(self, amount: Mapping[str, str]) -> dict[str, str]:
        whole, _, fraction = amount["amount"].partition(".")
        digits = fraction.ljust(self.least_places, "0")
        return {**amount, "amount": f"{whole}.{digits}" if digits else whole}

    def close(self) -> None:
        """Nothing is open."""


def posted(body: Any) -> Sent:
    return Sent(
        vendor=FRESHBOOKS,
        method="POST",
        path="/accounting/account/Kq3ZrP/payments/payments",
        query={},
        headers={},
        form=None,
        body=body,
        status=200,
    )


def freshbooks_client(least_places: int) -> FreshBooksAccountClient:
    session = requests.Session()
    session.mount("http://", EchoingFreshBooks(least_places))
    return FreshBooksAccountClient(
        base_url="http://127.0.0.1:1",
        account_id="Kq3ZrP",
        tokens=Tokens(),
        gate=OpenGate(),
        session=session,
    )


def read_back(amount: Money, *, paid_at: int, least_places: int) -> FreshBooksPayment:
    """Stripe's JSON ▶ record ▶ draft ▶ request ▶ FreshBooks' JSON ▶ record."""
    body = fixture(f"{VERSION}/invoice_payment.json") | {
        "amount_paid": amount.to_stripe(),
        "amount_requested": amount.to_stripe(),
        "currency": amount.currency.lower(),
        "status": "paid",
        "status_transitions": {"paid_at": paid_at, "canceled_at": None},
    }
    source = parsing.to_invoice_payment(Fields("stripe", "payment", body))
    assert source.amount_paid == amount
    draft = to_freshbooks_payment(
        source,
        invoice=invoice(currency=amount.currency),
        marker=MARKER,
        book_time_zone=ZoneInfo("America/Toronto"),
    )
    return freshbooks_client(least_places).create_payment(draft=draft)


@settings(deadline=None, max_examples=200)
@given(
    amount=amounts(),
    paid_at=st.integers(1_500_000_000, 4_000_000_000),
    least_places=st.integers(0, 4),
)
def test_stripes_money_is_the_same_in_freshbooks(
    amount: Money, paid_at: int, least_places: int
) -> None:
    found = read_back(amount, paid_at=paid_at, least_places=least_places)
    assert found.amount == amount
    assert found.paid_on == datetime.fromtimestamp(paid_at, ZoneInfo("America/Toronto")).date()
    assert find_marker(found.note) == MARKER


@settings(deadline=None, max_examples=200)
@given(amount=amounts(), paid_on=st.dates(date(1980, 1, 1), date(2090, 1, 1)))
def test_a_cheque_is_the_same_in_stripe(amount: Money, paid_on: date) -> None:
    cheque = freshbooks_payment(
        amount=amount, paid_on=paid_on, updated_at=datetime(2091, 1, 1, tzinfo=UTC)
    )
    body = to_payment_record(cheque, stripe_customer_id="cus_1", freshbooks_account_id="Kq3ZrP")
    assert violations("/v1/payment_records/report_payment", body) == []
    answer = fixture(f"{VERSION}/payment_record.json") | {
        "amount": body["amount_requested"],
        "metadata": body["metadata"],
    }
    answer = parse_json(json.dumps(answer).encode())
    found = parsing.to_payment_record(Fields.of(answer, vendor="stripe", where="payment_record"))
    assert found.amount == amount
    assert found.metadata["fb_payment_id"] == str(cheque.id)
    assert datetime.fromtimestamp(body["initiated_at"], UTC).date() == paid_on
