"""Stripe's allowance of reads: about 500 per transaction over 30 days, at least 10,000 a month.

Only background work is slowed down for it, so that the rest of the month's reads are there for
payments: never a job that moves money. Source: docs.stripe.com/rate-limits.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from connector.models import BalanceMovement

PER_TRANSACTION = 500
AT_LEAST = 10_000
WARN_SHARE = 0.8
LONGEST_WAIT_S = 3600.0
TRANSACTIONS = ("charge", "payment")


def transactions() -> QuerySet[BalanceMovement]:
    """The payments of the last 30 days, of all tenants in the scope."""
    since = timezone.now() - timedelta(days=30)
    rows: QuerySet[BalanceMovement] = BalanceMovement.objects.filter(
        type__in=TRANSACTIONS, created_at__gte=since
    )
    return rows


def allowed(chosen: int | None, *, transactions: int) -> int:
    """Reads this month: what somebody chose, or by the payments of the last 30 days."""
    return chosen or max(AT_LEAST, PER_TRANSACTION * transactions)


def may_be_short(used: int, chosen: int | None) -> bool:
    """Whether it is worth counting payments at all."""
    return used >= WARN_SHARE * (chosen or AT_LEAST)


def wait_s(used: int, budget: int, *, now: datetime) -> float:
    """How long background work waits: until the month is as far on as its reads; 0: not at all."""
    if used < WARN_SHARE * budget:
        return 0.0
    month_s = monthrange(now.year, now.month)[1] * 86_400
    began = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    gone_s = (now - began).total_seconds()
    ahead_s = min(used / budget, 1.0) * month_s - gone_s
    return min(LONGEST_WAIT_S, max(0.0, ahead_s))
