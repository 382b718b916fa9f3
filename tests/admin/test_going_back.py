"""Money that went back: said in plain words, and FreshBooks follows on a person's word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from connector.admin.display import NOTHING
from connector.admin.payments import proposal, went_back
from connector.models import CollectedPayment, InvoiceLink, SyncJob
from tenants.scope import every_tenant
from tests.admin.test_buttons import CONFIRM, list_of, page_of, url_of
from tests.admin.world import World

SignedIn = Callable[[str], Client]
DUE = datetime(2026, 12, 5, 18, 30, tzinfo=UTC)


@pytest.fixture
def refunded(world: World) -> CollectedPayment:
    """A recorded payment of which 26.90 went back, and that FreshBooks still shows in full."""
    row = world.payment
    with every_tenant():
        row.recording = CollectedPayment.Recording.RECORDED
        row.freshbooks_payment_id, row.freshbooks_amount_minor = 771405, row.amount_minor
        row.refunded_minor = 2690
        row.lowering_proposed_minor = row.kept_minor
        row.save()
        InvoiceLink.objects.filter(pk=row.invoice_id).update(
            returned_minor=2690, dispute_due_at=DUE
        )
    return row


def payment(**fields: object) -> CollectedPayment:
    return CollectedPayment(**{"amount_minor": 5000, "currency": "CAD"} | fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, NOTHING),
        ({"refunded_minor": 1250}, "CAD 12.50 refunded"),
        ({"refunded_minor": 5000}, "CAD 50.00 refunded (all)"),
        (
            {"dispute_status": "needs_response", "disputed_minor": 5000, "dispute_due_at": DUE},
            "CAD 50.00 disputed (needs response), answer it by 2026-12-05 18:30:00 UTC",
        ),
        ({"dispute_status": "lost", "disputed_minor": 5000}, "CAD 50.00 lost to a dispute"),
        ({"dispute_status": "won"}, "dispute over (won)"),
        ({"dispute_status": "warning_closed"}, "dispute over (warning closed)"),
    ],
)
def test_what_went_back_is_said_in_words(fields: dict[str, object], words: str) -> None:
    assert went_back(payment(**fields)) == words


def test_what_freshbooks_should_do_is_said_in_words() -> None:
    assert proposal(payment()) == NOTHING
    assert proposal(payment(lowering_proposed_minor=0)) == "remove the payment (waits for approval)"
    approved = payment(lowering_proposed_minor=3750, lowering_approved_to_minor=3750)
    assert proposal(approved) == "show CAD 37.50 (approved, being done)"


def test_a_person_lets_freshbooks_follow(
    world: World, signed_in: SignedIn, refunded: CollectedPayment
) -> None:
    finance = signed_in("finance")
    assert "Let FreshBooks follow" in finance.get(page_of(refunded)).content.decode()
    finance.post(url_of(refunded, "follow"), CONFIRM)
    with every_tenant():
        row = CollectedPayment.objects.get(pk=refunded.pk)
        jobs = SyncJob.objects.filter(
            kind="sync_invoice", subject=str(world.invoice.freshbooks_invoice_id)
        )
        assert jobs.exists()
    assert row.lowering_approved_to_minor == refunded.kept_minor
    assert row.lowering_approved_by
    assert "Let FreshBooks follow" not in finance.get(page_of(refunded)).content.decode()


def test_many_at_once_and_only_by_those_who_may(
    signed_in: SignedIn, refunded: CollectedPayment
) -> None:
    chosen = {"action": "follow", "_selected_action": [refunded.pk]}
    assert signed_in("support").post(list_of(refunded), chosen).status_code == 403
    signed_in("finance").post(list_of(refunded), chosen)
    with every_tenant():
        assert CollectedPayment.objects.get(pk=refunded.pk).lowering_approved_by


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"follow": "waits"}, True),
        ({"follow": "any"}, True),
        ({"dispute": "any"}, False),
        ({"dispute": "open"}, False),
        ({"dispute": "lost"}, False),
    ],
)
def test_lists_find_it(
    signed_in: SignedIn, refunded: CollectedPayment, query: dict[str, str], shown: bool
) -> None:
    text = signed_in("finance").get(list_of(refunded), query).content.decode()
    assert ("CAD 26.90 refunded" in text) is shown


def test_the_invoice_and_the_first_page_show_it(
    world: World, signed_in: SignedIn, refunded: CollectedPayment
) -> None:
    finance = signed_in("finance")
    told = finance.get(page_of(world.invoice)).content.decode()
    for words in ("CAD 26.90 refunded", "FreshBooks should show CAD 1,000.00", "2026-12-05 18:30"):
        assert words in told
    assert "Of it went back" in told
    listed = finance.get(list_of(world.invoice)).content.decode()
    assert "CAD 26.90" in listed
    assert "2026-12-05 18:30 UTC" in listed
    first = finance.get(reverse("admin:index")).content.decode()
    assert "To lower" in first
    assert "follow=waits" in first
