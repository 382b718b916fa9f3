"""How the vendors are called: feeds and counters."""

from __future__ import annotations

from django.contrib import admin

from connector.admin.base import OperatorsPage, section
from connector.admin.display import (
    BAD,
    GOOD,
    NOTHING,
    QUIET,
    WARN,
    badge,
    column,
    exact_time_column,
    pretty_json,
    text_column,
    time_column,
)
from connector.admin.filters import BY_TENANT, DayFilter, OutcomeFilter, StateFilter, VendorFilter
from connector.models import CallCount, PollFeed

OUTCOME_TONES = {
    "ok": GOOD,
    "rate_limited": WARN,
    "refused": WARN,
    "unavailable": WARN,
    "unknown": BAD,
    "broken": BAD,
}


def _webhooks(feed: PollFeed) -> str:
    return (
        badge("silent: only polling finds what happens", WARN)
        if feed.webhooks_are_silent
        else NOTHING
    )


@admin.register(PollFeed)
class PollFeedPage(OperatorsPage):
    """How far one feed of a tenant was read, and when it is looked at next."""

    empty_text = (
        "No tenant is live yet. Each live tenant has four feeds: FreshBooks, Stripe, movements of "
        "money, and the full comparison."
    )
    list_display = (
        "feed",
        "tenant",
        time_column("Last finished", "last_finished_at"),
        text_column("Found", lambda row: row.last_result),
        time_column("Next", "next_due_at"),
        column("Webhooks", _webhooks),
    )
    list_filter = (BY_TENANT, ("feed", StateFilter))
    search_fields = ("tenant__name", "tenant__slug")
    ordering = ("tenant__name", "feed")
    fieldsets = (
        section(
            None,
            "tenant",
            "feed",
            exact_time_column("Last started", "last_started_at"),
            exact_time_column("Last finished", "last_finished_at"),
            column("Found", lambda row: row.last_result or NOTHING),
            exact_time_column("Next", "next_due_at"),
            column("Read up to", lambda row: pretty_json(row.watermarks)),
        ),
    )


@admin.register(CallCount)
class CallCountPage(OperatorsPage):
    """Calls of one day and operation, by outcome."""

    empty_text = "No vendor was called yet. Calls are counted here by day, operation and outcome."
    list_display = (
        "day",
        "tenant",
        "operation",
        column("Outcome", lambda row: badge(row.outcome, OUTCOME_TONES.get(row.outcome, QUIET))),
        column("Calls", lambda row: f"{row.calls:,}", order="calls"),
        column("Mean", lambda row: f"{row.total_ms // max(1, row.calls):,} ms"),
    )
    list_filter = (BY_TENANT, VendorFilter, OutcomeFilter, ("day", DayFilter))
    search_fields = ("operation",)
    ordering = ("-day", "tenant__name", "operation", "outcome")
    date_hierarchy = "day"
    fieldsets = (
        section(None, "tenant", "day", "vendor", "operation", "outcome", "calls", "total_ms"),
    )
