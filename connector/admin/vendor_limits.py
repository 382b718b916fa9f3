"""Limits of each vendor account and of its endpoints: what is in force, and why nobody may call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, Exists, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.forms import ModelForm
from django.http import HttpRequest

from connector.admin.base import OperatorsPage, section
from connector.admin.buttons import Button
from connector.admin.display import (
    BAD,
    GOOD,
    NOTHING,
    WARN,
    badge,
    column,
    exact,
    exact_time_column,
    time_column,
)
from connector.admin.filters import BY_TENANT, EndpointFilter, VendorFilter
from connector.admin.limit_figures import endpoints, in_flight, rate, reads_used, refused_share
from connector.admin.related import entries_of, rows_table
from connector.limits import deciding, reads, seeing
from connector.models import RateBucket, VendorIncident
from connector.roles import OPERATE
from tenants.models import StripeConnection

if TYPE_CHECKING:
    RateFormBase = ModelForm[RateBucket]
else:
    RateFormBase = ModelForm

OF_ACCOUNTS = ("most_in_flight", "reads_allowed")


class RateForm(RateFormBase):
    """A budget of nothing would stop all calls for ever."""

    def clean_rate_per_s(self) -> Any:
        """More than nothing, or empty."""
        rate_per_s = self.cleaned_data["rate_per_s"]
        if rate_per_s is not None and rate_per_s <= 0:
            raise ValidationError("More than 0, or empty for the setting's value.")
        return rate_per_s

    def clean_capacity(self) -> Any:
        """At least one call, or none is ever allowed."""
        capacity = self.cleaned_data["capacity"]
        if capacity is not None and capacity < 1:
            raise ValidationError("At least 1: a call needs a whole token.")
        return capacity


def _state(row: Any) -> str:
    until = seeing.blocked(row)
    if row.incident:
        return badge("vendor incident: one try a minute", BAD)
    if until is None:
        return badge("tries again", WARN) if seeing.is_paused(row) else badge("calls pass", GOOD)
    if seeing.is_paused(row):
        return badge("no answers: paused", BAD)
    return badge("vendor said: later", WARN)


def _is_stopped(row: RateBucket) -> bool:
    return bool(seeing.blocked(row) or row.failures or row.lowered_at or row.slow_until)


def _happened(row: RateBucket) -> list[Any]:
    ours = entries_of(row.tenant_id, f"ratebucket:{row.pk}")
    return [*entries_of(row.tenant_id, f"vendor:{row.vendor}"), *ours]


ADVICE = (
    "Empty follows the settings. Rate and burst together should stay below the vendor's limit: "
    "Stripe allows 100 calls per second in live mode, 25 in test mode, 25 per endpoint. "
    "Nothing is lost when a budget is used up: jobs wait for their turn."
)
NOW = (
    "tenant",
    "vendor",
    column("Endpoint", lambda row: row.endpoint or "whole account"),
    column("State", _state),
    column("Until", lambda row: exact(at) if (at := seeing.blocked(row)) else NOTHING),
    column("Calls per second", rate),
    column("Left at last call", lambda row: f"{row.tokens:.1f}"),
    exact_time_column("Last call", "updated_at"),
)
OF_THE_ACCOUNT_NOW = (
    column("Calling now", in_flight),
    column("Without answer in a row", lambda row: f"{row.failures}"),
    column("Refused as too many", refused_share),
    column("Reads this month", reads_used),
)
CHOSEN = ("rate_per_s", "capacity")
OF_AN_ENDPOINT = (section("Now", *NOW), section("Limits", *CHOSEN, note=ADVICE))
OF_AN_ACCOUNT = (
    section("Now", *NOW, *OF_THE_ACCOUNT_NOW),
    section("Limits", *CHOSEN, *OF_ACCOUNTS, note=ADVICE),
    section("Endpoints", column("Their budgets", endpoints)),
    section("What happened", column("Trail", lambda row: rows_table(_happened(row)))),
)


@admin.register(RateBucket)
class RateBucketPage(OperatorsPage):
    """The call budget of one vendor account or endpoint, shared by all workers."""

    form = RateForm
    editable = ("rate_per_s", "capacity", *OF_ACCOUNTS)
    changed_action = "rate_limit.changed"
    buttons = (
        Button(
            name="let_pass",
            label="Let calls pass",
            permission=OPERATE,
            explain="Ends the wait, closes the circuit breaker and forgets what refusals taught. "
            "If the vendor still does not answer or refuses, the account is paused again.",
            press=lambda rows, click: deciding.let_pass(rows, cause=click.cause),
            done="{rows} may call again.",
            noun="budget",
            icon="play_arrow",
            fits=_is_stopped,
        ),
    )
    empty_text = "No vendor was called yet. Each account's budget appears with its first call."
    list_display = (
        "vendor",
        "tenant",
        column("Endpoint", lambda row: row.endpoint or "whole account"),
        column("State", _state),
        column("Calls per second", rate),
        column("Calling now", in_flight),
        column("Reads this month", reads_used),
        time_column("Last call", "updated_at"),
    )
    list_filter = (BY_TENANT, VendorFilter, EndpointFilter)
    search_fields = ("tenant__name", "endpoint")
    ordering = ("tenant__name", "vendor", "endpoint")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what budgets depend on: the key's mode, payments, and whether the vendor is down."""
        live = StripeConnection.objects.filter(tenant=OuterRef("tenant"), livemode=True)
        down = VendorIncident.objects.filter(vendor=OuterRef("vendor"), opened_at__isnull=False)
        paid = reads.transactions().filter(tenant=OuterRef("tenant")).order_by().values("tenant")
        return (
            super()
            .get_queryset(request)
            .annotate(
                livemode=Exists(live),
                incident=Exists(down),
                transactions=Coalesce(
                    Subquery(paid.annotate(count=Count("pk")).values("count")), 0
                ),
            )
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """An endpoint has a rate only; what is about the account is on the account's page."""
        return OF_AN_ENDPOINT if obj is not None and obj.endpoint else OF_AN_ACCOUNT


@admin.register(VendorIncident)
class VendorIncidentPage(OperatorsPage):
    """A vendor that answers nobody: one call a minute is tried until it answers."""

    buttons = (
        Button(
            name="end",
            label="Close now",
            permission=OPERATE,
            explain="Lets all tenants call again, slowly at first. It opens again if most of "
            "them still get no answers.",
            press=lambda rows, click: deciding.end_incidents(rows, cause=click.cause),
            done="{rows} closed.",
            noun="incident",
            nothing="It is closed already.",
            icon="play_arrow",
            fits=lambda row: row.opened_at is not None,
        ),
    )
    empty_text = (
        "Both vendors have always answered. If more than half of the accounts that call one of "
        "them get no answers, at least three, it is listed here."
    )
    joins = ()
    list_display = (
        "vendor",
        column(
            "State",
            lambda row: badge("answers nobody", BAD) if row.opened_at else badge("answers", GOOD),
        ),
        time_column("Since", "opened_at"),
        time_column("Next try", "probe_at"),
        time_column("Ended", "closed_at"),
        column("Accounts", lambda row: f"{row.failing} of {row.calling}"),
    )
    ordering = ("vendor",)
    fieldsets = (
        section(
            None,
            "vendor",
            exact_time_column("Since", "opened_at"),
            exact_time_column("Next try", "probe_at"),
            exact_time_column("Ended", "closed_at"),
            column("Accounts without answers", lambda row: f"{row.failing} of {row.calling}"),
        ),
    )
