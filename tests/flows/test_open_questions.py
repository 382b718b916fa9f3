"""The whole way of an invoice where the vendors' documentation is silent, under the other answers.

All answers but the defaults, dealt into two bundles, each with a new tenant of the running system;
the defaults are what every other flow test runs under. `tests/conformance/test_switches.py` plays
more business under the same answers, in one process.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.freshbooks.switches import SWITCHES as FRESHBOOKS
from sandbox.stripe.switches import SWITCHES as STRIPE
from tests.flows.running import FlowShop, System

Chosen = tuple[str, str, str]
BUNDLES = 2
PLAYED_ELSEWHERE = {"rate_limit", "endpoint_rate_limit"}
"""Long waiting, which test_switches skips with the vendors' clock; test_trouble has bursts of 429."""
ANSWERS: list[Chosen] = [
    (vendor, switch, answer)
    for vendor, switches in (("freshbooks", FRESHBOOKS), ("stripe", STRIPE))
    for switch, answers in switches.items()
    for answer in answers[1:]
    if switch not in PLAYED_ELSEWHERE
]
# Every second answer together: two answers of one switch are never in the same bundle.
DEALS = [ANSWERS[number::BUNDLES] for number in range(BUNDLES)]


@pytest.fixture
def switched(system: System, request: pytest.FixtureRequest) -> Iterator[None]:
    """The bundle's answers at both vendors; the defaults again afterwards."""
    for vendor, switches in (("freshbooks", FRESHBOOKS), ("stripe", STRIPE)):
        chosen = {switch: answer for whose, switch, answer in request.param if whose == vendor}
        getattr(system, vendor).switch(**chosen)
        assert chosen.items() <= getattr(system, vendor).state()["switches"].items()
        assert chosen.keys() <= switches.keys()
    yield
    system.freshbooks.switch(**{switch: answers[0] for switch, answers in FRESHBOOKS.items()})
    system.stripe.switch(**{switch: answers[0] for switch, answers in STRIPE.items()})


def test_every_other_answer_is_in_one_bundle() -> None:
    dealt = [one for deal in DEALS for one in deal]
    assert sorted(dealt) == sorted(ANSWERS)
    for deal in DEALS:
        assert len({(vendor, switch) for vendor, switch, _ in deal}) == len(deal)


@pytest.mark.parametrize("switched", DEALS, indirect=True, ids=lambda deal: f"{deal[0][1]}-etc")
def test_invoices_are_collected_and_recorded_under_the_other_answers(
    system: System, switched: None
) -> None:
    shop = system.open_shop()  # by OAuth, with webhooks registered and confirmed at both vendors
    client = shop.client()
    paid, cheque, edited, deleted, refunded = invoices = [
        shop.invoice(f"{tens}.00", client=client) for tens in (10, 20, 30, 40, 50)
    ]
    shop.wait_open(*invoices)
    shop.pay(paid)
    shop.pay(refunded)
    shop.cheque(cheque, "20.00")
    shop.edit(edited, "33.00")
    shop.fb("delete_invoice", id=deleted)
    shop.wait_recorded(paid, refunded)
    shop.st("refund", charge=charge_of(shop, refunded), amount=2000)
    shop.wait_for(lambda: recorded(shop, refunded) == ["30.00"], "the refund to be in FreshBooks")
    shop.wait_for(lambda: shop.statuses(edited) == ["void", "open"], "the edit")
    shop.wait_for(lambda: shop.statuses(deleted) == ["void"], "the deleted one to be void")
    shop.wait_for(lambda: shop.statuses(cheque) == ["paid"], "the cheque to be in Stripe")
    shop.pay(edited)
    shop.wait_recorded(edited)
    shop.wait_quiet()
    assert recorded(shop, paid) == ["10.00"]
    assert recorded(shop, cheque) == ["20.00"], "the cheque itself, and no payment of ours"
    assert recorded(shop, edited) == ["33.00"]
    shop.nothing_doubled([paid, edited, refunded])
    assert shop.rows("connector_syncjob", "state IN ('dead', 'held')") == []


def charge_of(shop: FlowShop, invoice_id: int) -> str:
    """The charge that paid the Stripe invoice of this invoice."""
    (total,) = {row["total"] for row in shop.st_invoices(invoice_id)}
    (charge,) = (row["id"] for row in shop.st_book()["charges"] if row["amount"] == total)
    return str(charge)


def recorded(shop: FlowShop, invoice_id: int) -> list[str]:
    """Amounts of the living payments on an invoice in FreshBooks."""
    return [row["amount"]["amount"] for row in shop.fb_payments(invoice_id)]
