"""A month in which about everything happens."""

from __future__ import annotations

from datetime import timedelta

from connector.models import Discrepancy, StrayPayment
from tests.factories import unique
from tests.statement.books import Books, Kind, at


def fill(books: Books) -> None:
    """March 2026, and some of February and April."""
    first = books.invoice("INV-1", 113000, client="=cmd|' /C calc'!A0")
    books.record(first, 113000, at(3))
    second = books.invoice("INV-2", 20000, client="שלום עולם 株式会社 Ünïcode")
    books.refund(books.record(second, 20000, at(4)), 5000, at(20))
    books.collect(books.invoice("INV-3", 7000), 7000, at(6))
    books.collect(books.invoice("INV-4", 7100), 7100, at(6), "awaiting_approval")
    books.collect(books.invoice("INV-5", 7200), 7200, at(6), "unknown")
    lost = books.record(books.invoice("INV-6", 9000), 9000, at(7))
    lost.dispute_status = "lost"
    lost.save()
    dispute = {"invoice": lost.invoice, "payment_id": lost.stripe_payment_intent_id}
    books.fact(Kind.DISPUTE_OPENED, 0, at(9), about_minor=9000, source_id="dp_1", **dispute)
    books.fact(Kind.DISPUTE_LOST, -9000, at(25), about_minor=9000, source_id="dp_1", **dispute)
    books.cheque(books.invoice("INV-7", 4400), 4400, at(10), reported=at(10, hour=16))
    books.cheque(books.invoice("INV-8", 4500), 4500, at(11))
    books.invoice("INV-9", 8800)
    yen = books.invoice("INV-10", 5000, currency="JPY", client="さくら")
    books.record(yen, 5000, at(12))
    dinar = books.invoice("INV-11", 1234567, currency="KWD")
    books.record(dinar, 1234560, at(12))
    old = books.invoice("INV-0", 3000, issued_on=at(10, month=2).date())
    books.record(old, 3000, at(28, month=2), booked=at(2))
    _unmatched(books)
    _deposits(books)
    now = at(13)
    Discrepancy.objects.create(
        tenant=books.tenant,
        kind="payment_not_recorded",
        subject=unique("invoice:"),
        invoice=yen,
        severity="info",
        currency="CAD",
        freshbooks_minor=0,
        stripe_minor=7000,
        explanation="Stripe collected 70.00 CAD that FreshBooks does not show as paid yet.",
        suggested_step="Record it.",
        opened_at=now,
        last_seen_at=now,
    )


def _unmatched(books: Books) -> None:
    payment = unique("pi_")
    StrayPayment.objects.create(
        tenant=books.tenant,
        payment_id=payment,
        via="payment_intent",
        amount_minor=15000,
        currency="CAD",
        payer_name="@Nobody",
        paid_at=at(8),
    )
    books.fact(Kind.STRAY, 15000, at(8), source_id=payment)
    matched = books.invoice("INV-12", 6000)
    books.fact(
        Kind.ALLOCATED, 6000, at(9), invoice=matched, source_id="alloc_1", payment_id=payment
    )


def _deposits(books: Books) -> None:
    first = books.payout(9, 118760)
    books.balance("charge", 113000, 3307, first)
    books.balance("charge", 20000, 610, first)
    books.balance("refund", -5000, 0, first)
    books.balance("adjustment", -9000, 1500, first, category="dispute")
    books.balance("stripe_fee", -250, 0, first, category="fee")
    books.balance("charge", 5450, 23, first, source_id="ch_yen", exchange_rate="0.010900")
    books.balance("payout", -118760, 0, first)
    hand = books.payout(20, 1000, automatic=False)
    assert hand.arrives_on > first.arrives_on
    books.balance("charge", 7000, 233, created_at=at(30))
    books.balance("charge", 9900, 317, created_at=at(1, month=4) + timedelta(hours=12))
