"""Both sides of an invoice agree to the minor unit, or every difference is explained."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.mapping.compare import (
    CollectionStatus,
    Difference,
    DiscrepancyKind,
    Dispute,
    Severity,
    collection_status,
    compare_invoice,
)
from connector.money import Money
from connector.vendors.freshbooks.records import FreshBooksInvoice
from connector.vendors.stripe.records import StripeInvoice
from tests.mapping.builders import Item, invoice, paid, stripe_invoice

ZERO = Money.zero("USD")
BOOK = invoice([Item("1", "100.00")])


def usd(text: str) -> Money:
    return Money.from_decimal(text, "USD")


def stripe(paid_there: str = "0", total: str = "100", **changes: Any) -> StripeInvoice:
    """An open or paid Stripe invoice that received so much."""
    remaining = max(usd(total) - usd(paid_there), ZERO)
    return stripe_invoice(
        usd(total),
        **{
            "status": "paid" if remaining.is_zero else "open",
            "amount_paid": usd(paid_there),
            "amount_remaining": remaining,
        }
        | changes,
    )


def compared(
    book: FreshBooksInvoice | None,
    there: StripeInvoice | None,
    *,
    collected: str = "0",
    recorded: str = "0",
    reported: str = "0",
    **more: Any,
) -> tuple[Difference, ...]:
    found = compare_invoice(
        book,
        there,
        collected=usd(collected),
        recorded=usd(recorded),
        reported=usd(reported),
        **more,
    )
    assert all(difference.explanation and difference.suggested_step for difference in found)
    return found


def kinds(found: tuple[Difference, ...]) -> list[tuple[str, str]]:
    return [(difference.kind.value, difference.severity.value) for difference in found]


@pytest.mark.parametrize(
    ("book_paid", "there", "figures"),
    [
        ("0", stripe(), {}),
        ("100", stripe("100"), {"collected": "100", "recorded": "100"}),
        ("40", stripe("40"), {"collected": "40", "recorded": "40"}),
        ("40", stripe("40"), {"reported": "40"}),
        ("70", stripe("70"), {"collected": "30", "recorded": "30", "reported": "40"}),
        ("0", stripe(status="draft", finalized_at=None), {}),
    ],
)
def test_agreement_is_silent(book_paid: str, there: StripeInvoice, figures: dict[str, Any]) -> None:
    for records in (True, False):
        assert compared(paid(BOOK, book_paid), there, **figures, records_payments=records) == ()


def test_what_went_back_is_told_once_freshbooks_asks_for_it_again() -> None:
    figures: dict[str, Any] = {"collected": "100", "recorded": "60", "refunded": usd("40")}
    found = compared(paid(BOOK, "60"), stripe("100"), **figures, records_payments=True)
    assert kinds(found) == [("refunded", "info")]
    assert (found[0].freshbooks, found[0].stripe) == (usd("40"), usd("40"))


def test_what_went_back_of_an_open_invoice_is_told_too() -> None:
    figures: dict[str, Any] = {"collected": "60", "recorded": "20", "refunded": usd("40")}
    (found,) = compared(paid(BOOK, "20"), stripe("60"), **figures, records_payments=True)
    assert (found.kind, found.severity) == (DiscrepancyKind.REFUNDED, Severity.INFO)
    assert (found.freshbooks, found.stripe) == (usd("80"), usd("40"))
    assert "asks for 40.00 USD" in found.explanation
    figures = {"collected": "60", "refunded": usd("40")}
    watched = compared(paid(BOOK, "0"), stripe("60"), **figures, records_payments=False)
    assert "refunded" in dict(kinds(watched))


def test_stripe_may_ask_again_for_what_went_back() -> None:
    figures: dict[str, Any] = {"collected": "100", "recorded": "60", "refunded": usd("40")}
    assert compared(paid(BOOK, "60"), stripe("60"), **figures, records_payments=True) == ()


def test_an_open_dispute_is_shown_with_its_due_date() -> None:
    due = datetime(2026, 3, 20, 12, tzinfo=UTC)
    dispute = Dispute(amount=usd("100"), status="needs_response", due_by=due)
    figures: dict[str, Any] = {"collected": "100", "recorded": "100", "disputed": dispute}
    (found,) = compared(paid(BOOK, "100"), stripe("100"), **figures)
    assert (found.kind, found.severity) == (DiscrepancyKind.DISPUTED, Severity.ERROR)
    assert "2026-03-20 12:00" in found.suggested_step


def test_a_part_that_went_back_of_several_invoices_is_left_to_a_person() -> None:
    figures: dict[str, Any] = {"collected": "100", "recorded": "100", "unclear": True}
    found = compared(paid(BOOK, "100"), stripe("100"), **figures)
    assert kinds(found) == [("refund_unclear", "error")]


def test_payment_not_recorded_is_information_where_the_tenant_records_by_hand() -> None:
    (only,) = compared(BOOK, stripe("100"), collected="100")
    assert (only.kind, only.severity) == (DiscrepancyKind.PAYMENT_NOT_RECORDED, Severity.INFO)
    assert (only.freshbooks, only.stripe) == (ZERO, usd("100"))
    strict = compared(BOOK, stripe("100"), collected="100", records_payments=True)
    assert kinds(strict) == [("payment_not_recorded", "error")]


def test_one_cent_is_a_difference() -> None:
    found = compared(
        paid(BOOK, "99.99"),
        stripe("100"),
        collected="100",
        recorded="99.99",
        records_payments=True,
    )
    assert kinds(found) == [("payment_not_recorded", "error")]
    found = compared(invoice([Item("1", "100.01")]), stripe())
    assert kinds(found) == [("total_differs", "error")]


def test_payments_entered_by_hand_are_not_reported_as_missing() -> None:
    whole = {"collected": "100"}
    assert compared(paid(BOOK, "100"), stripe("100"), **whole) == ()
    found = compared(paid(BOOK, "100"), stripe("100"), **whole, records_payments=True)
    assert kinds(found) == [("payment_not_recorded", "warning")]
    # Half and half may be the same half, or both halves: a person is told.
    found = compared(paid(BOOK, "50"), stripe("50"), collected="50")
    assert kinds(found) == [("payment_not_recorded", "info")]
    assert "likely the same money" in found[0].explanation


def test_outside_payment_that_stripe_does_not_know() -> None:
    (only,) = compared(paid(BOOK, "40"), stripe())
    assert kinds((only,)) == [("outside_payment_not_reported", "warning")]
    assert (only.freshbooks, only.stripe) == (usd("40"), ZERO)


def test_reported_payment_that_freshbooks_no_longer_has() -> None:
    found = compared(BOOK, stripe("40"), reported="40")
    assert kinds(found) == [("paid_differs", "error")]


def test_refund_leaves_too_much_recorded() -> None:
    figures: dict[str, Any] = {
        "collected": "100",
        "recorded": "100",
        "refunded": usd("100"),
    }
    book = paid(BOOK, "100")
    assert kinds(compared(book, stripe("100"), **figures)) == [("paid_differs", "warning")]
    strict = compared(book, stripe("100"), **figures, records_payments=True)
    assert kinds(strict) == [("paid_differs", "error")]


def test_unknown_outcome_is_said() -> None:
    found = compared(BOOK, stripe("100"), collected="100", unknown=usd("100"))
    assert kinds(found) == [
        ("payment_unknown_outcome", "warning"),
        ("payment_not_recorded", "info"),
    ]
    assert compared(BOOK, stripe(), unknown=ZERO) == ()


def test_overpayment() -> None:
    over = stripe("100", amount_overpaid=usd("20"), amount_paid=usd("120"))
    found = compared(paid(BOOK, "100"), over, collected="120", recorded="100")
    assert kinds(found) == [("overpaid", "warning")]
    assert found[0].stripe == usd("120")
    given_back = compared(
        paid(BOOK, "100"), over, collected="120", recorded="100", refunded=usd("20")
    )
    assert given_back == ()
    # A cheque of 40 and a card payment of 100 for an invoice of 100.
    found = compared(paid(BOOK, "40"), stripe("100"), collected="100", records_payments=True)
    assert kinds(found) == [("overpaid", "warning"), ("payment_not_recorded", "error")]


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (stripe(status="draft"), ("total_differs", "warning")),
        (stripe(), ("total_differs", "error")),
    ],
)
def test_total_differs(there: StripeInvoice, expected: tuple[str, str]) -> None:
    assert kinds(compared(invoice([Item("1", "120.00")]), there)) == [expected]


def test_changed_after_payment() -> None:
    book = paid(invoice([Item("1", "120.00")]), "100")
    found = compared(book, stripe("100"), collected="100", recorded="100")
    assert kinds(found) == [("changed_after_payment", "error")]


def test_other_currency_compares_nothing_else() -> None:
    found = compared(invoice([Item("1", "100.00")], currency="CAD"), stripe())
    assert kinds(found) == [("currency_differs", "error")]


def test_missing_in_freshbooks_and_deleted_there() -> None:
    assert compared(None, None) == ()
    assert compared(None, stripe(status="void")) == ()
    assert kinds(compared(None, stripe())) == [("missing_in_freshbooks", "error")]
    deleted = replace(BOOK, vis_state=1)
    assert compared(deleted, None) == ()
    assert compared(deleted, stripe(status="deleted")) == ()
    (draft,) = compared(deleted, stripe(status="draft", finalized_at=None))
    assert (draft.severity, draft.suggested_step) == (
        Severity.WARNING,
        "Delete the draft in Stripe.",
    )
    (sent,) = compared(deleted, stripe())
    assert sent.suggested_step == "Void it in Stripe."
    (settled,) = compared(deleted, stripe("100"), collected="100")
    assert (settled.kind, settled.severity) == (
        DiscrepancyKind.DELETED_IN_FRESHBOOKS,
        Severity.ERROR,
    )


def test_missing_in_stripe() -> None:
    assert kinds(compared(BOOK, None)) == [("missing_in_stripe", "error")]
    assert kinds(compared(BOOK, stripe(status="void"))) == [("missing_in_stripe", "error")]
    assert kinds(compared(replace(BOOK, status=1), None)) == [("missing_in_stripe", "warning")]
    assert compared(paid(BOOK, "100"), None) == ()
    (refused,) = compared(BOOK, None, not_representable="Stripe cannot carry it.")
    assert (refused.kind, refused.explanation) == (
        DiscrepancyKind.NOT_REPRESENTABLE,
        "Stripe cannot carry it.",
    )


def test_money_in_stripe_that_nobody_explains() -> None:
    (by_hand,) = compared(BOOK, stripe("100"))
    assert kinds((by_hand,)) == [("paid_differs", "warning")]


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({}, CollectionStatus.UNPAID),
        ({"collecting": False}, CollectionStatus.NOT_COLLECTED),
        ({"has_pending": True}, CollectionStatus.PENDING),
        ({"paid": "40", "has_pending": True}, CollectionStatus.PENDING),
        ({"paid": "40"}, CollectionStatus.PARTLY_PAID),
        ({"paid_outside": "40"}, CollectionStatus.PARTLY_PAID),
        ({"paid": "100"}, CollectionStatus.PAID),
        ({"paid": "60", "paid_outside": "40"}, CollectionStatus.PAID),
        ({"paid_outside": "100"}, CollectionStatus.PAID_OUTSIDE),
        ({"paid_outside": "100", "collecting": False}, CollectionStatus.PAID_OUTSIDE),
        ({"paid": "100.01"}, CollectionStatus.OVERPAID),
        ({"paid": "100", "paid_outside": "40"}, CollectionStatus.OVERPAID),
        ({"paid": "100", "refunded": "100"}, CollectionStatus.REFUNDED),
        ({"paid": "100", "refunded": "60"}, CollectionStatus.PARTLY_PAID),
        ({"paid": "120", "refunded": "20"}, CollectionStatus.PAID),
        ({"paid": "100", "refunded": "100", "paid_outside": "100"}, CollectionStatus.PAID_OUTSIDE),
        ({"paid": "100", "disputed": True}, CollectionStatus.DISPUTED),
        ({"total": "0"}, CollectionStatus.PAID),
    ],
)
def test_collection_status(figures: dict[str, Any], expected: CollectionStatus) -> None:
    amounts = {"total": "100", "paid": "0", "paid_outside": "0"} | figures
    money: dict[str, Any] = {
        name: usd(value) if isinstance(value, str) else value for name, value in amounts.items()
    }
    assert collection_status(**{"has_pending": False} | money) is expected


cents = st.integers(0, 20_000).map(lambda minor: Money(minor, "USD"))


@settings(deadline=None, max_examples=200)
@given(collected=cents, recorded=cents, reported=cents, book_paid=cents, records=st.booleans())
def test_sides_that_disagree_are_never_silent(
    collected: Money, recorded: Money, reported: Money, book_paid: Money, *, records: bool
) -> None:
    """Silence only if both sides have the same outstanding."""
    book = replace(BOOK, paid=book_paid, outstanding=max(BOOK.amount - book_paid, ZERO))
    received = collected + reported
    there = stripe(received.to_decimal_string())
    found = compare_invoice(
        book,
        there,
        collected=collected,
        recorded=recorded,
        reported=reported,
        records_payments=records,
    )
    if not found:
        assert book.outstanding == there.amount_remaining


def test_a_balance_that_stripe_used_says_how_much() -> None:
    credit = stripe(amount_due=usd("75"), amount_remaining=usd("75"), starting_balance_minor=-2500)
    (applied,) = compared(BOOK, credit)
    assert kinds((applied,)) == [("customer_balance_used", "warning")]
    assert applied.explanation.startswith("25.00 USD was settled")
    assert (applied.freshbooks, applied.stripe) == (BOOK.outstanding, usd("75"))
    same_in_freshbooks = compared(paid(BOOK, "25"), credit)
    assert same_in_freshbooks == ()


def test_a_debt_that_stripe_added_is_told() -> None:
    debt = stripe(amount_due=usd("120"), amount_remaining=usd("120"), starting_balance_minor=2000)
    (added,) = compared(BOOK, debt)
    assert kinds((added,)) == [("customer_balance_used", "warning")]
    assert "Stripe added 20.00 USD" in added.explanation


def test_a_credit_note_in_stripe_until_freshbooks_gives_the_same() -> None:
    credited = stripe(
        amount_due=usd("94"), amount_remaining=usd("94"), pre_payment_credits=usd("6")
    )
    (told,) = compared(BOOK, credited)
    assert kinds((told,)) == [("credit_note_in_stripe", "warning")]
    assert (told.freshbooks, told.stripe) == (BOOK.outstanding, usd("94"))
    assert compared(paid(BOOK, "6"), credited) == ()
    (half,) = compared(paid(BOOK, "4"), credited)
    assert "A credit note of 2.00 USD" in half.explanation


def test_a_credit_note_on_money_that_was_paid_is_told_unless_it_was_refunded() -> None:
    noted = stripe("100", post_payment_credits=usd("10"))
    figures = {"collected": "100", "recorded": "100"}
    (told,) = compared(paid(BOOK, "100"), noted, **figures)
    assert kinds((told,)) == [("credit_note_in_stripe", "info")]
    refunded = compared(paid(BOOK, "90"), noted, collected="100", recorded="90", refunded=usd("10"))
    assert "credit_note_in_stripe" not in {found.kind for found in refunded}


def test_a_report_that_was_taken_back_while_the_invoice_keeps_counting_it() -> None:
    still = stripe("40")
    (told,) = compared(BOOK, still, taken_back=usd("40"))
    assert kinds((told,)) == [("payment_taken_back", "warning")]
    assert (told.freshbooks, told.stripe) == (BOOK.outstanding, usd("60"))
    assert compared(BOOK, stripe(), taken_back=usd("40")) == (), "Stripe asks for it again"


def test_given_up_in_stripe_is_told() -> None:
    (told,) = compared(BOOK, stripe(status="uncollectible"))
    assert kinds((told,)) == [("uncollectible", "info")]
    assert (
        compared(paid(BOOK, "100"), stripe("100", status="paid"), collected="100", recorded="100")
        == ()
    )


@pytest.mark.parametrize("how", ["pay_button", "autobill"])
def test_two_collectors_are_told_while_both_ask(how: str) -> None:
    (told,) = compared(BOOK, stripe(), own_collector=how)
    assert kinds((told,)) == [("own_pay_button", "warning")]
    done = stripe("100")
    assert (
        compared(paid(BOOK, "100"), done, collected="100", recorded="100", own_collector=how) == ()
    )


def test_a_rest_below_the_least_charge_is_told() -> None:
    (told,) = compared(paid(BOOK, "99.70"), stripe("99.70"), collected="99.70", recorded="99.70")
    assert kinds((told,)) == [("rest_too_small", "warning")]
    assert compared(paid(BOOK, "99.50"), stripe("99.50"), collected="99.50", recorded="99.50") == ()
