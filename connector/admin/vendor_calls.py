"""How the vendors are called: feeds, budgets, counters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import ModelForm

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
from connector.models import CallCount, PollFeed, RateBucket

if TYPE_CHECKING:
    RateFormBase = ModelForm[RateBucket]
else:
    RateFormBase = ModelForm

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


class RateForm(RateFormBase):
    """A budget of nothing would stop all calls for ever."""

    def clean_rate_per_s(self) -> Any:
        """More than nothing."""
        return _positive(self.cleaned_data["rate_per_s"])

    def clean_capacity(self) -> Any:
        """At least one call, or none is ever allowed."""
        capacity = _positive(self.cleaned_data["capacity"])
        if capacity < 1:
            raise ValidationError("At least 1: a call needs a whole token.")
        return capacity


def _positive(value: Any) -> Any:
    if value <= 0:
        raise ValidationError("More than 0.")
    return value


@admin.register(RateBucket)
class RateBucketPage(OperatorsPage):
    """The call budget for one vendor account, shared by all workers."""

    form = RateForm
    editable = ("rate_per_s", "capacity")
    changed_action = "rate_limit.changed"
    empty_text = "No vendor was called yet. Each account's budget appears with its first call."
    list_display = (
        "vendor",
        "tenant",
        column("Rate", lambda row: f"{row.rate_per_s.normalize():f} per second"),
        column("Burst", lambda row: f"{row.capacity.normalize():f}"),
        column("Left at last call", lambda row: f"{row.tokens:.1f}"),
        time_column("Last call", "updated_at"),
        time_column("Blocked until", "blocked_until"),
        column("Failures in a row", lambda row: str(row.failures) if row.failures else NOTHING),
    )
    list_filter = (BY_TENANT, VendorFilter)
    search_fields = ("tenant__name",)
    ordering = ("tenant__name", "vendor")
    fieldsets = (
        section(
            None,
            "tenant",
            "vendor",
            "rate_per_s",
            "capacity",
            column("Left at last call", lambda row: f"{row.tokens:.1f}"),
            exact_time_column("Last call", "updated_at"),
            exact_time_column("Blocked until", "blocked_until"),
            column("Failures in a row", lambda row: f"{row.failures}"),
            note="Calls per second and at once, for this account. A job that finds the budget empty waits its turn; nothing is lost. After five calls in a row without an answer nobody calls for a while, from 2 seconds to 5 minutes.",
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
