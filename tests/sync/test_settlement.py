"""What Stripe's balance did: fees, rates, payouts, and money that no event told us of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from audit.models import AuditEntry
from audit.recording import read_details
from connector import schedule
from connector.jobs import kinds
from connector.models import BalanceMovement, MoneyFact, Payout, PollFeed, SyncJob
from connector.vendors.stripe.records import UnreadableObject
from tenants.models import StripeConnection
from tenants.scope import every_tenant, tenant_scope
from tests.pipeline.interference import KillAt, interfering, recover, run_killed
from tests.pipeline.shop import Shop
from tests.sync.matching_steps import match

DAY_S = 86_400
LISTS = "GET /v1/balance_transactions"
SOME_DAYS = 3 * DAY_S  # until charges can be paid out


@pytest.fixture(autouse=True)
def _real_time_afterwards(shop: Shop) -> Iterator[None]:
    yield
    shop.stripe.control("POST", "clock", {"reset": True})


@pytest.fixture
def paid(shop: Shop) -> int:
    """An invoice of CAD 100.00, paid by card and recorded; the fee is known."""
    return pay(shop, shop.invoice("100.00"))


def pay(shop: Shop, invoice: int) -> int:
    shop.stripe.switch(balance_transaction="at_once")
    shop.sync(invoice)
    shop.pay(invoice)
    shop.sync(invoice)
    return invoice


def read_money(shop: Shop) -> SyncJob:
    """One look at the balance, and all that follows; no event is read."""
    job_id = shop.enqueue(kinds.POLL_MONEY)
    shop.settle()
    return shop.job(job_id)


def calls(shop: Shop, *since: dict[str, int]) -> dict[str, int]:
    """Calls to Stripe by route; since an earlier count, only what was added."""
    now: dict[str, int] = Counter()
    for row in shop.stripe.calls()["calls"]:
        now[f"{row['method']} {row['route']}"] += row["count"]
    before = since[0] if since else {}
    return {route: n - before.get(route, 0) for route, n in now.items() if n > before.get(route, 0)}


def facts(shop: Shop, invoice: int | None, kind: str = "settled") -> list[MoneyFact]:
    with tenant_scope(shop.tenant.pk):
        rows = MoneyFact.objects.filter(kind=kind)
        if invoice is None:
            return list(rows.filter(invoice=None).order_by("pk"))
        return list(rows.filter(invoice__freshbooks_invoice_id=invoice).order_by("pk"))


def movements(shop: Shop, **only: Any) -> list[BalanceMovement]:
    with tenant_scope(shop.tenant.pk):
        return list(BalanceMovement.objects.filter(**only).order_by("pk"))


def payouts(shop: Shop) -> list[Payout]:
    with tenant_scope(shop.tenant.pk):
        return list(Payout.objects.order_by("pk"))


def books(shop: Shop) -> list[tuple[str, int, int, int]]:
    """The movements by Stripe's own book."""
    rows = shop.st_book()["balance_transactions"]
    return sorted((row["id"], row["amount"], row["fee"], row["net"]) for row in rows)


def kept(shop: Shop) -> list[tuple[str, int, int, int]]:
    rows = movements(shop)
    return sorted((m.stripe_id, m.amount_minor, m.fee_minor, m.net_minor) for m in rows)


def charge_of(shop: Shop, invoice: int) -> str:
    return str(shop.collected(invoice)[0].stripe_charge_id)


def test_the_fee_of_a_payment_is_a_fact_of_its_invoice(shop: Shop, paid: int) -> None:
    assert read_money(shop).outcome == "1 movements, 1 settled, 0 payouts looked at, 0 taken apart"
    (fact,) = facts(shop, paid)
    assert (fact.amount_minor, fact.currency) == (0, "CAD")
    assert (fact.settlement_minor, fact.settlement_currency, fact.fee_minor) == (10000, "CAD", 320)
    assert fact.exchange_rate is None
    assert fact.payment_id == shop.collected(paid)[0].stripe_payment_intent_id
    (moved,) = movements(shop)
    assert (moved.unresolved, moved.payment_id) == (False, fact.payment_id)
    assert kept(shop) == books(shop)


def test_a_foreign_charge_has_its_rate_and_what_arrived(shop: Shop) -> None:
    invoice = pay(
        shop, shop.invoice("100.00", currency="USD", client=shop.client(currency_code="USD"))
    )
    job = read_money(shop)
    assert job.state == "done", (job.failure_message, job.outcome)
    (fact,) = facts(shop, invoice)
    (row,) = shop.st_book()["balance_transactions"]
    assert (fact.currency, fact.settlement_currency) == ("USD", "CAD")
    assert (fact.settlement_minor, fact.fee_minor) == (row["amount"], row["fee"])
    assert fact.exchange_rate == round(Decimal(str(row["exchange_rate"])), 12)
    assert round(10000 * fact.exchange_rate) == fact.settlement_minor


def test_nothing_new_costs_one_call_and_changes_nothing(shop: Shop, paid: int) -> None:
    read_money(shop)
    before, rows = calls(shop), (kept(shop), len(facts(shop, paid)), len(shop.jobs()))
    job = read_money(shop)
    assert job.outcome.startswith("0 movements, 0 settled")
    assert calls(shop, before) == {LISTS: 1}
    assert (kept(shop), len(facts(shop, paid)), len(shop.jobs()) - 1) == rows


def test_a_refund_is_found_by_the_balance_alone(shop: Shop, paid: int) -> None:
    read_money(shop)
    refund = shop.st("refund", charge=charge_of(shop, paid), amount=3000)["id"]
    read_money(shop)
    (told,) = facts(shop, paid, "refunded")
    assert (told.source_id, told.amount_minor) == (refund, -3000)
    assert [row["amount"]["amount"] for row in shop.fb_payments(paid)] == ["70.00"]
    assert [(f.settlement_minor, f.fee_minor) for f in facts(shop, paid)] == [
        (10000, 320),
        (-3000, 0),
    ]


def test_a_refund_that_fails_later_is_found_by_the_balance_alone(shop: Shop, paid: int) -> None:
    refund = shop.st("refund", charge=charge_of(shop, paid), amount=3000)["id"]
    read_money(shop)
    assert [row["amount"]["amount"] for row in shop.fb_payments(paid)] == ["70.00"]
    shop.st("fail_refund", refund=refund)
    read_money(shop)
    assert [row["amount"]["amount"] for row in shop.fb_payments(paid)] == ["100.00"]
    assert sum(fact.settlement_minor or 0 for fact in facts(shop, paid)) == 10000


def test_a_dispute_is_found_by_the_balance_alone(shop: Shop, paid: int) -> None:
    dispute = shop.st("dispute", charge=charge_of(shop, paid))["id"]
    read_money(shop)
    assert shop.link(paid).collection_status == "disputed"
    shop.st("win_dispute", dispute=dispute)
    read_money(shop)
    assert shop.link(paid).collection_status == "paid"
    assert [(f.settlement_minor, f.fee_minor) for f in facts(shop, paid)] == [
        (10000, 320),
        (-10000, 1500),
        (10000, 0),
    ]


def test_a_payment_whose_events_were_all_lost_is_found(shop: Shop) -> None:
    """Its invoice is known, the payment is not: the charge names the PaymentIntent."""
    shop.stripe.switch(balance_transaction="at_once")
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice)
    before = calls(shop)
    read_money(shop)
    assert shop.link(invoice).collection_status == "paid"
    assert len(shop.fb_payments(invoice)) == 1
    assert calls(shop, before)["GET /v1/charges/{charge}"] == 1
    assert facts(shop, invoice) == []  # the payment was not known yet
    before = calls(shop)
    read_money(shop)
    assert calls(shop, before) == {LISTS: 1}
    assert [fact.fee_minor for fact in facts(shop, invoice)] == [320]


def test_the_fee_of_a_payment_of_several_invoices_is_told_once(shop: Shop) -> None:
    shop.stripe.switch(balance_transaction="at_once")
    invoices = [shop.invoice(amount) for amount in ("60.00", "40.00")]
    for invoice in invoices:
        shop.sync(invoice)
    customer = shop.asking(invoices[0])["customer"]
    made = shop.st("create_payment", amount=10000, currency="cad", customer=customer)
    parts = zip(invoices, (6000, 4000), strict=True)
    match(shop, {"id": made["payment_intent"]}, *parts)
    read_money(shop)
    assert [row.amount_minor for i in invoices for row in shop.collected(i)] == [6000, 4000]
    assert [facts(shop, invoice) for invoice in invoices] == [[], []]
    (fact,) = facts(shop, None)
    assert (fact.payment_id, fact.fee_minor) == (made["payment_intent"], 320)


def test_money_that_moved_ends_the_quiet_of_a_tenant(shop: Shop, paid: int) -> None:
    far = timezone.now() + timedelta(days=1)
    with tenant_scope(shop.tenant.pk):
        PollFeed.objects.filter(feed="stripe").update(quiet=50, next_due_at=far)
    read_money(shop)
    with tenant_scope(shop.tenant.pk):
        feed = PollFeed.objects.get(feed="stripe")
    assert feed.quiet == 0
    assert feed.next_due_at < far


@pytest.mark.parametrize("via", ["payment_intent", "charge"])
def test_money_without_invoice_is_looked_up(shop: Shop, via: str) -> None:
    shop.stripe.switch(balance_transaction="at_once")
    made = shop.st("create_payment", amount=5000, currency="cad", via=via)
    read_money(shop)
    (asked,) = shop.jobs(kind="look_up_stripe_payment")
    assert asked.subject == made[via]
    (moved,) = movements(shop)
    assert moved.payment_id == made[via]


def test_money_from_before_the_tenant_went_live_is_kept_and_left_alone(shop: Shop) -> None:
    shop.stripe.switch(balance_transaction="at_once")
    shop.st("create_payment", amount=5000, currency="cad")
    later = timezone.now() + timedelta(days=1)
    type(shop.tenant).objects.filter(pk=shop.tenant.pk).update(live_at=later)
    shop.stripe.advance(SOME_DAYS)
    payout = shop.st("pay_out")["id"]
    read_money(shop)
    assert [(m.type, m.payout_id, m.unresolved) for m in movements(shop)] == [
        ("payout", payout, False),
        ("charge", payout, False),
    ]
    assert shop.jobs(kind="look_up_stripe_payment") == []


def test_a_payout_is_what_its_movements_come_to(shop: Shop, paid: int) -> None:
    other = pay(
        shop, shop.invoice("31.37", currency="USD", client=shop.client(currency_code="USD"))
    )
    shop.st("refund", charge=charge_of(shop, paid), amount=1234)
    shop.st("charge_fee", amount=299, description="Radar")
    shop.st("hold_reserve", amount=1500)
    shop.stripe.advance(SOME_DAYS)
    made = shop.st("pay_out")
    read_money(shop)
    (payout,) = payouts(shop)
    assert (payout.stripe_id, payout.amount_minor) == (made["id"], made["amount"])
    assert (payout.status, payout.automatic) == ("in_transit", True)
    assert payout.movements_read_at is not None
    parts = movements(shop, payout_id=made["id"])
    assert len(parts) == 6
    assert sum(part.net_minor for part in parts) == 0
    gross = [p for p in parts if p.source_id != made["id"]]
    assert sum(part.net_minor for part in gross) == payout.amount_minor
    assert sorted(part.type for part in gross) == [
        "charge",
        "charge",
        "refund",
        "reserve_hold",
        "stripe_fee",
    ]
    assert [fact.fee_minor for fact in facts(shop, other)] != []
    assert kept(shop) == books(shop)
    with tenant_scope(shop.tenant.pk):
        entry = AuditEntry.objects.get(
            tenant_id=shop.tenant.pk, action="payout.taken_apart", entity=f"payout:{made['id']}"
        )
        assert read_details(entry)["unexplained"] == "0.00 CAD"


def test_a_payout_is_followed_until_it_arrives_and_when_it_comes_back(
    shop: Shop, paid: int
) -> None:
    shop.stripe.advance(SOME_DAYS)
    made = shop.st("pay_out")["id"]
    read_money(shop)
    shop.st("settle_payout", payout=made)
    read_money(shop)
    assert [row.status for row in payouts(shop)] == ["paid"]
    before = calls(shop)
    read_money(shop)
    assert calls(shop, before) == {LISTS: 1}
    shop.st("fail_payout", payout=made)
    read_money(shop)
    assert [row.status for row in payouts(shop)] == ["failed"]
    assert [row.net_minor for row in movements(shop, type="payout_failure")] == [9680]
    assert movements(shop, type="payout_failure")[0].payout_id == ""
    before = calls(shop)
    read_money(shop)
    assert calls(shop, before) == {LISTS: 1}


def test_of_a_manual_payout_nobody_can_tell_the_parts(shop: Shop, paid: int) -> None:
    shop.stripe.advance(SOME_DAYS)
    made = shop.st("pay_out", amount=5000)
    read_money(shop)
    shop.st("settle_payout", payout=made["id"])
    before = calls(shop)
    assert read_money(shop).state == "done"
    (payout,) = payouts(shop)
    assert (payout.automatic, payout.status, payout.movements_read_at) == (False, "paid", None)
    assert [row.type for row in movements(shop, payout_id=made["id"])] == ["payout"]
    assert calls(shop, before) == {LISTS: 1, "GET /v1/payouts": 1}


def test_reserves_and_fees_belong_to_no_payment(shop: Shop) -> None:
    shop.st("charge_fee", amount=299, description="Radar")
    shop.st("hold_reserve", amount=1500)
    shop.st("release_reserve", amount=1500)
    job = read_money(shop)
    assert job.outcome.startswith("3 movements, 0 settled")
    assert sorted((m.type, m.net_minor, m.unresolved) for m in movements(shop)) == [
        ("reserve_hold", -1500, False),
        ("reserve_release", 1500, False),
        ("stripe_fee", -299, False),
    ]
    assert facts(shop, None) == []


def test_more_movements_than_a_page_are_all_kept(shop: Shop) -> None:
    for number in range(120):
        shop.st("charge_fee", amount=number + 1)
    read_money(shop)
    assert kept(shop) == books(shop)
    assert len(kept(shop)) == 120


def test_a_movement_that_cannot_be_read_holds_up_no_other_and_is_not_lost(
    shop: Shop, paid: int
) -> None:
    shop.st("charge_fee", amount=299)
    odd: list[str] = []

    def garble(name: str, call: Callable[[], Any]) -> Any:
        page = call()
        if name != "list_balance_transactions":
            return page
        odd[:] = [page.rows[0].id]
        broken = UnreadableObject(object_id=odd[0], reason="expected a currency code")
        return replace(page, rows=page.rows[1:], unreadable=(broken,))

    with interfering(shop, garble):
        job = read_money(shop)
    assert job.state == "dead"
    assert odd[0] in job.failure_message
    assert [m.type for m in movements(shop)] == ["charge"]
    assert [fact.fee_minor for fact in facts(shop, paid)] == [320]
    with tenant_scope(shop.tenant.pk):
        assert PollFeed.objects.get(feed="money").watermarks == {}
    assert read_money(shop).state == "done"
    assert kept(shop) == books(shop)


@pytest.mark.parametrize("number", range(1, 6))
def test_a_worker_that_dies_at_any_call_leaves_nothing_out(
    shop: Shop, paid: int, number: int
) -> None:
    """Calls: movements, charge, payouts, movements of the payout; the fifth is the next job's."""
    shop.st("create_payment", amount=5000, currency="cad")
    shop.stripe.advance(SOME_DAYS)
    made = shop.st("pay_out")
    shop.enqueue(kinds.POLL_MONEY)
    with interfering(shop, KillAt(number, before=False)):
        assert run_killed(shop) is (number < 5)
    recover()
    shop.settle()
    read_money(shop)
    assert kept(shop) == books(shop)
    assert sum(part.net_minor for part in movements(shop, payout_id=made["id"])) == 0
    assert len(movements(shop, payout_id=made["id"])) == 3
    assert [fact.fee_minor for fact in facts(shop, paid)] == [320]
    assert [row.movements_read_at is not None for row in payouts(shop)] == [True]
    assert len(shop.jobs(kind="look_up_stripe_payment")) == 1


def test_a_key_that_may_not_read_the_balance_stops_only_this(shop: Shop, paid: int) -> None:
    restrict(shop, "rak_customer_write", "rak_invoice_write", "rak_charge_read")
    job = read_money(shop)
    assert (job.state, job.failure_mode) == ("held", "needs_person")
    assert "Balance: read" in job.next_step
    assert "invoices and payments go on" in job.next_step


def test_a_key_that_may_not_read_payouts_stops_only_them(shop: Shop, paid: int) -> None:
    shop.stripe.switch(unnamed_permissions="enforced")
    shop.stripe.advance(SOME_DAYS)
    shop.st("pay_out")
    restrict(shop, "rak_balance_read", "rak_charge_read")
    job = read_money(shop)
    assert job.state == "held"
    assert "Payouts: read" in job.next_step
    assert kept(shop) == books(shop)
    assert [fact.fee_minor for fact in facts(shop, paid)] == [320]


def restrict(shop: Shop, *permissions: str) -> None:
    """Give the tenant a key that may do only this."""
    key = shop.st("create_restricted_key", permissions=list(permissions))["restricted_key"]
    with tenant_scope(shop.tenant.pk):
        connection = StripeConnection.objects.get()
        connection.api_key = key
        connection.save()


def test_tenants_from_before_this_feed_get_it_with_their_next_events(shop: Shop) -> None:
    now = timezone.now()
    with every_tenant():
        PollFeed.objects.update(next_due_at=now + timedelta(days=1))
        mine = PollFeed.objects.filter(tenant=shop.tenant)
        mine.filter(feed="money").delete()
        mine.filter(feed="stripe").update(next_due_at=now)
    schedule.queue_due_feeds()
    schedule.queue_due_feeds()
    assert len(shop.jobs(kind="poll_money")) == 1
    with tenant_scope(shop.tenant.pk):
        feed = PollFeed.objects.get(feed="money")
    wait = feed.next_due_at - timezone.now()
    assert timedelta(0) < wait <= timedelta(minutes=60)
