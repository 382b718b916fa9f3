"""The rarer refusals of the simulated Stripe, each asked for once."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import stripe

from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.driving import Receiver, eventually
from tests.sandbox.stripe_desk import Desk, lent_desk


@pytest.fixture
def desk(sandbox_process: SandboxProcess) -> Iterator[Desk]:
    yield from lent_desk(sandbox_process.stripe.url)


def params(name: str) -> Any:
    """Only to say that a value is wrong on purpose."""
    return {"limit": 3, "starting_after": "a", "ending_before": "b"}[name]


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("customers", "[x]=1", "[x]"),
        ("customers", "a" + "[b]" * 21 + "=1", "a" + "[b]" * 21),
        ("customers", "metadata[a][b]=1", "metadata[a]"),
        ("customers", "invoice_prefix=abc", "invoice_prefix"),
        ("customers", "source=tok_visa", "source"),
        ("customers", "name[first]=x", "name"),
        ("customers", "address=x", "address"),
        ("customers", "validate=perhaps", "validate"),
        ("tax_rates", "display_name=&percentage=5&inclusive=true", "display_name"),
        ("tax_rates", "display_name=a&percentage=x&inclusive=true", "percentage"),
        ("tax_rates", "display_name=a&percentage=101&inclusive=true", "percentage"),
        ("tax_rates", "display_name=a&percentage=1.00001&inclusive=true", "percentage"),
        ("prices", "currency=usd&unit_amount=5&unit_amount_decimal=5&product_data[name]=a", None),
        ("prices", "currency=usd&product_data[name]=a", "price_data[unit_amount]"),
        ("prices", "currency=usd&unit_amount=5", "product"),
        ("prices", "currency=usd&unit_amount=5&recurring[interval]=day", "recurring"),
        ("prices", "currency=usd&unit_amount_decimal=x&product=p", "unit_amount_decimal"),
        ("invoices", "", "customer"),
        ("invoices", "from_invoice[action]=revision&from_invoice[invoice]=in_no", None),
        ("invoiceitems", "amount=5", "customer"),
        ("payment_intents", "currency=usd&amount=500&customer=cus_no", "customer"),
        ("payment_intents", "currency=usd&amount=500&confirm=true", None),
        (
            "payment_intents",
            "currency=usd&amount=500&confirm=true&payment_method=pm_no",
            "payment_method",
        ),
        ("refunds", "", None),
        ("refunds", "charge=ch_no", "charge"),
        ("credit_notes", "invoice=in_no", "invoice"),
        ("webhook_endpoints", "url=https://a.example&enabled_events=", "enabled_events"),
    ],
)
def test_refused_without_a_trace(desk: Desk, path: str, body: str, param: str | None) -> None:
    answer = desk.post(f"/v1/{path}", body)
    assert answer.status_code == 400, answer.text
    assert param is None or answer.json()["error"]["param"] == param
    book = desk.book()
    assert [book[name] for name in ("events", "customers", "invoices")] == [[], [], []]


def test_keys_longer_than_allowed_and_both_cursors_are_refused(desk: Desk) -> None:
    long = desk.post("/v1/customers", "name=A", **{"Idempotency-Key": "k" * 256})
    assert long.status_code == 400
    query = "?" + "&".join(f"{name}={params(name)}" for name in ("starting_after", "ending_before"))
    assert desk.get("/v1/customers" + query).status_code == 400
    desk.customer()
    assert desk.get("/v1/invoices?due_date[gt]=1").json()["data"] == []
    assert desk.get("/v1/customers?created=5").json()["data"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"due_date": 5},
        {"default_tax_rates": ["txr"]},
        {"collection_method": "charge_automatically", "days_until_due": 3},
        {"subscription": "sub_1"},
        {"automatically_finalizes_at": 9_999_999_999, "auto_advance": True},
    ],
)
def test_bad_changes_of_a_draft_are_refused(desk: Desk, change: Any) -> None:
    invoice = desk.draft()
    taxes = {"display_name": "GST", "percentage": "5", "inclusive": False}
    amounts: Any = [{"amount": 1, "taxable_amount": 20, "tax_rate_data": taxes}]
    line: Any = {"amount": 20, "tax_amounts": amounts}
    desk.client().v1.invoices.add_lines(invoice.id, {"lines": [line]})
    if "default_tax_rates" in change:
        rate = desk.client().v1.tax_rates.list().data[0].id
        change = {"default_tax_rates": [rate]}
    with pytest.raises(stripe.InvalidRequestError):
        desk.client().v1.invoices.update(invoice.id, change)
    assert desk.invoice(invoice.id).total == 21


def test_a_customer_without_email_stops_sending_and_automatic_finalization(desk: Desk) -> None:
    client = desk.client()
    invoice = desk.draft(auto_advance=True)
    client.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 500}]})
    client.v1.customers.update(str(invoice.customer), {"email": ""})
    with pytest.raises(stripe.InvalidRequestError, match="Missing email"):
        client.v1.invoices.finalize_invoice(invoice.id, {"auto_advance": True})
    with pytest.raises(stripe.InvalidRequestError, match="Missing email"):
        client.v1.invoices.update(invoice.id, {"description": "x"})
    desk.advance(4000)
    stuck = desk.invoice(invoice.id)
    assert stuck.status == "draft"
    assert stuck.last_finalization_error is not None
    assert desk.event_types()[-1] == "invoice.finalization_failed"


def test_payments_that_do_not_fit_are_refused(desk: Desk) -> None:
    client = desk.client()
    intent = client.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "confirm": True,
            "payment_method": "pm_usBankAccount",
            "description": "by hand",
        }
    )
    assert intent.status == "processing"
    with pytest.raises(stripe.InvalidRequestError, match="status of processing"):
        client.v1.payment_intents.cancel(intent.id)
    with pytest.raises(stripe.InvalidRequestError, match="status of processing"):
        client.v1.payment_intents.update(intent.id, {"amount": 600})
    renamed = client.v1.payment_intents.update(intent.id, {"metadata": {"a": "b"}})
    assert renamed.metadata["a"] == "b"
    with pytest.raises(stripe.InvalidRequestError, match="has not succeeded"):
        client.v1.refunds.create({"payment_intent": intent.id})
    bare = client.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        client.v1.refunds.create({"payment_intent": bare.id})
    invoice = desk.open_invoice()
    client.v1.invoices.attach_payment(invoice.id, {"payment_intent": bare.id})
    client.v1.payment_intents.cancel(bare.id)
    rows = client.v1.invoice_payments.list({"invoice": invoice.id, "status": "canceled"}).data
    assert [row.payment.payment_intent for row in rows] == [bare.id]
    with pytest.raises(stripe.InvalidRequestError, match="canceled payment"):
        client.v1.invoices.attach_payment(invoice.id, {"payment_intent": bare.id})
    charge = client.v1.charges.update(str(intent.latest_charge), {"metadata": {"x": "y"}})
    assert charge.metadata["x"] == "y"
    assert client.v1.payment_intents.list({"limit": 1}).has_more is True


def test_refunds_can_wait_for_the_customer(desk: Desk) -> None:
    client = desk.client()
    done = desk.act("create_payment", amount=900, currency="usd")
    waiting = desk.act("refund", charge=done["charge"], amount=100, status="requires_action")
    named = client.v1.refunds.update(waiting["id"], {"metadata": {"fb": "1"}})
    assert named.metadata is not None
    assert client.v1.refunds.cancel(waiting["id"]).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="can't be canceled"):
        client.v1.refunds.cancel(waiting["id"])
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"charge": done["charge"], "amount": 0})
    assert client.v1.charges.retrieve(done["charge"]).amount_refunded == 0
    assert "succeeded, pending" in desk.refused_act("refund", charge=done["charge"], status="odd")


def test_a_failed_charge_cannot_be_disputed_and_a_lost_inquiry_costs(desk: Desk) -> None:
    failed = desk.act("pay_invoice", invoice=desk.open_invoice().id, outcome="fails")
    assert "has not succeeded" in desk.refused_act("dispute", charge=failed["charge"])
    done = desk.act("create_payment", amount=900, currency="usd")
    inquiry = desk.act("dispute", charge=done["charge"], inquiry=True)
    lost = desk.act("lose_dispute", dispute=inquiry["id"])
    assert [row["amount"] for row in lost["balance_transactions"]] == [-900]


def test_credit_notes_that_do_not_fit_are_refused(desk: Desk) -> None:
    notes = desk.client().v1.credit_notes
    draft, invoice = desk.draft(), desk.open_invoice(5000)
    bad_line: Any = {"type": "invoice_line_item", "invoice_line_item": "il_no", "amount": 5}
    for bad in (
        {"invoice": draft.id, "amount": 5},
        {"invoice": invoice.id},
        {"invoice": invoice.id, "lines": [bad_line]},
        {"invoice": invoice.id, "amount": 5001},
        {"invoice": invoice.id, "amount": 0},
    ):
        given: Any = bad
        with pytest.raises(stripe.InvalidRequestError):
            notes.create(given)
    desk.client().v1.invoices.pay(invoice.id, {"paid_out_of_band": True})
    with pytest.raises(stripe.InvalidRequestError, match="no charge"):
        notes.create({"invoice": invoice.id, "amount": 5, "refund_amount": 5})
    note = notes.create({"invoice": invoice.id, "amount": 5, "out_of_band_amount": 5})
    assert note.type == "post_payment"
    with pytest.raises(stripe.InvalidRequestError, match="only void"):
        notes.void_credit_note(note.id)
    paid = desk.open_invoice(5000)
    done = desk.act("pay_invoice", invoice=paid.id)
    refund = desk.client().v1.refunds.create({"charge": done["charge"], "amount": 700})
    linked = notes.create(
        {
            "invoice": paid.id,
            "amount": 700,
            "refunds": [{"refund": refund.id, "amount_refunded": 700}],
        }
    )
    assert [row.refund for row in linked.refunds] == [refund.id]


def test_a_credit_note_counts_its_taxes(desk: Desk) -> None:
    client = desk.client()
    rate = client.v1.tax_rates.create({"display_name": "G", "percentage": 5, "inclusive": False})
    invoice = desk.open_invoice(5000)
    tax: Any = {"amount": 5, "taxable_amount": 100, "tax_rate": rate.id}
    line: Any = {"type": "custom_line_item", "amount": 100, "tax_amounts": [tax]}
    note = client.v1.credit_notes.create({"invoice": invoice.id, "lines": [line]})
    assert note.amount == 105


def test_invoice_items_wait_change_and_find_an_invoice(desk: Desk) -> None:
    client = desk.client()
    customer = desk.customer().id
    item = client.v1.invoice_items.create(
        {"customer": customer, "amount": 700, "currency": "usd", "description": "old"}
    )
    changed = client.v1.invoice_items.update(item.id, {"description": "new", "amount": 800})
    assert (changed.amount, changed.description) == (800, "new")
    invoice, other = desk.draft(customer), desk.draft()
    with pytest.raises(stripe.InvalidRequestError, match="another customer"):
        client.v1.invoices.add_lines(other.id, {"lines": [{"invoice_item": item.id}]})
    filled = client.v1.invoices.add_lines(invoice.id, {"lines": [{"invoice_item": item.id}]})
    assert (filled.total, filled.lines.data[0].description) == (800, "new")
    with pytest.raises(stripe.InvalidRequestError, match="attached to an invoice"):
        client.v1.invoice_items.delete(item.id)
    assert client.v1.invoice_items.retrieve(item.id).invoice == invoice.id
    with pytest.raises(stripe.InvalidRequestError, match="Only pending"):
        client.v1.invoice_items.create({"customer": customer})
    client.v1.invoices.delete(invoice.id)
    assert client.v1.invoice_items.list({"customer": customer}).data == []


def test_revisions_take_only_open_invoices_and_metadata(desk: Desk) -> None:
    create = desk.client().v1.invoices.create
    draft, opened = desk.draft(), desk.open_invoice()
    for invoice, more in ((draft, {}), (opened, {"currency": "usd"})):
        given: Any = {"from_invoice": {"action": "revision", "invoice": invoice.id}, **more}
        with pytest.raises(stripe.InvalidRequestError):
            create(given)


def test_the_pages_show_credit_and_other_currencies(desk: Desk) -> None:
    customer = desk.customer(balance=-500).id
    credited = desk.open_invoice(5000, customer=customer)
    desk.act("credit_invoice", invoice=credited.id, amount=100)
    text = requests.get(str(credited.hosted_invoice_url), timeout=60).text
    assert "Applied balance" in text
    assert "Credit notes" in text
    yen = desk.open_invoice(5000, currency="jpy")
    assert "5,000 JPY" in requests.get(str(yen.hosted_invoice_url), timeout=60).text
    answer = requests.post(f"{desk.url}/i/acct_no/test_x", data={}, timeout=60)
    assert answer.status_code == 404


def test_a_transfer_pays_its_invoice_when_it_is_enough(desk: Desk) -> None:
    invoice = desk.open_invoice()
    done = desk.act("pay_invoice", invoice=invoice.id, method="customer_balance")
    assert done["status"] == "succeeded"
    (row,) = desk.client().v1.customers.cash_balance_transactions.list(
        str(invoice.customer), {"limit": 1}
    )
    read = desk.client().v1.customers.cash_balance_transactions.retrieve(
        str(invoice.customer), row.id
    )
    assert read.type == "applied_to_payment"


def test_an_endpoint_that_wakes_up_gets_the_event_again(desk: Desk, receiver: Receiver) -> None:
    receiver.answers["/hook"] = [500, 500, 500]
    desk.client().v1.webhook_endpoints.create(
        {
            "url": receiver.url + "/hook",
            "enabled_events": ["customer.created"],
            "description": "mine",
        }
    )
    desk.customer()
    events = desk.client().v1.events
    missed = eventually(lambda: events.list({"delivery_success": False}).data)
    desk.act("resend_event", event=missed[0].id)
    assert eventually(lambda: not events.list({"delivery_success": False}).data)
