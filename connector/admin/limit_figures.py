"""Figures of a vendor account for its page: rate, who calls, what was refused, reads, endpoints."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q, Sum
from django.utils import timezone
from django.utils.html import format_html

from connector.admin.display import BAD, NOTHING, QUIET, WARN, badge, page_of
from connector.admin.related import Related, rows_table
from connector.limits import reads, seeing
from connector.models import CallCount, RateBucket

REFUSED_MOST = 0.005  # a higher share of 429s means that the rate does not fit


def rate(row: Any) -> str:
    """What is allowed now, and what was chosen if that is more."""
    budget = seeing.budget_of(row, livemode=row.livemode)
    now = seeing.rate_now(row, budget=budget)
    chosen = f"{_number(budget.rate_per_s)}, burst {_number(budget.burst)}"
    if now >= budget.rate_per_s:
        return chosen
    return format_html("{} {}", badge(f"lowered to {_number(now)}", WARN), f"of {chosen}")


def in_flight(row: RateBucket) -> str:
    """Workers that call this account, of how many may."""
    if row.endpoint:
        return NOTHING
    most = "1, it is slow" if _is_slow(row) else f"{seeing.most_in_flight(row)}"
    return f"{seeing.calls_now(row)} of {most}"


def reads_used(row: Any) -> str:
    """Reads of this month, of what Stripe allows."""
    if row.vendor != "stripe" or row.endpoint:
        return NOTHING
    now = timezone.now()
    used = row.reads if row.reads_month == now.date().replace(day=1) else 0
    allowed = reads.allowed(row.reads_allowed, transactions=row.transactions)
    share = used / allowed
    tone = BAD if share >= 1 else WARN if share >= reads.WARN_SHARE else QUIET
    return badge(f"{used:,} of {allowed:,} ({share:.0%})", tone)


def refused_share(row: RateBucket) -> str:
    """429s of today and of seven days, as a share of all calls."""
    today = timezone.now().date()
    parts = []
    for words, since in (("today", today), ("in 7 days", today - timedelta(days=6))):
        counted = CallCount.objects.filter(
            tenant_id=row.tenant_id, vendor=row.vendor, day__gte=since
        ).aggregate(all=Sum("calls"), refused=Sum("calls", filter=Q(outcome="rate_limited")))
        calls, refused = counted["all"] or 0, counted["refused"] or 0
        share = refused / calls if calls else 0
        tone = WARN if share > REFUSED_MOST else QUIET
        parts.append(badge(f"{words}: {refused:,} of {calls:,} ({share:.2%})", tone))
    return format_html("{} {}", *parts)


def endpoints(row: Any) -> str:
    """The endpoints that were called, each with its own budget."""
    rows = RateBucket.objects.filter(tenant_id=row.tenant_id, vendor=row.vendor)
    lines = []
    for one in rows.exclude(endpoint="").order_by("endpoint"):
        one.livemode = row.livemode
        until = seeing.blocked(one)
        state = badge("vendor said: later", WARN) if until else ""
        lines.append(
            Related(
                when=f"{one.updated_at:%Y-%m-%d %H:%M:%S}",
                what=one.endpoint,
                url=page_of(one),
                state=state,
                note=rate(one),
            )
        )
    return rows_table(lines)


def _is_slow(row: RateBucket) -> bool:
    return row.slow_until is not None and row.slow_until > timezone.now()


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
