"""One line of a check of the connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WEBHOOK = "Webhook"  # the line about our endpoint at Stripe, there once a tenant is live

# Without these, fees and payouts are missing and everything else works.
FOR_FEES_AND_PAYOUTS = frozenset({"Balance: read", "Payouts: read"})

Side = Literal["freshbooks", "stripe"]


@dataclass(frozen=True, kw_only=True)
class PingLine:
    """One thing that was tried: did it work, what was said, and what to do about it."""

    side: Side
    what: str
    ok: bool
    message: str
    next_step: str = ""
