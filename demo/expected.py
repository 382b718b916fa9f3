"""What the demo expects of each invoice, from what it did itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from demo.month import Fate, Invoice

OBSERVE = "observe"
NOT_REPRESENTABLE = "not_representable"
NOT_RECORDED = "payment_not_recorded"
REFUNDED = "refunded"
DISPUTED = "disputed"


class InStripe(StrEnum):
    """How an invoice should stand in Stripe."""

    NOWHERE = "not there"
    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"


@dataclass
class Expected:
    """One invoice: written by a person in FreshBooks, paid by a person or by cheque."""

    key: str
    fate: Fate
    mode: str
    currency: str
    client: str
    total: int
    freshbooks_id: int
    is_draft: bool = False
    deleted: bool = False
    blocked: bool = False
    settled_before: bool = False
    card: int = 0
    cheques: int = 0
    pending: int = 0
    card_payments: int = 0
    returned: int = 0
    disputed: bool = False
    revisions: int = 1

    @property
    def recorded(self) -> int:
        """What the connector should have written to FreshBooks."""
        return 0 if self.mode == OBSERVE else self.kept

    @property
    def kept(self) -> int:
        """What of the card payments did not go back."""
        return self.card - self.returned

    @property
    def freshbooks_outstanding(self) -> int:
        """What FreshBooks should still ask for."""
        return self.total - self.cheques - self.recorded

    @property
    def stripe_remaining(self) -> int:
        """What Stripe should still ask for."""
        return self.total - self.cheques - self.card

    @property
    def in_stripe(self) -> InStripe:
        """How the invoice should stand in Stripe."""
        if self.blocked or self.settled_before:
            return InStripe.NOWHERE
        if self.deleted:
            return InStripe.VOID
        if self.is_draft:
            return InStripe.DRAFT
        return InStripe.PAID if self.stripe_remaining == 0 else InStripe.OPEN

    @property
    def synced(self) -> bool:
        """Whether both sides should have it, so that their figures can be compared."""
        return self.in_stripe in (InStripe.DRAFT, InStripe.OPEN, InStripe.PAID)

    @property
    def discrepancies(self) -> frozenset[str]:
        """The kinds of discrepancy that the product should report, with reasons."""
        if self.blocked:
            return frozenset({NOT_REPRESENTABLE})
        found = {
            NOT_RECORDED: self.mode == OBSERVE and self.kept > 0,
            REFUNDED: self.returned > 0,
            DISPUTED: self.disputed,
        }
        return frozenset(kind for kind, expected in found.items() if expected)


def expect(invoice: Invoice, *, mode: str, client: str, freshbooks_id: int) -> Expected:
    """What to expect right after the invoice was written."""
    return Expected(
        key=invoice.key,
        fate=invoice.fate,
        mode=mode,
        currency=invoice.currency,
        client=client,
        total=invoice.total_minor(),
        freshbooks_id=freshbooks_id,
        is_draft=invoice.fate in (Fate.DRAFT, Fate.DRAFT_THEN_SENT),
        blocked=invoice.fate in (Fate.TOO_SMALL, Fate.NO_EMAIL),
        settled_before=invoice.fate == Fate.PAID_BEFORE,
    )
