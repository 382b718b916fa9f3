"""What the simulated Stripe promises to other tests: verbs, switches, state, derived files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.stripe.acts import ACTS
from sandbox.stripe.resources.registry import OPERATIONS
from sandbox.stripe.spec.derive import as_text, derive
from sandbox.stripe.switches import SWITCHES
from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.stripe_desk import SPEC, Desk, description, lent_desk

DERIVED = Path(derive.__code__.co_filename).parent / "operations.json"


@pytest.fixture
def desk(sandbox_process: SandboxProcess) -> Iterator[Desk]:
    yield from lent_desk(sandbox_process.stripe.url)


def test_what_the_simulator_takes_is_cut_from_the_published_types() -> None:
    assert DERIVED.read_text(encoding="utf-8") == as_text(derive(description()))
    assert SPEC.exists()


def test_every_answered_call_is_a_published_one() -> None:
    published = {
        (method.upper(), path)
        for path, methods in description()["paths"].items()
        for method in methods
    }
    answered = [(operation.method, operation.path) for operation in OPERATIONS]
    assert set(answered) <= published
    assert len(answered) == len(set(answered))


def test_every_switch_can_be_turned_and_nothing_else(desk: Desk) -> None:
    for name, answers in SWITCHES.items():
        for answer in answers[::-1]:
            desk.switch(**{name: answer})
    assert desk.state()["switches"] == {name: answers[0] for name, answers in SWITCHES.items()}
    bad = {"void_uncollectible": "perhaps"}
    refused = requests.post(f"{desk.url}/_sandbox/switches", json=bad, timeout=60)
    assert (refused.status_code, "allowed" in refused.text) == (400, True)


@pytest.mark.parametrize("verb", sorted(set(ACTS) - {"create_account"}))
def test_verbs_refuse_what_makes_no_sense(desk: Desk, verb: str) -> None:
    assert "acct_no" in desk.refused_act(verb, account_id="acct_no")


def test_unknown_verbs_and_missing_arguments_are_explained(desk: Desk) -> None:
    assert "pay_invoice" in desk.refused_act("fly")
    assert "invoice" in desk.refused_act("pay_invoice")
    assert "No such invoice" in desk.refused_act("pay_invoice", invoice="in_no")
    invoice = desk.open_invoice()
    assert "whole number" in desk.refused_act("pay_invoice", invoice=invoice.id, amount=1.5)
    assert "method" in desk.refused_act("pay_invoice", invoice=invoice.id, method="shells")
    assert "at least" in desk.refused_act("pay_invoice", invoice=invoice.id, amount=3)
    assert "revoked or expired" in desk.refused_act("revoke_key", how="eaten")


def test_the_dashboard_changes_what_the_connector_did_not(desk: Desk) -> None:
    customer = desk.customer().id
    foreign = desk.act("create_invoice", customer=customer, amount=4200, currency="eur")
    assert (foreign["status"], foreign["total"]) == ("open", 4200)
    changed = desk.act(
        "edit_invoice_metadata", invoice=foreign["id"], metadata={"fb_invoice_id": "9"}
    )
    assert changed["metadata"] == {"fb_invoice_id": "9"}
    gone = desk.act("mark_uncollectible", invoice=foreign["id"])
    assert gone["status"] == "uncollectible"
    assert desk.act("delete_customer", customer=customer)["deleted"] is True


def test_the_state_is_json_and_reset_empties_it(desk: Desk) -> None:
    desk.open_invoice()
    book = desk.book()
    assert {"customers", "invoices", "events", "lines", "emails", "keys"} <= set(book)
    assert json.dumps(book)
    desk.control("reset")
    assert desk.state()["accounts"] == []


def test_amounts_are_never_floats(desk: Desk) -> None:
    desk.act("pay_invoice", invoice=desk.open_invoice().id)
    desk.advance(5)
    found: list[str] = []

    def look(value: Any, path: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                look(inner, f"{path}.{key}")
        elif isinstance(value, list):
            for inner in value:
                look(inner, path)
        elif isinstance(value, float):
            found.append(path)

    look(desk.book(), "")
    assert found == []


def test_prices_and_tax_rates_can_be_made_beforehand(desk: Desk) -> None:
    client = desk.client()
    product = client.v1.products.create({"name": "Hours", "unit_label": "hour"})
    price = client.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": 8000})
    invoice = desk.draft()
    changed = client.v1.invoices.add_lines(
        invoice.id, {"lines": [{"pricing": {"price": price.id}, "quantity": 2}]}
    )
    assert (changed.total, changed.lines.data[0].description) == (16_000, "Hours")
    assert client.v1.products.update(product.id, {"active": False}).active is False
    rate = client.v1.tax_rates.create({"display_name": "A", "percentage": 1, "inclusive": False})
    assert client.v1.tax_rates.update(rate.id, {"active": False}).active is False
    assert client.v1.prices.retrieve(price.id).unit_amount == 8000
