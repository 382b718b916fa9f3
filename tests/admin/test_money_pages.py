"""The journal, the movements of Stripe's balance and the payouts, as staff see them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.test import Client
from django.urls import reverse

from connector.models import BalanceMovement, MoneyFact, Payout
from tenants.scope import every_tenant
from tests.admin.world import World

SignedIn = Callable[[str], Client]


def page(browser: Client, row: Any) -> str:
    meta = row._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return plain(browser.get(url).content.decode())


def listed(browser: Client, model: Any, **query: str) -> str:
    meta = model._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    return plain(browser.get(url, query).content.decode())


def plain(html: str) -> str:
    """The words of a page, tags and runs of blanks taken out."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_an_invoice_shows_its_facts_with_what_was_kept_after_each(
    world: World, signed_in: SignedIn
) -> None:
    text = page(signed_in("finance"), world.invoice)
    story = text[text.index("Kept so far") :]
    for line in (
        "Collected CAD 1,026.90 CAD 1,026.90",
        "Settled: fee and rate known – USD 749.64 USD 22.04",
        "Refunded −CAD 26.90 CAD 1,000.00",
    ):
        assert line in story
    assert story.index("Collected") < story.index("Settled:") < story.index("Refunded")


def test_a_payout_shows_what_it_is_made_of_to_the_cent(world: World, signed_in: SignedIn) -> None:
    with every_tenant():
        payout = Payout.objects.get(tenant=world.tenant)
    text = page(signed_in("finance"), payout)
    for line in (
        "charge 1 USD 749.64 USD 22.04 USD 727.60",
        "refund 1 −USD 19.64 USD 0.00 −USD 19.64",
        "reserve hold 1 −USD 15.00 USD 0.00 −USD 15.00",
        "stripe fee 1 −USD 2.99 USD 0.00 −USD 2.99",
        "Net of all movements USD 689.97",
        "Paid out USD 689.97",
        "Not explained USD 0.00",
    ):
        assert line in text


def test_what_is_missing_in_a_payout_is_shown(world: World, signed_in: SignedIn) -> None:
    with every_tenant():
        payout = Payout.objects.get(tenant=world.tenant)
        BalanceMovement.objects.filter(tenant=world.tenant, type="stripe_fee").delete()
    assert "Not explained −USD 2.99" in page(signed_in("finance"), payout)


def test_a_manual_payout_says_that_nobody_can_tell(world: World, signed_in: SignedIn) -> None:
    with every_tenant():
        payout = Payout.objects.get(tenant=world.tenant)
        Payout.objects.update(automatic=False, movements_read_at=None)
    browser = signed_in("finance")
    assert "Stripe does not tell which movements" in page(browser, payout)
    assert "manual" in listed(browser, Payout)
    with every_tenant():
        Payout.objects.update(automatic=True)
    assert "Stripe has not told yet." in page(browser, payout)


def test_a_movement_leads_to_its_invoice_and_payment(world: World, signed_in: SignedIn) -> None:
    with every_tenant():
        charge = BalanceMovement.objects.get(tenant=world.tenant, type="charge")
        fee = BalanceMovement.objects.get(tenant=world.tenant, type="stripe_fee")
    browser = signed_in("finance")
    text = page(browser, charge)
    assert f"Invoice {world.invoice}" in text
    assert f"Payment {world.payment.stripe_payment_intent_id}" in text
    assert "Exchange rate 0.73" in text
    assert "Invoice –" in page(browser, fee)


def test_the_journal_is_found_by_ids_and_filtered_by_kind(
    world: World, signed_in: SignedIn
) -> None:
    browser = signed_in("finance")
    by_payment = listed(browser, MoneyFact, q=world.payment.stripe_payment_intent_id)
    assert by_payment.count(str(world.invoice)) == 3
    with every_tenant():
        fact = MoneyFact.objects.get(tenant=world.tenant, kind="settled")
    text = page(browser, fact)
    assert "Exchange rate 0.73" in text
    assert "Settled USD 749.64" in text
    refunds = listed(browser, MoneyFact, kind__exact="refunded")
    assert "−CAD 26.90" in refunds
    assert "CAD 1,026.90" not in refunds


def test_a_movement_whose_payment_is_not_known_says_so(world: World, signed_in: SignedIn) -> None:
    with every_tenant():
        BalanceMovement.objects.filter(tenant=world.tenant, type="charge").update(
            payment_id="", unresolved=True
        )
    text = listed(signed_in("finance"), BalanceMovement, unresolved__exact="1")
    assert text.count("being looked up") == 1
