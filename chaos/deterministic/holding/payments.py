"""Stripe's money and the payments that we made for it in FreshBooks: none missing, none extra."""

from __future__ import annotations

from typing import Any

from chaos.deterministic.holding.books import Books
from connector.idempotency import find_marker

UNDONE = {"failed", "canceled"}
# What we tell people where money went back by itself; the figures must agree all the same.
WENT_BACK = {"refunded", "disputed"}


def check_each_recorded_once(books: Books) -> list[str]:
    """I06: each settled Stripe payment has exactly one live FreshBooks payment of ours."""
    found = []
    for invoice in books.invoices():
        one = books.of(invoice)
        told = books.told(invoice) - WENT_BACK
        for payment in _settled(books, {row["id"] for row in one.stripe}):
            live = [row for row in one.ours if payment["id"] in (row["note"] or "")]
            wanted = 1 if _kept(books, payment) > 0 else 0
            if len(live) > wanted or (len(live) < wanted and not told):
                found.append(
                    f"I06 {payment['id']} on invoice {invoice}: {len(live)} FreshBooks payments,"
                    f" not {wanted}"
                )
    return found


def check_markers(books: Books) -> list[str]:
    """I06: no marker stands in two payments, live or deleted by us before a second attempt."""
    live = [row for row in books.freshbooks["payments"] if row["vis_state"] == 0]
    markers = [find_marker(row["note"] or "") for row in live]
    doubled = {marker for marker in markers if marker and markers.count(marker) > 1}
    return [f"I06 marker {marker} stands in several live payments" for marker in sorted(doubled)]


def check_sums(books: Books) -> list[str]:
    """I07: paid minus refunded minus lost in Stripe is what we recorded in FreshBooks."""
    found = []
    for invoice in books.invoices():
        one = books.of(invoice)
        if one.net != one.recorded and not books.told(invoice) - WENT_BACK:
            found.append(
                f"I07 invoice {invoice}: Stripe keeps {one.net}, recorded are {one.recorded}"
            )
    return found


def check_nothing_left_to_people(books: Books, plain: set[int]) -> list[str]:
    """An invoice that was only paid and refunded needs nobody's decision."""
    return [
        f"invoice {invoice}: people are asked about {', '.join(sorted(kinds))}"
        for invoice in sorted(plain)
        if (kinds := books.told(invoice) - WENT_BACK)
    ]


def _settled(books: Books, invoices: set[str]) -> list[dict[str, Any]]:
    return [
        row
        for row in books.stripe["invoice_payments"]
        if row["invoice"] in invoices
        and row["status"] == "paid"
        and row["payment"].get("payment_intent")
    ]


def _kept(books: Books, payment: dict[str, Any]) -> int:
    intent = payment["payment"]["payment_intent"]
    charges = {
        row["id"]: row
        for row in books.stripe["charges"]
        if row["payment_intent"] == intent and row["status"] == "succeeded"
    }
    came = sum(int(row["amount"]) for row in charges.values())
    back = sum(
        int(row["amount"])
        for row in books.stripe["refunds"]
        if row["charge"] in charges and row["status"] not in UNDONE
    )
    lost = sum(
        int(row["amount"])
        for row in books.stripe["disputes"]
        if row["charge"] in charges and row["status"] == "lost"
    )
    return came - back - lost
