"""Outages, and what catching up found: the receipt for each tenant."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.utils.html import format_html
from django.utils.safestring import SafeString

from connector.admin import tones
from connector.admin.base import OperatorsPage, section
from connector.admin.display import (
    NOTHING,
    badge,
    column,
    exact,
    exact_time_column,
    list_of,
    page_of,
    state_column,
    time_column,
)
from connector.admin.filters import BY_TENANT, StateFilter, TimeFilter
from connector.admin.related import Related, entries_of, rows_table
from connector.jobs.kinds import POLL_FRESHBOOKS, POLL_MONEY, POLL_STRIPE, RECONCILE_ALL
from connector.models import Gap, PollFeed, SyncJob

LOOKS = [kind.name for kind in (POLL_FRESHBOOKS, POLL_STRIPE, POLL_MONEY, RECONCILE_ALL)]


def _lasted(gap: Gap) -> str:
    hours = int((gap.ended_at - gap.began_at).total_seconds()) // 3600
    return f"{hours} hours" if hours < 72 else f"{hours // 24} days"


def _found(gap: Gap) -> str:
    missing, feeds = len(gap.missing), len(gap.feeds)
    still = f", {missing} of {feeds} feeds still to be read" if missing else ""
    return f"{gap.found:,}{still}"


def _per_feed(gap: Gap) -> str:
    rows = []
    for feed in map(PollFeed.Feed, gap.feeds):
        finding = gap.findings.get(feed.value)
        rows.append(
            Related(
                when=exact(_moment(finding)) if finding else NOTHING,
                what=feed.label,
                url=f"{list_of(PollFeed, tenant__id__exact=gap.tenant_id, feed__exact=feed.value)}",
                note=finding["result"] if finding else "Not read yet: see its job.",
            )
        )
    return rows_table(rows)


def _moment(finding: dict[str, Any]) -> Any:
    return PollFeed._meta.get_field("last_finished_at").to_python(finding["at"])  # noqa: SLF001


def _work(gap: Gap) -> str:
    """How the work ended that catching up queued; counted now, so it is never out of date."""
    jobs = SyncJob.objects.filter(tenant_id=gap.tenant_id, correlation_id=gap.correlation_id)
    counts = jobs.exclude(kind__in=LOOKS).order_by().values_list("state").annotate(Count("pk"))
    shown = [
        badge(f"{SyncJob.State(state).label}: {count:,}", tones.JOB[state])
        for state, count in sorted(counts)
    ]
    return SafeString(" ".join(shown)) if shown else "Nothing had to be done."


def _unfinished(gap: Gap) -> str:
    """What waits for somebody, each a link."""
    jobs = SyncJob.objects.filter(
        tenant_id=gap.tenant_id,
        correlation_id=gap.correlation_id,
        state__in=[SyncJob.State.HELD, SyncJob.State.DEAD],
    ).order_by("pk")[:50]
    rows = [
        Related(
            when=exact(job.created_at),
            what=str(job),
            url=page_of(job),
            state=badge(job.get_state_display(), tones.JOB[job.state]),
            note=job.failure_message,
        )
        for job in jobs
    ]
    return rows_table(rows) if rows else NOTHING


@admin.register(Gap)
class GapPage(OperatorsPage):
    """One outage of one tenant."""

    empty_text = (
        "There was no outage. When nothing could be read for a tenant for six hours longer than "
        "planned, all that was missed is read then, and what was found is kept here."
    )
    list_display = (
        column("From", lambda gap: exact(gap.began_at), order="began_at"),
        "tenant",
        time_column("To", "ended_at"),
        column("Lasted", _lasted),
        state_column("State", "state", tones.GAP),
        column("Found that nobody had told of", _found),
    )
    list_filter = (BY_TENANT, ("state", StateFilter), ("ended_at", TimeFilter))
    search_fields = ("tenant__name", "tenant__slug")
    ordering = ("-ended_at",)
    fieldsets = (
        section(
            None,
            "tenant",
            exact_time_column("From", "began_at"),
            exact_time_column("To", "ended_at"),
            column("Lasted", _lasted),
            state_column("State", "state", tones.GAP),
            exact_time_column("Caught up", "closed_at"),
            column(
                "Stripe's events",
                lambda gap: (
                    "The earlier part of the time is longer ago than Stripe keeps events. Every "
                    "invoice that was not settled was looked at by itself."
                    if gap.beyond_events
                    else "Stripe still had all events of the time."
                ),
            ),
        ),
        section(
            "What was found",
            column("Nobody had told of", _found),
            column("By feed", _per_feed),
            note="Changes, events and movements of this time that no webhook brought.",
        ),
        section(
            "What followed",
            column("Work", _work),
            column("Waits for somebody", _unfinished),
            column(
                "Audit entries", lambda gap: rows_table(entries_of(gap.tenant_id, f"gap:{gap.pk}"))
            ),
        ),
    )


def gap_cards(gaps: Any) -> list[dict[str, Any]]:
    """For the first page: what was caught up lately, if anything was."""
    counts = gaps.aggregate(all=Count("pk"), open=Count("pk", filter=Q(state=Gap.State.OPEN)))
    if not counts["all"]:
        return []
    still = counts["open"]
    return [
        {
            "title": "Outages caught up",
            "value": f"{counts['all'] - still:,}",
            "note": format_html("of {} in 30 days", f"{counts['all']:,}"),
            "tone": tones.GAP[Gap.State.OPEN if still else Gap.State.CLOSED],
            "url": list_of(Gap),
        }
    ]
