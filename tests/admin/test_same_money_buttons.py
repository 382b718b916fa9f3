"""Whether a payment in FreshBooks is Stripe's own money is decided wherever somebody meets it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from connector.models import CollectedPayment, OutsidePayment
from tenants.scope import every_tenant
from tests.admin.test_buttons import CONFIRM, entries, list_of, page_of, url_of
from tests.admin.world import World
from tests.factories import unique_number

SignedIn = Callable[[str], Client]
REASON = CONFIRM | {"reason": "It is on the bank's page."}


@pytest.fixture
def twin(world: World) -> OutsidePayment:
    """A payment in FreshBooks that may be the world's Stripe payment."""
    paid = world.payment
    assert paid.paid_at is not None
    with every_tenant():
        world.discrepancy.invoice = world.invoice
        world.discrepancy.save()
        row: OutsidePayment = OutsidePayment.objects.create(
            tenant=world.tenant,
            invoice=world.invoice,
            freshbooks_payment_id=unique_number(),
            amount_minor=paid.amount_minor,
            currency=paid.currency,
            paid_on=paid.paid_at.date(),
            type="Cash",
            reporting="needs_you",
            reason="It may be the same money.",
        )
    return row


def again(row: Any) -> Any:
    with every_tenant():
        return type(row).objects.get(pk=row.pk)


@pytest.mark.parametrize("place", ["invoice", "payment", "discrepancy"])
@pytest.mark.parametrize("button", ["same_money", "other_money"])
def test_it_is_decided_where_it_is_met(
    world: World, twin: OutsidePayment, signed_in: SignedIn, place: str, button: str
) -> None:
    row = getattr(world, place)
    finance = signed_in("finance")
    assert url_of(row, button) in finance.get(page_of(row)).content.decode()
    for role in ("support", "staff"):
        assert signed_in(role).post(url_of(row, button), REASON).status_code == 403
    assert finance.post(url_of(row, button), CONFIRM).status_code == 200, "it asks for a reason"
    assert not again(twin).is_decided
    assert finance.post(url_of(row, button), REASON).status_code == 302
    decided = again(twin)
    same = world.payment.pk if button == "same_money" else None
    assert decided.same_money_as_id == same
    assert decided.other_money == (button == "other_money")
    assert (decided.decided_by, decided.decided_because) == ("fin", REASON["reason"])
    (entry,) = entries(f"outside_payment.said_{button}")
    assert (entry.tenant_id, entry.actor) == (world.tenant.pk, "fin")
    assert url_of(row, button) not in finance.get(page_of(row)).content.decode(), "it is answered"


def test_the_page_of_the_payment_asks_which_and_tells_who_said_so(
    world: World, twin: OutsidePayment, signed_in: SignedIn
) -> None:
    browser = signed_in("finance")
    asked = browser.get(url_of(twin, "same_money")).content.decode()
    assert world.payment.stripe_payment_intent_id in asked
    wrong = browser.post(url_of(twin, "same_money"), REASON | {"choice": "0"})
    assert (wrong.status_code, again(twin).is_decided) == (200, False)
    chosen = REASON | {"choice": str(world.payment.pk)}
    assert browser.post(url_of(twin, "same_money"), chosen).status_code == 302
    told = browser.get(page_of(twin)).content.decode()
    assert "the same money as Stripe" in told
    assert REASON["reason"].replace("'", "&#x27;") in told
    assert again(world.payment).recording == CollectedPayment.Recording.BY_HAND
    assert browser.post(url_of(twin, "undecide"), REASON).status_code == 302
    assert not again(twin).is_decided
    assert len(entries("outside_payment.decision_taken_back")) == 1


def test_in_the_list_what_is_beyond_doubt_is_decided(
    world: World, twin: OutsidePayment, signed_in: SignedIn
) -> None:
    with every_tenant():
        everything = list(OutsidePayment.objects.values_list("pk", flat=True))
    data = {"action": "same_money", "_selected_action": everything}
    assert signed_in("support").post(list_of(twin), data).status_code == 403
    assert signed_in("finance").post(list_of(twin), data).status_code == 302
    with every_tenant():
        decided = OutsidePayment.objects.filter(same_money_as__isnull=False)
        assert list(decided.values_list("pk", "same_money_as")) == [(twin.pk, world.payment.pk)]


@pytest.mark.parametrize("button", ["same_money", "other_money"])
def test_the_list_shows_which_ones_are_decided(
    world: World, twin: OutsidePayment, signed_in: SignedIn, button: str
) -> None:
    finance = signed_in("finance")
    badge = f">{button.replace('_', ' ')}</span>"
    assert badge not in finance.get(list_of(twin)).content.decode()
    assert finance.post(url_of(world.payment, button), REASON).status_code == 302
    assert badge in finance.get(list_of(twin)).content.decode()
