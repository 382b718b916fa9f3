"""Money that moved outside Stripe: payment records, and attaching them to invoices."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
import stripe

from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.stripe_desk import Desk, lent_desk, refusal


@pytest.fixture
def desk(sandbox_process: SandboxProcess) -> Iterator[Desk]:
    yield from lent_desk(sandbox_process.stripe.url)


def record(desk: Desk, value: int, **params: Any) -> stripe.PaymentRecord:
    now = desk.advance(0)
    given = {
        "amount_requested": {"currency": "usd", "value": value},
        "initiated_at": now,
        "payment_method_details": {"type": "custom", "custom": {"display_name": "Cheque"}},
        "outcome": "guaranteed",
        "guaranteed": {"guaranteed_at": now},
        "metadata": {"fb_payment_id": "55012"},
        **params,
    }
    kept = {key: value for key, value in given.items() if value is not None}
    return desk.client().v1.payment_records.report_payment(cast("Any", kept))


def test_a_part_paid_elsewhere_is_reported_and_attached(desk: Desk) -> None:
    client = desk.client()
    invoice = desk.open_invoice()
    reported = record(
        desk,
        5000,
        description="Cheque recorded in FreshBooks",
        customer_details={"customer": str(invoice.customer)},
        processor_details={"type": "custom", "custom": {"payment_reference": "fb-pay-55012"}},
    )
    assert (reported.amount_guaranteed.value, reported.reported_by) == (5000, "self")
    before = len(desk.event_types())
    changed = client.v1.invoices.attach_payment(
        invoice.id, {"payment_record": reported.id, "expand": ["amount_paid_off_stripe"]}
    )
    assert (changed.amount_remaining, changed.amount_paid_off_stripe) == (7600, 5000)
    assert desk.event_types()[before:] == ["invoice_payment.paid", "invoice.updated"]
    (found,) = client.v1.invoice_payments.list(
        {"payment": {"type": "payment_record", "payment_record": reported.id}}
    ).data
    assert (found.amount_paid, found.payment.type) == (5000, "payment_record")
    with pytest.raises(stripe.InvalidRequestError, match="already attached"):
        client.v1.invoices.attach_payment(invoice.id, {"payment_record": reported.id})
    assert [row.id for row in client.v1.payment_records.list().data] == [reported.id]
    attempts = client.v1.payment_attempt_records.list({"payment_record": reported.id}).data
    assert [row.id for row in attempts] == [reported.latest_payment_attempt_record]
    (told,) = client.v1.events.list({"limit": 1}).data
    assert "amount_paid_off_stripe" not in told.data.object


def test_records_are_refunded_with_a_reference_of_their_own(desk: Desk) -> None:
    client = desk.client()
    reported = record(desk, 5000)
    params: Any = {
        "outcome": "refunded",
        "amount": {"currency": "usd", "value": 2000},
        "processor_details": {"type": "custom", "custom": {"refund_reference": "r1"}},
        "refunded": {"refunded_at": desk.advance(0)},
    }
    changed = client.v1.payment_records.report_refund(reported.id, params)
    assert changed.amount_refunded.value == 2000
    with pytest.raises(stripe.InvalidRequestError, match="already reported"):
        client.v1.payment_records.report_refund(reported.id, params)
    too_much: Any = {**params, "amount": {"currency": "usd", "value": 3001}}
    with pytest.raises(stripe.InvalidRequestError, match="greater"):
        client.v1.payment_records.report_refund(reported.id, too_much)


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"guaranteed": None}, "guaranteed[guaranteed_at]"),
        ({"initiated_at": None}, "initiated_at"),
        ({"initiated_at": 99_999_999_999}, "initiated_at"),
        ({"amount_requested": {"currency": "usd", "value": 0}}, "amount_requested[value]"),
        ({"amount_requested": {"currency": "kwd", "value": 5124}}, "amount_requested[value]"),
        ({"customer_details": {"customer": "cus_no"}}, "customer_details[customer]"),
        ({"payment_method_details": {"type": "custom"}}, None),
        ({"failed": {"failed_at": 1}}, "failed"),
    ],
)
def test_bad_reports_are_refused(desk: Desk, params: Any, param: str | None) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        record(desk, 5000, **params)
    assert param is None or refusal(refused.value)[2] == param
    assert desk.book()["payment_records"] == []


def test_what_does_not_fit_an_invoice_is_a_switch(desk: Desk) -> None:
    client = desk.client()
    attach = client.v1.invoices.attach_payment
    invoice = desk.open_invoice(1000)
    foreign = record(desk, 500, customer_details={"customer": desk.customer().id})
    in_euro = record(desk, 500, amount_requested={"currency": "eur", "value": 500})
    large = record(desk, 1500)
    for payment in (foreign, in_euro):
        with pytest.raises(stripe.InvalidRequestError, match="does not match"):
            attach(invoice.id, {"payment_record": payment.id})
    desk.switch(attach_more_than_remains="refused")
    with pytest.raises(stripe.InvalidRequestError, match="greater"):
        attach(invoice.id, {"payment_record": large.id})
    desk.switch(
        attach_more_than_remains="overpaid",
        attach_other_currency="allowed",
        attach_other_customer="allowed",
    )
    assert attach(invoice.id, {"payment_record": foreign.id}).amount_remaining == 500
    assert attach(invoice.id, {"payment_record": large.id}).amount_overpaid == 1000
    late = record(desk, 100)
    with pytest.raises(stripe.InvalidRequestError, match="paid"):
        attach(invoice.id, {"payment_record": late.id})
    desk.switch(attach_to_closed_invoice="allowed")
    assert attach(invoice.id, {"payment_record": late.id}).amount_overpaid == 1100
    with pytest.raises(stripe.InvalidRequestError, match="exactly one"):
        attach(invoice.id, {})
    desk.switch(payment_reference="unique")
    processor = {"type": "custom", "custom": {"payment_reference": "x"}}
    record(desk, 1, processor_details=processor)
    with pytest.raises(stripe.InvalidRequestError, match="already reported"):
        record(desk, 1, processor_details=processor)


def test_reports_that_do_not_fit_are_refused(desk: Desk) -> None:
    records = desk.client().v1.payment_records
    now = desk.advance(0)
    base: Any = {
        "amount_requested": {"currency": "usd", "value": 500},
        "initiated_at": now,
        "payment_method_details": {"type": "custom", "custom": {"display_name": "Cheque"}},
    }
    late: Any = {**base, "outcome": "guaranteed", "guaranteed": {"guaranteed_at": now + 900}}
    with pytest.raises(stripe.InvalidRequestError, match="future"):
        records.report_payment(late)
    failing: Any = {**base, "outcome": "failed", "failed": {"failed_at": now}}
    arrived: Any = {**base, "outcome": "guaranteed", "guaranteed": {"guaranteed_at": now}}
    failed = records.report_payment(failing)
    assert (failed.amount_failed.value, failed.amount.value) == (500, 0)
    invoice = desk.open_invoice()
    with pytest.raises(stripe.InvalidRequestError, match="Nothing is left"):
        desk.client().v1.invoices.attach_payment(invoice.id, {"payment_record": failed.id})
    open_one = records.report_payment(base)
    waiting = desk.client().v1.invoices.attach_payment(invoice.id, {"payment_record": open_one.id})
    assert waiting.amount_paid == 0
    refund: Any = {
        "outcome": "refunded",
        "processor_details": {"type": "custom"},
        "refunded": {"refunded_at": now},
    }
    whole = records.report_payment(arrived)
    with pytest.raises(stripe.InvalidRequestError, match="refund_reference"):
        records.report_refund(whole.id, refund)
    euro: Any = {**refund, "amount": {"currency": "eur", "value": 5}}
    with pytest.raises(stripe.InvalidRequestError, match="currency"):
        records.report_refund(open_one.id, euro)
