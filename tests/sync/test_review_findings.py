"""Money that goes back and comes again: the journal and the rows never tell different figures."""

from __future__ import annotations

from django.utils import timezone

from connector import decisions, journal
from connector.jobs import kinds
from connector.journal import Totals
from connector.models import CollectedPayment
from connector.statement.building import build_statement
from connector.statement.explaining import Collected, Sides, explain
from connector.statement.months import Month
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop, cause
from tests.sync.matching_steps import arrive, customer_of, match, undo


def amounts(shop: Shop, invoice: int) -> list[str]:
    return [row["amount"]["amount"] for row in shop.fb_payments(invoice)]


def totals(shop: Shop, invoice: int) -> Totals:
    with tenant_scope(shop.tenant.pk):
        link = shop.link(invoice)
        return journal.totals_of([link.pk])[link.pk]


def test_the_refund_of_an_excess_that_fails_is_undone_once(shop: Shop) -> None:
    shop.stripe.switch(overpayment_in_invoice_payment="left_out")
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    intent = shop.pay(invoice, 13000)["payment_intent"]
    shop.sync(invoice)
    made = shop.st("refund", payment_intent=intent, amount=4000, status="pending")["id"]
    shop.sync(invoice)
    assert totals(shop, invoice) == Totals(collected=10000, returned=1000, recorded=9000)
    shop.st("fail_refund", refund=made)
    shop.sync(invoice)
    assert amounts(shop, invoice) == ["100.00"]
    assert totals(shop, invoice) == Totals(collected=10000, recorded=10000)


def test_the_earlier_of_two_refunds_of_an_excess_fails(shop: Shop) -> None:
    shop.stripe.switch(overpayment_in_invoice_payment="left_out")
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    intent = shop.pay(invoice, 13000)["payment_intent"]
    shop.sync(invoice)
    first = shop.st("refund", payment_intent=intent, amount=3000, status="pending")["id"]
    shop.st("refund", payment_intent=intent, amount=2000)
    shop.sync(invoice)
    assert amounts(shop, invoice) == ["80.00"]
    shop.st("fail_refund", refund=first)
    shop.sync(invoice)
    assert amounts(shop, invoice) == ["100.00"]
    assert totals(shop, invoice) == Totals(collected=10000, recorded=10000)


def two_matched(shop: Shop) -> tuple[int, int, str]:
    """Two invoices of 60.00 and 40.00 that one payment of 100.00 was matched to."""
    first, second = shop.invoice("60.00"), shop.invoice("40.00")
    for invoice in (first, second):
        shop.sync(invoice)
    paid = arrive(shop, 10000, customer=customer_of(shop))
    match(shop, paid, (first, 6000), (second, 4000))
    return first, second, paid["id"]


def settle_all(shop: Shop, payment: str, *invoices: int) -> None:
    shop.enqueue(kinds.LOOK_UP_STRIPE_PAYMENT, payment)
    shop.settle()
    for invoice in invoices:
        shop.sync(invoice)


def test_a_whole_refund_of_a_shared_payment_that_fails(shop: Shop) -> None:
    first, second, payment = two_matched(shop)
    made = shop.st("refund", payment_intent=payment, status="pending")["id"]
    settle_all(shop, payment, first, second)
    assert (amounts(shop, first), amounts(shop, second)) == ([], [])
    shop.st("fail_refund", refund=made)
    settle_all(shop, payment, first, second)
    assert (amounts(shop, first), amounts(shop, second)) == (["60.00"], ["40.00"])
    assert totals(shop, first) == Totals(collected=6000, recorded=6000)
    assert shop.link(first).collection_status == "paid"


def test_a_refund_that_is_clear_once_the_other_match_is_taken_back(shop: Shop) -> None:
    first, second, payment = two_matched(shop)
    shop.st("refund", payment_intent=payment, amount=5000)
    settle_all(shop, payment, first, second)
    undo(shop, "Wrong.")
    settle_all(shop, payment, first, second)
    (row,) = shop.collected(first)
    assert row.refunded_minor == 1000
    assert totals(shop, first) == Totals(collected=6000, returned=1000, recorded=5000)


def test_a_dispute_over_what_was_refunded_already(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    intent = shop.pay(invoice)["payment_intent"]
    shop.sync(invoice)
    shop.st("refund", payment_intent=intent, amount=4000)
    shop.sync(invoice)
    (row,) = shop.collected(invoice)
    dispute = shop.st("dispute", charge=row.stripe_charge_id)["id"]
    shop.sync(invoice)
    shop.st("lose_dispute", dispute=dispute)
    shop.sync(invoice)
    assert amounts(shop, invoice) == []
    assert totals(shop, invoice) == Totals(collected=10000, returned=10000)


def approve_all(shop: Shop) -> None:
    with tenant_scope(shop.tenant.pk):
        ids = list(CollectedPayment.objects.values_list("pk", flat=True))
        decisions.approve_payments(ids, cause=cause())
        decisions.approve_lowering(ids, cause=cause())
    shop.settle()


def test_a_word_to_remove_a_payment_holds_once(shop: Shop) -> None:
    Tenant.objects.filter(pk=shop.tenant.pk).update(payment_mode="approve")
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    intent = shop.pay(invoice)["payment_intent"]
    shop.sync(invoice)
    approve_all(shop)
    made = shop.st("refund", payment_intent=intent, status="pending")["id"]
    shop.sync(invoice)
    approve_all(shop)
    assert amounts(shop, invoice) == []
    shop.st("fail_refund", refund=made)
    shop.sync(invoice)
    approve_all(shop)
    assert amounts(shop, invoice) == ["100.00"]
    shop.st("refund", payment_intent=intent)
    shop.sync(invoice)
    assert amounts(shop, invoice) == ["100.00"], "nobody allowed it this time"
    assert shop.collected(invoice)[0].waits_for_lowering


def test_our_payment_that_a_person_deleted_and_restored_is_ours_again(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    intent = shop.pay(invoice)["payment_intent"]
    shop.sync(invoice)
    (ours,) = shop.fb_payments(invoice)
    shop.fb("delete_payment", id=ours["id"])
    shop.sync(invoice)
    shop.fb("restore_payment", id=ours["id"])
    shop.sync(invoice)
    assert shop.collected(invoice)[0].recording == "recorded"
    assert shop.differences(invoice) == []
    shop.st("refund", payment_intent=intent, amount=3000)
    shop.sync(invoice)
    assert amounts(shop, invoice) == ["70.00"]


def test_a_failed_refund_raises_our_payment_only_within_what_is_outstanding(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    intent = shop.pay(invoice)["payment_intent"]
    shop.sync(invoice)
    made = shop.st("refund", payment_intent=intent, amount=4000, status="pending")["id"]
    shop.sync(invoice)
    cheque = shop.cheque(invoice, "40.00")
    shop.sync(invoice)
    shop.st("fail_refund", refund=made)
    for _ in range(2):
        shop.sync(invoice)
    assert sorted(amounts(shop, invoice)) == ["40.00", "60.00"]
    assert "outstanding" in shop.collected(invoice)[0].reason
    assert shop.link(invoice).collection_status == "overpaid"
    assert shop.differences(invoice) == ["payment_not_recorded"]
    assert shop.audited(f"invoice:{invoice}").count("payment.not_raised") == 1
    shop.fb("delete_payment", id=cheque)
    shop.sync(invoice)
    assert amounts(shop, invoice) == ["100.00"]


def unexplained(shop: Shop) -> tuple[int, list[str]]:
    now = timezone.now()
    with tenant_scope(shop.tenant.pk):
        lines = build_statement(shop.tenant, Month(now.year, now.month)).invoices
    return sum(line.unexplained for line in lines), [
        part.kind for line in lines for part in line.explained
    ]


def test_the_statement_says_that_a_payment_waits_to_be_raised(shop: Shop) -> None:
    Tenant.objects.filter(pk=shop.tenant.pk).update(payment_mode="approve")
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    intent = shop.pay(invoice)["payment_intent"]
    shop.sync(invoice)
    approve_all(shop)
    made = shop.st("refund", payment_intent=intent, amount=4000, status="pending")["id"]
    shop.sync(invoice)
    approve_all(shop)
    assert amounts(shop, invoice) == ["60.00"]
    shop.st("fail_refund", refund=made)
    shop.sync(invoice)
    assert unexplained(shop) == (0, ["not_raised"])
    approve_all(shop)
    assert unexplained(shop) == (0, [])


def test_a_payment_recorded_anew_later_leaves_the_former_month_explained() -> None:
    """In the month it stood under number 1; removed and recorded anew as 2 afterwards."""
    sides = Sides(stripe={"pi_1": 10000}, book={"1": 10000}, ours={"1", "2"})
    sides.book_later = {"1": -10000, "2": 10000}
    row = Collected(
        payment="pi_1",
        recording="recorded",
        freshbooks_payment="2",
        refunds_unclear=False,
        changed_by_person=False,
        dispute="",
        undone=False,
    )
    assert explain(sides, [row]) == ()


def test_money_stays_accounted_for_through_matches_and_a_failed_refund(shop: Shop) -> None:
    first, second = shop.invoice("60.00"), shop.invoice("30.00")
    for invoice in (first, second):
        shop.sync(invoice)
    paid = arrive(shop, 10000, customer=customer_of(shop))
    match(shop, paid, (first, 6000))
    made = shop.st("refund", payment_intent=paid["id"], amount=5000, status="pending")["id"]
    settle_all(shop, paid["id"], first)
    assert amounts(shop, first) == ["50.00"]
    undo(shop, "Wrong.")
    settle_all(shop, paid["id"], first)
    assert loose(shop) == 5000
    match(shop, paid, (second, 3000))
    shop.st("fail_refund", refund=made)
    settle_all(shop, paid["id"], first, second)
    assert (amounts(shop, first), amounts(shop, second)) == ([], ["30.00"])
    assert (unexplained(shop), loose(shop)) == ((0, []), 7000)


def loose(shop: Shop) -> int:
    now = timezone.now()
    with tenant_scope(shop.tenant.pk):
        totals = build_statement(shop.tenant, Month(now.year, now.month)).totals
    return sum(row.loose_closing for row in totals)
