"""Unmatched money: what the list and the page say, and what the page's forms do and refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from audit.models import AuditEntry
from connector.models import Allocation, InvoiceLink, StrayPayment, SyncJob
from tenants.scope import every_tenant
from tests.admin.stray_rows import make_stray
from tests.admin.world import World

SignedIn = Callable[[str], Client]
LIST = "/admin/connector/straypayment/"


def page_of(stray: StrayPayment) -> str:
    return reverse("admin:connector_straypayment_change", args=[stray.pk])


def decide(browser: Client, stray: StrayPayment, do: str, **form: Any) -> str:
    """Send a form of the page; answer what is said afterwards."""
    url = reverse("admin:connector_straypayment_decide", args=[stray.pk])
    answer = browser.post(url, {"do": do, **form})
    assert (answer.status_code, answer["Location"]) == (302, page_of(stray))
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def again(stray: StrayPayment) -> StrayPayment:
    with every_tenant():
        row: StrayPayment = StrayPayment.objects.get(pk=stray.pk)
        return row


def matches() -> list[tuple[str, int, bool]]:
    with every_tenant():
        rows = Allocation.objects.select_related("invoice").order_by("pk")
        return [(row.invoice.number, row.amount_minor, row.undone_at is None) for row in rows]


def parts(stray: StrayPayment) -> str:
    found = stray.suggestions[0]["parts"]
    return ",".join(f"{part['invoice']}:{part['amount_minor']}" for part in found)


def test_the_list_says_in_words_what_a_payment_may_be_for(
    world: World, signed_in: SignedIn
) -> None:
    page = signed_in("finance").get(LIST).content.decode()
    assert "INV-0003: the one exact fit." in page
    assert "CAD 1,223.80" in page
    assert "Haddad &amp; Sons" in page


def test_the_page_shows_evidence_and_rivals(world: World, signed_in: SignedIn) -> None:
    with every_tenant():
        twin = InvoiceLink.objects.get(pk=world.invoice.pk)
        rows = InvoiceLink.objects.filter(tenant=world.tenant, number="INV-0003")
        rows.update(client=world.stray.client)
        twin.client, twin.number = world.stray.client, "INV-0009"
        twin.freshbooks_outstanding_minor = world.stray.amount_minor + twin.freshbooks_total_minor
        twin.save()
    with every_tenant():
        stray = make_stray(rows.get())
    page = signed_in("finance").get(page_of(stray)).content.decode()
    assert "Paid by the Stripe customer of Client 3 of Maple Joinery." in page
    assert "As good or better: INV-0009" in page
    assert "The one exact fit" not in page


def test_accepting_matches_and_queues_the_invoice(world: World, signed_in: SignedIn) -> None:
    browser = signed_in("finance")
    assert "Matched to 1 invoice." in decide(
        browser, world.stray, "accept", parts=parts(world.stray)
    )
    assert matches() == [("INV-0003", 122380, True)]
    stray = again(world.stray)
    assert (stray.state, stray.decided_by) == ("matched", "fin")
    with every_tenant():
        (job,) = SyncJob.objects.filter(kind="sync_invoice", state="queued")
        (entry,) = AuditEntry.objects.filter(action="money.matched")
    assert (job.priority, job.actor, entry.actor) == (5, "fin", "fin")
    page = browser.get(page_of(stray)).content.decode()
    assert "Waits for its turn" in page
    assert "Take it back" in page
    assert "Choose yourself" not in page


def test_a_suggestion_that_changed_is_not_accepted(world: World, signed_in: SignedIn) -> None:
    said = decide(signed_in("finance"), world.stray, "accept", parts=f"{world.invoice.pk}:100")
    assert "has changed since you looked" in said
    assert matches() == []


def test_a_payment_is_split_over_lines(world: World, signed_in: SignedIn) -> None:
    browser = signed_in("finance")
    form = {"invoice": ["INV-0003", "inv-0002", ""], "amount": ["1,000.00", "23.80", ""]}
    assert "Matched to 2 invoices." in decide(browser, world.stray, "match", **form)
    assert matches() == [("INV-0003", 100000, True), ("INV-0002", 2380, True)]
    assert again(world.stray).state == "partly"
    assert "CAD 200.00" in browser.get(page_of(world.stray)).content.decode()
    titles = [row["title"] for row in again(world.stray).suggestions]
    assert "INV-0003" not in titles, "what it is matched to already is not suggested once more"


@pytest.mark.parametrize(
    ("invoice", "amount", "why"),
    [
        ("", "1", "at least one invoice"),
        ("INV-404", "1", "no invoice"),
        ("INV-0003", "", "not a plain decimal"),
        ("INV-0003", "1.005", "decimal places"),
        ("INV-0003", "-1", "above zero"),
        ("INV-0003", "9999", "outstanding"),
    ],
)
def test_what_cannot_be_matched_is_said(
    world: World, signed_in: SignedIn, invoice: str, amount: str, why: str
) -> None:
    said = decide(signed_in("finance"), world.stray, "match", invoice=invoice, amount=amount)
    assert why in said
    assert matches() == []
    assert again(world.stray).state == "unmatched"


def test_a_match_is_taken_back_with_a_reason(world: World, signed_in: SignedIn) -> None:
    browser = signed_in("finance")
    decide(browser, world.stray, "accept", parts=parts(world.stray))
    with every_tenant():
        (made,) = Allocation.objects.all()
    assert "Say why" in decide(browser, world.stray, "undo", allocation=made.pk, because=" ")
    assert matches() == [("INV-0003", 122380, True)]
    said = decide(browser, world.stray, "undo", allocation=made.pk, because="Wrong client.")
    assert "taken back" in said
    assert matches() == [("INV-0003", 122380, False)]
    assert again(world.stray).state == "unmatched"
    assert "Wrong client." in browser.get(page_of(world.stray)).content.decode()


def test_a_match_of_another_payment_is_not_taken_back(
    two_worlds: tuple[World, World], signed_in: SignedIn
) -> None:
    browser = signed_in("finance")
    mine, other = two_worlds
    decide(browser, other.stray, "accept", parts=parts(other.stray))
    with every_tenant():
        (made,) = Allocation.objects.all()
    assert "no such match" in decide(browser, mine.stray, "undo", allocation=made.pk, because="x")
    assert matches() == [("INV-0003", 122380, True)]


@pytest.mark.parametrize("role", ["support", "staff"])
def test_only_those_who_may_match_decide(world: World, signed_in: SignedIn, role: str) -> None:
    url = reverse("admin:connector_straypayment_decide", args=[world.stray.pk])
    form = {"do": "accept", "parts": parts(world.stray)}
    assert signed_in(role).post(url, form).status_code == 403
    assert signed_in("finance").get(url).status_code == 404
    assert matches() == []
    if role == "support":
        assert "Choose yourself" not in signed_in(role).get(page_of(world.stray)).content.decode()


def test_money_that_stripe_holds_is_shown_without_a_form(world: World, signed_in: SignedIn) -> None:
    with every_tenant():
        held = make_stray(world.invoice, via=StrayPayment.Via.CASH_BALANCE, amount_minor=700)
    browser = signed_in("finance")
    page = browser.get(page_of(held)).content.decode()
    assert "still the customer" in page
    assert "Choose yourself" not in page
    said = decide(browser, held, "match", invoice="INV-0003", amount="1")
    assert "Stripe holds it" in said


def test_the_sidebar_counts_what_waits(world: World, signed_in: SignedIn) -> None:
    page = signed_in("finance").get("/admin/").content.decode()
    assert "Unmatched money" in page
    assert "/admin/connector/straypayment/?state__exact=unmatched" in page


@pytest.mark.parametrize(("origin", "count"), [("none", 2), ("foreign", 0), ("held", 0)])
def test_the_filter_by_origin(
    two_worlds: Any, signed_in: SignedIn, origin: str, count: int
) -> None:
    page = signed_in("finance").get(LIST, {"origin": origin}).content.decode()
    assert page.count("Haddad &amp; Sons") == count
