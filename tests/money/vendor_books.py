"""What the simulators' own books say of one invoice's money. Our tables are never asked here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connector.idempotency import find_marker
from connector.money import Money

UNDONE = {"failed", "canceled"}
LIVE = 0


def minor(amount: dict[str, str]) -> int:
    """A FreshBooks amount in minor units of its currency."""
    return Money.from_decimal(amount["amount"], amount["code"]).amount_minor


@dataclass(frozen=True, kw_only=True)
class InvoiceBooks:
    """One invoice as both vendors have it; amounts in minor units."""

    freshbooks: dict[str, Any]
    stripe: list[dict[str, Any]]
    """Every Stripe invoice that was made for it, oldest first."""
    payments: list[dict[str, Any]]
    """FreshBooks payments, deleted ones included."""
    paid: int
    """What payers paid through Stripe for it, all of their charges."""
    refunded: int
    lost: int

    @property
    def net(self) -> int:
        """Paid minus refunded minus lost to disputes."""
        return self.paid - self.refunded - self.lost

    @property
    def live(self) -> list[dict[str, Any]]:
        """FreshBooks payments that count."""
        return [row for row in self.payments if row["vis_state"] == LIVE]

    @property
    def ours(self) -> list[dict[str, Any]]:
        """Live FreshBooks payments that carry a marker of ours."""
        return [row for row in self.live if find_marker(row["note"] or "")]

    @property
    def recorded(self) -> int:
        """The sum of our live payments."""
        return sum(minor(row["amount"]) for row in self.ours)

    @property
    def elsewhere(self) -> int:
        """The sum of everybody else's live payments."""
        return sum(minor(row["amount"]) for row in self.live) - self.recorded

    @property
    def living(self) -> dict[str, Any] | None:
        """The Stripe invoice that stands, if any."""
        found = [row for row in self.stripe if row["status"] not in {"void", "deleted"}]
        assert len(found) <= 1, f"{len(found)} Stripe invoices ask for the same money"
        return found[0] if found else None

    def normal(self) -> dict[str, Any]:
        """The books without ids and times: what two plays of one history must share."""
        return {
            "freshbooks": [
                self.freshbooks["vis_state"],
                self.freshbooks["v3_status"],
                minor(self.freshbooks["amount"]),
                minor(self.freshbooks["paid"]),
                minor(self.freshbooks["outstanding"]),
            ],
            "ours": sorted(minor(row["amount"]) for row in self.ours),
            "others": sorted(minor(row["amount"]) for row in self.live if row not in self.ours),
            "stripe": self.living
            and [
                self.living[name] for name in ("status", "total", "amount_paid", "amount_remaining")
            ],
            "paid": self.paid,
            "refunded": self.refunded,
            "lost": self.lost,
        }


def read_books(fb_book: dict[str, Any], st_book: dict[str, Any], invoice_id: int) -> InvoiceBooks:
    """One invoice out of both books."""
    stripe = [
        row
        for row in st_book["invoices"]
        if row["metadata"].get("fb_invoice_id") == str(invoice_id)
    ]
    ids = {row["id"] for row in stripe}
    intents = {
        row["payment"].get("payment_intent")
        for row in st_book["invoice_payments"]
        if row["invoice"] in ids and row["status"] == "paid"
    } - {None}
    charges = {
        row["id"]: row
        for row in st_book["charges"]
        if row["payment_intent"] in intents and row["status"] == "succeeded"
    }
    return InvoiceBooks(
        freshbooks=next(row for row in fb_book["invoices"] if row["id"] == invoice_id),
        stripe=stripe,
        payments=[row for row in fb_book["payments"] if row["invoiceid"] == invoice_id],
        paid=sum(row["amount"] for row in charges.values()),
        refunded=sum(
            row["amount"]
            for row in st_book["refunds"]
            if row["charge"] in charges and row["status"] not in UNDONE
        ),
        lost=sum(
            row["amount"]
            for row in st_book["disputes"]
            if row["charge"] in charges and row["status"] == "lost"
        ),
    )
