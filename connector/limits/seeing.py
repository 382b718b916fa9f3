"""What people see of an account's limits: the rate of this moment, who calls, why nobody may."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils import timezone

from connector.limits import budgets
from connector.limits.budgets import Budget
from connector.limits.taking import BREAK_AFTER_FAILURES
from connector.models import RateBucket


def budget_of(row: RateBucket, *, livemode: bool) -> Budget:
    """What is in force for this row: what somebody chose for it, else the default."""
    default = (
        budgets.endpoint_budget(row.vendor)
        if row.endpoint
        else budgets.account_budget(row.vendor, livemode=livemode)
    )
    rate, burst = row.rate_per_s, row.capacity
    return Budget(
        rate_per_s=default.rate_per_s if rate is None else float(rate),
        burst=default.burst if burst is None else float(burst),
    )


def rate_now(row: RateBucket, *, budget: Budget) -> float:
    """Calls per second at this moment, after what 429s taught. The same as `taking.ADAPTED`."""
    chosen = budget.rate_per_s if row.rate_per_s is None else float(row.rate_per_s)
    if row.lowered_at is None or row.ceiling_per_s is None or row.lowered_per_s is None:
        return chosen
    past = (timezone.now() - row.lowered_at).total_seconds() / row.recovery_s
    faster = row.ceiling_per_s * max(0.0, past - 1) ** 2
    slowly = (row.ceiling_per_s - row.lowered_per_s) * past
    return min(chosen, row.lowered_per_s + slowly + faster)


def calls_now(row: RateBucket) -> int:
    """How many workers call this account now, or did a moment ago."""
    now = timezone.now().timestamp()
    return sum(float(until) > now for until in row.in_flight.values())


def most_in_flight(row: RateBucket) -> int:
    """How many may."""
    return row.most_in_flight or settings.VENDOR_CALLS_AT_ONCE


def is_paused(row: RateBucket) -> bool:
    """Whether it got no answers: its breaker is open."""
    return row.failures >= BREAK_AFTER_FAILURES


def blocked(row: RateBucket) -> datetime | None:
    """Until when nobody may call; None if that is over."""
    until: datetime | None = row.blocked_until
    return until if until and until > timezone.now() else None
