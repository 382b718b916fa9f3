"""What may happen to an invoice, how often, and in which steps."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal

from chaos.invariants.evidence import Connected

FATES: dict[str, int] = {
    "paid": 50,
    "paid in part": 8,
    "paid in two parts": 6,
    "overpaid": 2,
    "by cheque": 8,
    "cheque and card": 3,
    "refunded": 5,
    "refunded in part": 3,
    "disputed": 2,
    "edited": 5,
    "edited and paid": 3,
    "deleted": 2,
    "draft": 2,
    "voided by a person": 1,
    "our payment deleted": 1,
    "left open": 5,
}


@dataclass
class Story:
    """One invoice and what is still to happen to it."""

    of: Connected
    number: int
    fate: str
    cents: int
    id: int = 0
    steps: list[str] = field(default_factory=list)
    stripe_id: str = ""
    payment_intent: str = ""
    charge: str = ""


STEPS: dict[str, list[str]] = {
    "paid": ["pay"],
    "paid in part": ["pay half"],
    "paid in two parts": ["pay half", "pay"],
    "overpaid": ["pay more"],
    "by cheque": ["cheque"],
    "cheque and card": ["cheque for half", "pay"],
    "refunded": ["pay", "refund"],
    "refunded in part": ["pay", "refund half"],
    "disputed": ["pay", "dispute"],
    "edited": ["edit"],
    "edited and paid": ["edit", "pay"],
    "deleted": ["delete"],
    "draft": [],
    "voided by a person": ["void"],
    "our payment deleted": ["pay", "delete our payment"],
    "left open": [],
}


def split(cents: int, rng: random.Random) -> list[str]:
    """An amount as one to three lines."""
    parts = [cents]
    for _ in range(rng.randint(0, 2)):
        cut = rng.randint(1, parts[-1] - 1)
        parts[-1:] = [cut, parts[-1] - cut]
        if parts[-1] < 2:
            break
    return [decimal(part) for part in parts]


def decimal(cents: int) -> str:
    """Cents as FreshBooks writes them."""
    return str(Decimal(cents).scaleb(-2))
