"""What came in: deliveries of both vendors, and the count of those that were refused."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html

from connector import decisions
from connector.admin import tones
from connector.admin.base import OperatorsPage, section
from connector.admin.buttons import Button
from connector.admin.display import (
    NOTHING,
    column,
    exact_time_column,
    state_column,
    text_column,
    time_column,
)
from connector.admin.filters import BY_TENANT, DayFilter, SourceFilter, StateFilter, TimeFilter
from connector.admin.plan_buttons import REPLAY_BUTTON
from connector.admin.related import entries_of, jobs_of, rows_table
from connector.jobs.kinds import ROUTE_DELIVERY
from connector.models import Delivery, RefusedDelivery
from connector.roles import REPLAY


def _what_followed(row: Delivery) -> str:
    jobs = jobs_of(row.tenant_id, kind=ROUTE_DELIVERY.name, subject=str(row.pk))
    return rows_table([*jobs, *entries_of(row.tenant_id, f"delivery:{row.pk}")])


@admin.register(Delivery)
class DeliveryPage(OperatorsPage):
    """One verified hint that an object may have changed."""

    buttons = (
        Button(
            name="replay",
            label="Replay",
            permission=REPLAY,
            explain="Works on it again, as if it had just come in. The object is read anew, so "
            "replaying twice does nothing twice.",
            press=lambda rows, click: decisions.replay_deliveries(rows, cause=click.cause),
            done="{rows} queued to be worked on again.",
            noun="delivery",
            icon="replay",
        ),
        REPLAY_BUTTON,
    )
    empty_text = (
        "Nothing came in yet. Every verified webhook of both vendors appears here, and every "
        "event that only polling found."
    )
    list_display = (
        "event_type",
        "tenant",
        "source",
        "object_id",
        state_column("State", "state", tones.DELIVERY),
        "via",
        "duplicates",
        text_column("Outcome", lambda row: row.note),
        time_column("Received", "received_at"),
    )
    list_filter = (
        BY_TENANT,
        ("source", StateFilter),
        ("state", StateFilter),
        ("via", StateFilter),
        ("received_at", TimeFilter),
    )
    search_fields = ("event_id__exact", "object_id__exact", "invoice_id__exact")
    search_help_text = "Event id, object id or Stripe invoice id, in full"
    ordering = ("-id",)
    fieldsets = (
        section(
            None,
            "tenant",
            "source",
            "event_type",
            column("Event id", lambda row: row.event_id or "FreshBooks sends none"),
            "object_type",
            "object_id",
            column("Invoice", lambda row: row.invoice_id or NOTHING),
            "via",
            state_column("State", "state", tones.DELIVERY),
            column("Outcome", lambda row: row.note or NOTHING),
            "duplicates",
        ),
        section(
            "Times",
            exact_time_column("Happened", "happened_at"),
            exact_time_column("Received", "received_at"),
            exact_time_column("Worked on", "processed_at"),
        ),
        section("What followed", column("Jobs and audit entries", _what_followed)),
    )


@admin.register(RefusedDelivery)
class RefusedDeliveryPage(OperatorsPage):
    """A counter per day, source and reason."""

    empty_text = (
        "No delivery was refused. Unsigned, wrongly signed, too old or malformed ones are counted "
        "here by day and reason; nothing else of them is kept."
    )
    list_display = (
        "day",
        "source",
        column("Reason", lambda row: row.reason.replace("_", " ")),
        column("Count", lambda row: format_html("{}", f"{row.count:,}"), order="count"),
        time_column("Last", "last_at"),
    )
    list_filter = (("day", DayFilter), SourceFilter)
    joins = ()
    search_fields = ("reason",)
    ordering = ("-day", "source", "reason")
    date_hierarchy = "day"
    fieldsets = (
        section(None, "day", "source", "reason", "count", exact_time_column("Last", "last_at")),
    )
