"""What the statement says: to the minor unit, explained, in the right month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connector.models import StrayPayment
from connector.statement.building import build_statement
from connector.statement.months import Month
from connector.statement.records import InvoiceLine, Statement
from tests.statement import busy
from tests.statement.books import Books, Kind, at

MARCH, APRIL = Month(2026, 3), Month(2026, 4)


def march(books: Books) -> Statement:
    return build_statement(books.tenant, MARCH)


def line_of(statement: Statement, number: str) -> InvoiceLine:
    (line,) = [line for line in statement.invoices if line.number == number]
    return line


def reasons(line: InvoiceLine) -> list[tuple[str, int]]:
    return [(part.kind, part.amount) for part in line.explained]


def test_recorded_money_makes_no_difference(books: Books) -> None:
    books.record(books.invoice("INV-1", 113000, paid=113000), 113000, at(3))
    line = line_of(march(books), "INV-1")
    assert (line.opening["collected"], line.moved["collected"], line.closing["collected"]) == (
        0,
        113000,
        113000,
    )
    assert line.closing["recorded"] == 113000
    assert (line.difference, line.explained, line.unexplained) == (0, (), 0)
    assert line.freshbooks_unknown == 0


@pytest.mark.parametrize(
    ("recording", "kind"),
    [
        ("observed", "observed"),
        ("awaiting_approval", "awaiting_approval"),
        ("approved", "being_recorded"),
        ("sending", "being_recorded"),
        ("unknown", "unknown_outcome"),
        ("rejected", "refused"),
        ("needs_you", "needs_you"),
        ("deleted_by_person", "deleted_by_person"),
        ("recorded", "recorded_later"),
        ("taken_back", "taken_back"),
    ],
)
def test_what_is_not_recorded_says_why(books: Books, recording: str, kind: str) -> None:
    books.collect(books.invoice("INV-1"), 10000, at(3), recording)
    line = line_of(march(books), "INV-1")
    assert (line.difference, reasons(line), line.unexplained) == (10000, [(kind, 10000)], 0)


def test_a_refund_that_freshbooks_does_not_follow(books: Books) -> None:
    row = books.record(books.invoice("INV-1"), 10000, at(3))
    books.refund(row, 2500, at(9))
    line = line_of(march(books), "INV-1")
    assert (line.difference, reasons(line)) == (-2500, [("refund_not_followed", -2500)])
    books.book(row, -2500, at(10), Kind.PAYMENT_CHANGED)
    assert line_of(march(books), "INV-1").difference == 0


def test_a_refund_that_is_followed_next_month(books: Books) -> None:
    row = books.record(books.invoice("INV-1"), 10000, at(3))
    books.refund(row, 2500, at(30))
    books.book(row, -2500, at(2, month=4), Kind.PAYMENT_CHANGED)
    assert reasons(line_of(march(books), "INV-1")) == [("lowered_later", -2500)]
    april = line_of(build_statement(books.tenant, APRIL), "INV-1")
    assert (april.opening["returned"], april.moved["recorded"], april.difference) == (
        -2500,
        -2500,
        0,
    )


def test_a_refund_that_fails_is_back(books: Books) -> None:
    row = books.record(books.invoice("INV-1"), 10000, at(3))
    books.refund(row, 10000, at(9), source_id="re_1")
    books.refund(row, -10000, at(11), source_id="re_1")
    assert line_of(march(books), "INV-1").difference == 0


def test_only_a_lost_dispute_makes_a_difference(books: Books) -> None:
    row = books.record(books.invoice("INV-1"), 10000, at(3))
    row.dispute_status = "lost"
    row.save()
    about = {"invoice": row.invoice, "payment_id": row.stripe_payment_intent_id}
    books.fact(Kind.DISPUTE_OPENED, 0, at(9), about_minor=10000, **about)
    assert line_of(march(books), "INV-1").difference == 0
    books.fact(Kind.DISPUTE_LOST, -10000, at(12), about_minor=10000, **about)
    line = line_of(march(books), "INV-1")
    assert reasons(line) == [("dispute_not_followed", -10000)]


def test_money_from_elsewhere(books: Books) -> None:
    books.cheque(books.invoice("INV-1"), 4000, at(3), reported=at(3, hour=16))
    books.cheque(books.invoice("INV-2"), 5000, at(4))
    statement = march(books)
    told, untold = line_of(statement, "INV-1"), line_of(statement, "INV-2")
    assert (told.closing["reported"], told.closing["elsewhere"], told.difference) == (4000, 4000, 0)
    assert (untold.difference, reasons(untold)) == (-5000, [("outside_not_reported", -5000)])
    assert [move.kind for move in statement.movements] == ["payment", "reported", "payment"]


def test_a_cheque_of_which_stripe_was_told_after_the_month(books: Books) -> None:
    invoice = books.invoice("INV-1")
    books.cheque(invoice, 4000, at(30), reported=at(30) + timedelta(days=5))
    line = line_of(march(books), "INV-1")
    assert (line.difference, reasons(line)) == (-4000, [("reported_later", -4000)])


def test_only_facts_tell_what_stripe_was_told(books: Books) -> None:
    """What stands on the payment's row now may be of a later month."""
    invoice = books.invoice("INV-1")
    row = books.cheque(invoice, 4000, at(3), reported=at(3, hour=16))
    row.reported_amount_minor, row.reported_at = 3000, at(3, month=4)
    row.save()
    number = str(row.freshbooks_payment_id)
    books.fact(Kind.REPORTED, -1000, at(3, month=4), invoice=invoice, payment_id=number)
    line = line_of(march(books), "INV-1")
    assert (line.closing["reported"], line.difference) == (4000, 0)
    assert line.later["reported"] == -1000


def test_entered_by_hand_shows_both_reasons(books: Books) -> None:
    invoice = books.invoice("INV-1")
    books.collect(invoice, 10000, at(3))
    books.cheque(invoice, 10000, at(4))
    line = line_of(march(books), "INV-1")
    assert (line.difference, line.unexplained) == (0, 0)
    assert reasons(line) == [("observed", 10000), ("outside_not_reported", -10000)]


def test_what_nobody_knows_is_listed(books: Books) -> None:
    invoice = books.invoice("INV-1", paid=1234)
    books.fact(Kind.COLLECTED, 777, at(3), invoice=invoice)
    line = line_of(march(books), "INV-1")
    assert (line.difference, line.explained, line.unexplained) == (777, (), 777)
    assert line.freshbooks_unknown == 1234
    assert march(books).totals[0].unexplained == 777


def test_one_minor_unit_is_never_rounded_away(books: Books) -> None:
    row = books.collect(books.invoice("INV-1"), 10000, at(3), "recorded")
    books.book(row, 9999, at(3))
    line = line_of(march(books), "INV-1")
    assert (line.difference, line.unexplained) == (1, 1)


def test_money_without_invoice_and_its_match(books: Books) -> None:
    payment = "pi_stray"
    StrayPayment.objects.create(
        tenant=books.tenant,
        payment_id=payment,
        via="payment_intent",
        amount_minor=15000,
        currency="CAD",
        payer_name="Ann",
        paid_at=at(8),
    )
    books.fact(Kind.STRAY, 15000, at(20, month=2), source_id=payment)
    invoice = books.invoice("INV-1", 6000)
    books.fact(Kind.ALLOCATED, 6000, at(9), invoice=invoice, payment_id=payment)
    (line,) = march(books).unmatched
    assert (line.payer, line.opening, line.moved, line.closing) == ("Ann", 15000, -6000, 9000)
    books.fact(Kind.REFUNDED, -9000, at(10), about_minor=9000, payment_id=payment)
    assert march(books).unmatched[0].closing == 0
    books.fact(Kind.UNALLOCATED, -6000, at(11), invoice=invoice, payment_id=payment)
    statement = march(books)
    assert (statement.unmatched[0].closing, statement.totals[0].loose_closing) == (6000, 6000)
    assert line_of(statement, "INV-1").closing["collected"] == 0


def test_a_refund_larger_than_its_part_on_the_invoice(books: Books) -> None:
    """120 were paid, 100 are the invoice's: a refund of 50 takes the 20 that nobody needed first."""
    row = books.record(books.invoice("INV-1"), 10000, at(3))
    books.fact(Kind.STRAY, 2000, at(3), payment_id=row.stripe_payment_intent_id)
    books.refund(row, 3000, at(9), about_minor=5000)
    statement = march(books)
    assert line_of(statement, "INV-1").closing["returned"] == -3000
    assert statement.unmatched[0].closing == 0


def test_all_of_a_shared_payment_went_back(books: Books) -> None:
    """The refund names no invoice; its parts on the invoices are taken from it."""
    first, second = books.invoice("INV-1", 6000), books.invoice("INV-2", 4000)
    for invoice, amount in ((first, 6000), (second, 4000)):
        books.fact(Kind.COLLECTED, amount, at(3), invoice=invoice, payment_id="pi_1")
        books.fact(
            Kind.REFUNDED, -amount, at(9), invoice=invoice, source_id="pi_1", payment_id="pi_1"
        )
    books.fact(Kind.REFUNDED, -10000, at(9), about_minor=10000, payment_id="pi_1", source_id="re_1")
    statement = march(books)
    assert [line.closing["returned"] for line in statement.invoices] == [-6000, -4000]
    assert [line.closing for line in statement.unmatched] == [0]


def test_an_invoice_in_two_currencies_has_two_lines(books: Books) -> None:
    invoice = books.invoice("INV-1")
    books.collect(invoice, 10000, at(3))
    books.fact(Kind.COLLECTED, 500, at(4), invoice=invoice, currency="USD")
    found = {line.currency: line for line in march(books).invoices}
    assert found["CAD"].closing["collected"] == 10000
    assert (found["USD"].unexplained, found["USD"].freshbooks_total) == (500, None)


def test_the_month_is_the_books_own_and_its_end_belongs_to_the_next(books: Books) -> None:
    """Toronto's March begins at 05:00 UTC and, after the clocks changed, ends at 04:00 UTC."""
    assert MARCH.bounds(ZoneInfo("America/Toronto")) == (
        datetime(2026, 3, 1, 5, tzinfo=UTC),
        datetime(2026, 4, 1, 4, tzinfo=UTC),
    )
    for number, (day, hour, minute, month) in enumerate(
        [(1, 4, 59, 3), (1, 5, 0, 3), (1, 3, 59, 4), (1, 4, 0, 4)]
    ):
        when = at(day, month=month, hour=hour, minute=minute)
        books.collect(books.invoice(f"INV-{number}", 100 + number), 100 + number, when)
    assert [move.amount for move in march(books).movements] == [101, 102]
    total = march(books).totals[0]
    assert (total.opening["collected"], total.closing["collected"]) == (100, 303)


def test_months() -> None:
    assert str(Month.parse("2026-12").following) == "2027-01"
    assert str(Month.parse("2026-01").preceding) == "2025-12"
    assert str(Month.parse("2026-11").preceding) == "2026-10"
    for text in ("2026-13", "2026-3", "March", "0026-03", "2026-03-01"):
        with pytest.raises(ValueError, match="is no month"):
            Month.parse(text)


def test_open_invoices_are_there_and_settled_ones_are_not(books: Books) -> None:
    books.invoice("OPEN")
    books.invoice("LATER", issued_on=at(1, month=4).date())
    books.invoice("GONE", freshbooks_vis_state=1)
    books.invoice("LEFT", state="skipped")
    books.record(books.invoice("SETTLED", issued_on=at(1, month=2).date()), 10000, at(3, month=2))
    books.record(books.invoice("PAID-LATER"), 10000, at(3, month=4))
    found = march(books)
    assert [line.number for line in found.invoices] == ["OPEN", "PAID-LATER"]
    assert line_of(found, "PAID-LATER").later["collected"] == 10000


def test_the_opening_is_the_closing_before(books: Books) -> None:
    books.collect(books.invoice("INV-1"), 10000, at(3))
    before, after = march(books).totals[0], build_statement(books.tenant, APRIL).totals[0]
    assert before.closing == after.opening
    assert (before.difference, after.difference) == (10000, 10000)


def test_deposits_from_gross_to_net(books: Books) -> None:
    busy.fill(books)
    statement = march(books)
    first, hand = statement.payouts
    assert dict(first.groups) == {
        "gross": 138450,
        "fees": -5690,
        "refunds": -5000,
        "disputes": -9000,
        "reserves": 0,
        "other": 0,
    }
    assert (first.net, first.amount, first.rest, first.why) == (118760, 118760, 0, "")
    assert (hand.net, hand.rest) == (0, 1000)
    assert hand.why.startswith("Asked for by hand")
    assert [line.net for line in statement.not_paid_out] == [6767]


def test_conversions_are_shown(books: Books) -> None:
    row = books.record(books.invoice("INV-1", 5000, currency="JPY"), 5000, at(3))
    payout = books.payout(9, 5427)
    books.balance(
        "charge", 5450, 23, payout, source_id=row.stripe_charge_id, exchange_rate="0.0109"
    )
    refund = books.refund(row, 1000, at(5))
    books.balance("refund", -1090, 0, payout, source_id=refund.source_id, exchange_rate="0.0109")
    charge, back = march(books).payouts[0].lines
    assert (charge.charged, charge.charged_currency, charge.rate) == (5000, "JPY", "0.0109")
    assert (charge.invoices, back.charged, back.currency) == ("INV-1", -1000, "CAD")


def test_a_deposit_names_the_invoices_that_a_payment_was_matched_to(books: Books) -> None:
    stray = {"tenant": books.tenant, "payment_id": "pi_1", "charge_id": "ch_1", "paid_at": at(3)}
    StrayPayment.objects.create(via="payment_intent", amount_minor=900, currency="JPY", **stray)
    books.collect(books.invoice("INV-1", currency="JPY"), 600, at(4), stripe_charge_id="ch_1")
    books.collect(books.invoice("INV-2", currency="JPY"), 200, at(4), stripe_charge_id="ch_1")
    books.collect(books.invoice("INV-3"), 100, at(4), stripe_charge_id="ch_1", undone=True)
    books.balance("charge", 981, 23, books.payout(9, 958), source_id="ch_1")
    (line,) = march(books).payouts[0].lines
    assert (line.invoices, line.charged, line.charged_currency) == ("INV-1, INV-2", 900, "JPY")


def test_a_busy_month_adds_up(books: Books) -> None:
    busy.fill(books)
    statement = march(books)
    assert dict(statement.exponents) == {"CAD": 2, "JPY": 0, "KWD": 3}
    cad = next(line for line in statement.totals if line.currency == "CAD")
    assert cad.difference - cad.unexplained == sum(cad.explained.values())
    assert dict(cad.explained) == {
        "observed": 7000,
        "awaiting_approval": 7100,
        "unknown_outcome": 7200,
        "refund_not_followed": -5000,
        "dispute_not_followed": -9000,
        "outside_not_reported": -4500,
    }
    assert cad.unexplained == 6000  # the match has no payment of ours yet
    assert [row.kind for row in statement.open_differences] == ["payment_not_recorded"]


def test_the_number_of_questions_does_not_grow(
    books: Books, django_assert_num_queries: Any
) -> None:
    for rounds in (1, 3):
        for _ in range(rounds):
            busy.fill(books)
        with django_assert_num_queries(15):
            march(books)


def test_a_match_that_was_taken_back(books: Books) -> None:
    row = books.record(books.invoice("INV-1"), 10000, at(3))
    row.undone = True
    row.save()
    about = {"invoice": row.invoice, "payment_id": row.stripe_payment_intent_id}
    books.fact(Kind.UNALLOCATED, -10000, at(9), **about)
    assert reasons(line_of(march(books), "INV-1")) == [("match_taken_back", -10000)]
