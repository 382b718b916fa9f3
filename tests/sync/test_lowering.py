"""Approve mode: FreshBooks follows money that went back once somebody says so."""

from __future__ import annotations

import pytest

from connector import decisions
from connector.models import CollectedPayment
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop, cause


@pytest.fixture
def asking(shop: Shop) -> Shop:
    """A tenant whose people confirm each payment."""
    mode(shop, "approve")
    return shop


def mode(shop: Shop, payment_mode: str) -> None:
    type(shop.tenant).objects.filter(pk=shop.tenant.pk).update(payment_mode=payment_mode)


def recorded(shop: Shop) -> tuple[int, str]:
    """An invoice of 100.00 that was paid and recorded, and its PaymentIntent."""
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    paid = shop.pay(invoice)
    shop.sync(invoice)
    with tenant_scope(shop.tenant.pk):
        ids = list(CollectedPayment.objects.values_list("pk", flat=True))
        decisions.approve_payments(ids, cause=cause())
    shop.settle()
    return invoice, str(paid["payment_intent"])


def approve(shop: Shop) -> int:
    with tenant_scope(shop.tenant.pk):
        ids = list(CollectedPayment.objects.values_list("pk", flat=True))
        return decisions.approve_lowering(ids, cause=cause())


def amounts(shop: Shop, invoice: int) -> list[str]:
    return [row["amount"]["amount"] for row in shop.fb_payments(invoice)]


def test_a_refund_is_proposed_and_followed_once_approved(asking: Shop) -> None:
    invoice, intent = recorded(asking)
    assert approve(asking) == 0, "nothing went back"
    asking.st("refund", payment_intent=intent, amount=3000)
    for _ in range(2):
        asking.sync(invoice)
    (row,) = asking.collected(invoice)
    assert (row.lowering_proposed_minor, row.waits_for_lowering) == (7000, True)
    assert amounts(asking, invoice) == ["100.00"], "nobody allowed it yet"
    assert asking.audited(f"invoice:{invoice}").count("payment.lowering_proposed") == 1
    assert approve(asking) == 1
    assert approve(asking) == 0, "approved already"
    asking.settle()
    assert amounts(asking, invoice) == ["70.00"]
    (row,) = asking.collected(invoice)
    assert (row.lowering_proposed_minor, row.lowering_approved_by) == (None, "test")
    assert "payment.lowering_approved" in asking.audited(f"invoice:{invoice}")


def test_more_that_goes_back_after_the_word_is_asked_for_again(asking: Shop) -> None:
    invoice, intent = recorded(asking)
    asking.st("refund", payment_intent=intent, amount=3000)
    asking.sync(invoice)
    assert approve(asking) == 1
    asking.st("refund", payment_intent=intent, amount=7000)
    asking.sync(invoice)
    assert amounts(asking, invoice) == ["100.00"], "removing it was not approved"
    (row,) = asking.collected(invoice)
    assert (row.lowering_proposed_minor, row.waits_for_lowering) == (0, True)
    assert approve(asking) == 1
    asking.settle()
    assert amounts(asking, invoice) == []
    assert [row.recording for row in asking.collected(invoice)] == ["taken_back"]


def test_a_lost_dispute_is_proposed(asking: Shop) -> None:
    invoice, _ = recorded(asking)
    (row,) = asking.collected(invoice)
    dispute = asking.st("dispute", charge=row.stripe_charge_id)
    asking.sync(invoice)
    (row,) = asking.collected(invoice)
    assert (row.lowering_proposed_minor, asking.link(invoice).collection_status) == (
        None,
        "disputed",
    )
    asking.st("lose_dispute", dispute=dispute["id"])
    asking.sync(invoice)
    (row,) = asking.collected(invoice)
    assert row.lowering_proposed_minor == 0


def test_a_refund_that_fails_takes_the_proposal_back(asking: Shop) -> None:
    invoice, intent = recorded(asking)
    refund = asking.st("refund", payment_intent=intent, amount=3000)
    asking.sync(invoice)
    asking.st("fail_refund", refund=refund["id"])
    asking.sync(invoice)
    (row,) = asking.collected(invoice)
    assert row.lowering_proposed_minor is None
    assert approve(asking) == 0
    assert amounts(asking, invoice) == ["100.00"]


def test_who_only_observes_is_not_asked_and_nothing_is_written(asking: Shop) -> None:
    invoice, intent = recorded(asking)
    asking.st("refund", payment_intent=intent, amount=3000)
    asking.sync(invoice)
    mode(asking, "observe")
    assert approve(asking) == 0
    asking.sync(invoice)
    (row,) = asking.collected(invoice)
    assert row.lowering_proposed_minor is None
    assert amounts(asking, invoice) == ["100.00"]
