"""The first page: the numbers that matter, per tenant, each a link to the rows behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Count, Model, Q, Sum
from django.http import HttpRequest
from django.utils import timezone

from connector.admin import tones
from connector.admin.display import BAD, BUSY, GOOD, NOTHING, QUIET, WARN, badge, list_of, moment
from connector.admin.gaps import gap_cards
from connector.admin.tenants import with_connections
from connector.models import (
    CollectedPayment,
    Discrepancy,
    Gap,
    InvoiceLink,
    OutsidePayment,
    PollFeed,
    RefusedDelivery,
    StrayPayment,
    SyncJob,
)
from connector.ticking import clock_problem
from tenants.models import ConnectionState, Tenant

MOST_TENANTS = 200
Recording = CollectedPayment.Recording


@dataclass(frozen=True, kw_only=True)
class Number:
    """One number that is counted per tenant: which rows, and in which colour if there are any."""

    key: str
    title: str
    model: type[Model]
    filters: dict[str, Any]
    tone: str
    shown_by: dict[str, str] = field(default_factory=dict)  # the list's filter, if it has another

    def url(self, **more: Any) -> str:
        """The list of the rows behind it."""
        shown = self.shown_by or {f"{name}__exact": v for name, v in self.filters.items()}
        return list_of(self.model, **shown, **more)


def _number(key: str, title: str, model: type[Model], tone: str, **filters: str) -> Number:
    return Number(key=key, title=title, model=model, filters=filters, tone=tone)


OPEN = Discrepancy.State.OPEN
NUMBERS = (
    _number("errors", "Act", Discrepancy, BAD, state=OPEN, severity="error"),
    _number("warnings", "Look", Discrepancy, WARN, state=OPEN, severity="warning"),
    _number("infos", "Info", Discrepancy, QUIET, state=OPEN, severity="info"),
    _number("dead", "Failed", SyncJob, BAD, state=SyncJob.State.DEAD),
    _number("held", "Held", SyncJob, WARN, state=SyncJob.State.HELD),
    _number("queued", "Queued", SyncJob, BUSY, state=SyncJob.State.QUEUED),
    _number("running", "Running", SyncJob, BUSY, state=SyncJob.State.RUNNING),
    _number(
        "awaiting", "To approve", CollectedPayment, WARN, recording=Recording.AWAITING_APPROVAL
    ),
    Number(
        key="lowering",
        title="To lower",
        model=CollectedPayment,
        filters={"lowering_proposed_minor__isnull": False},
        tone=WARN,
        shown_by={"follow": "waits"},
    ),
    _number("needs_you", "Needs you", CollectedPayment, WARN, recording=Recording.NEEDS_YOU),
    _number(
        "outside", "Outside", OutsidePayment, WARN, reporting=OutsidePayment.Reporting.NEEDS_YOU
    ),
    _number("unmatched", "Unmatched", StrayPayment, WARN, state=StrayPayment.State.UNMATCHED),
    _number("blocked", "Blocked", InvoiceLink, WARN, state=InvoiceLink.State.BLOCKED),
)
GROUPS = (
    ("Discrepancies", ("errors", "warnings", "infos")),
    ("Jobs", ("dead", "held", "queued", "running")),
    ("Payments", ("awaiting", "lowering", "needs_you", "outside", "unmatched")),
    ("Invoices", ("blocked",)),
)
TROUBLE = (
    "errors",
    "dead",
    "held",
    "awaiting",
    "lowering",
    "needs_you",
    "outside",
    "unmatched",
    "blocked",
)


@dataclass
class Line:
    """One tenant's line of the table."""

    tenant: Any
    counts: dict[str, int] = field(default_factory=dict)
    polled: dict[str, Any] = field(default_factory=dict)

    @property
    def trouble(self) -> int:
        """How much waits for a person; connections that are lost come first."""
        lost = ConnectionState.NEEDS_REAUTH in {
            self.tenant.freshbooks_state,
            self.tenant.stripe_state,
        }
        return sum(self.counts.get(key, 0) for key in TROUBLE) + (10**9 if lost else 0)


def add_numbers(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Called by unfold for the first page."""
    if not request.user.has_perm("tenants.view_tenant"):
        return context | {"no_role": True}
    shown = [number for number in NUMBERS if _may_see(request, number.model)]
    counts = {number.key: _count(number) for number in shown}
    lines = _lines(counts)
    return context | {
        "title": "Overview",
        "cards": [*_state_cards(), *_cards(request, shown, counts), *_gap_cards(request)],
        "groups": [
            (title, [number.title for number in shown if number.key in keys])
            for title, keys in GROUPS
            if any(number.key in keys for number in shown)
        ],
        "lines": [_told(line, shown) for line in lines[:MOST_TENANTS]],
        "left_out": max(0, len(lines) - MOST_TENANTS),
        "tenants_url": list_of(Tenant),
    }


def _may_see(request: HttpRequest, model: type[Model]) -> bool:
    meta = model._meta  # noqa: SLF001 - Django's public way to a model's names
    return request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}")


def _count(number: Number) -> dict[int, int]:
    """One query: how many rows each tenant has."""
    rows = number.model._default_manager.filter(**number.filters).order_by()  # noqa: SLF001
    return dict(rows.values_list("tenant_id").annotate(count=Count("pk")))


def _lines(counts: dict[str, dict[int, int]]) -> list[Line]:
    lines = {
        tenant.pk: Line(tenant)
        for tenant in with_connections(Tenant.objects.exclude(state=Tenant.State.ERASED))
    }
    for key, by_tenant in counts.items():
        for tenant_id, count in by_tenant.items():
            lines[tenant_id].counts[key] = count
    for feed in PollFeed.objects.only("tenant_id", "feed", "last_finished_at"):
        lines[feed.tenant_id].polled[feed.feed] = feed.last_finished_at
    return sorted(lines.values(), key=lambda line: (-line.trouble, line.tenant.name))


def _told(line: Line, shown: Iterable[Number]) -> dict[str, Any]:
    tenant = line.tenant
    return {
        "name": tenant.name,
        "url": f"{list_of(Tenant)}{tenant.pk}/change/",
        "state": badge(tenant.get_state_display(), tones.TENANT.get(tenant.state, QUIET)),
        "connections": [
            _connection("FB", tenant.freshbooks_state),
            _connection("Stripe", tenant.stripe_state),
        ],
        "cells": [_cell(number, line) for number in shown],
        "polled": [moment(line.polled.get(feed)) for feed in PollFeed.Feed.values],
    }


def _cell(number: Number, line: Line) -> dict[str, Any]:
    count = line.counts.get(number.key, 0)
    return {
        "text": f"{count:,}" if count else NOTHING,
        "tone": number.tone if count else QUIET,
        "url": number.url(tenant__id__exact=line.tenant.pk) if count else "",
    }


def _connection(name: str, state: str | None) -> str:
    if not state:
        return badge(f"{name}: none", QUIET)
    known = ConnectionState(state)
    words = {"connected": "ok", "needs_reauth": "reconnect", "disconnected": "off"}[known.value]
    return badge(f"{name}: {words}", tones.CONNECTION[known])


def _state_cards() -> list[dict[str, Any]]:
    totals = Tenant.objects.aggregate(
        live=Count("pk", filter=Q(state=Tenant.State.LIVE)), all=Count("pk")
    )
    return [
        {
            "title": "Tenants live",
            "value": f"{totals['live']:,}",
            "note": f"of {totals['all']:,}",
            "tone": GOOD,
            "url": list_of(Tenant, state__exact=Tenant.State.LIVE),
        },
        *_clock_card(),
    ]


def _gap_cards(request: HttpRequest) -> list[dict[str, Any]]:
    if not _may_see(request, Gap):
        return []
    return gap_cards(Gap.objects.filter(ended_at__gte=timezone.now() - timedelta(days=30)))


def _clock_card() -> list[dict[str, Any]]:
    """Only if something is wrong: without the clock nothing is polled, and nobody would notice."""
    problem = clock_problem()
    if not problem:
        return []
    return [{"title": "The clock", "value": "!", "note": problem, "tone": BAD, "url": ""}]


def _cards(
    request: HttpRequest, shown: list[Number], counts: dict[str, dict[int, int]]
) -> list[dict[str, Any]]:
    wanted = ("errors", "dead", "held", "awaiting", "needs_you", "unmatched", "blocked")
    names = {
        "errors": "Discrepancies",
        "dead": "Failed jobs",
        "held": "Held jobs",
        "awaiting": "To approve",
        "needs_you": "Stuck payments",
        "unmatched": "Unmatched money",
        "blocked": "Stuck invoices",
    }
    cards = [
        _card(names[number.key], sum(counts[number.key].values()), number.tone, number.url())
        for number in shown
        if number.key in wanted
    ]
    if _may_see(request, RefusedDelivery):
        today = RefusedDelivery.objects.filter(day=timezone.now().date())
        refused = today.aggregate(total=Sum("count"))["total"] or 0
        cards.append(_card("Refused today", refused, WARN, list_of(RefusedDelivery)))
    return cards


def _card(title: str, value: int, tone: str, url: str) -> dict[str, Any]:
    return {
        "title": title,
        "value": f"{value:,}",
        "note": "",
        "tone": tone if value else QUIET,
        "url": url,
    }
