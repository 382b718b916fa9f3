"""Tenants: their settings, and what an operator does for a whole tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from connector import cadence, decisions, decisions_tenants
from connector.admin import tones
from connector.admin.base import OperatorsPage, section
from connector.admin.buttons import Button
from connector.admin.display import (
    NOTHING,
    badge,
    column,
    exact_time_column,
    link,
    list_of,
    state_column,
    time_column,
)
from connector.admin.erasing import ERASE_BUTTON
from connector.admin.filters import StateFilter
from connector.admin.plan_buttons import TENANT_BUTTONS, divert_mode
from connector.connecting import links
from connector.models import ClientLink, Discrepancy, Gap, InvoiceLink, PollFeed, SyncJob
from connector.roles import OPERATE, REFRESH
from tenants.models import ConnectionState, FreshBooksConnection, StripeConnection, Tenant

if TYPE_CHECKING:
    TenantFormBase = ModelForm[Tenant]
else:
    TenantFormBase = ModelForm

SCHEDULE_FIELDS = frozenset({"poll_interval_s", "poll_crontab", "time_zone"})


class TenantForm(TenantFormBase):
    """The settings that are edited by hand, refused where the schedule would not understand them."""

    def clean_poll_crontab(self) -> str:
        """Empty, or five fields that make sense."""
        text = str(self.cleaned_data["poll_crontab"]).strip()
        if text:
            cadence.parse_crontab(text)
        return text


def _is(*states: str) -> Any:
    return lambda tenant: tenant.state in states


BUTTONS = (
    Button(
        name="poll_now",
        label="Poll now",
        permission=REFRESH,
        explain="Asks both vendors what changed since the last poll, and looks at all of it.",
        press=lambda rows, click: decisions.poll_now(rows, cause=click.cause),
        done="Polls are queued for {rows}.",
        noun="tenant",
        icon="refresh",
    ),
    Button(
        name="reconcile_now",
        label="Reconcile now",
        permission=REFRESH,
        explain="Compares every invoice on both sides. For a large account this takes minutes.",
        press=lambda rows, click: decisions.reconcile_now(rows, cause=click.cause),
        done="The full comparison is queued for {rows}.",
        noun="tenant",
        icon="rule",
    ),
    Button(
        name="ping",
        group="Connections",
        label="Ping",
        permission=REFRESH,
        explain="Checks both connections, permission by permission. Nothing is written.",
        press=lambda rows, click: decisions.ping_now(rows, cause=click.cause),
        done="The check is queued for {rows}: see the connections in a moment.",
        noun="tenant",
        icon="network_ping",
    ),
    Button(
        name="register_webhooks",
        group="Connections",
        label="Register webhooks again",
        permission=OPERATE,
        explain="Tells both vendors once more where to send their webhooks.",
        press=lambda rows, click: decisions.register_webhooks_again(rows, cause=click.cause),
        done="Registering webhooks is queued for {rows}.",
        noun="tenant",
        icon="webhook",
    ),
    Button(
        name="onboarding_link",
        group="Connections",
        label="Make an onboarding link",
        permission=OPERATE,
        explain="Lets whoever holds the link connect FreshBooks and Stripe for this tenant, without "
        "a login here, for seven days. The link is shown once.",
        tell=lambda row, click: links.make_link(row.pk, cause=click.cause),
        icon="link",
    ),
    Button(
        name="revoke_links",
        group="Connections",
        label="End onboarding links",
        permission=OPERATE,
        explain="Ends every onboarding link of the tenant at once.",
        press=lambda rows, click: sum(
            links.revoke_links(row.pk, cause=click.cause) for row in rows
        ),
        done="{rows} ended.",
        noun="onboarding link",
        nothing="There was no valid onboarding link.",
        icon="link_off",
    ),
    Button(
        name="pause",
        label="Pause",
        permission=OPERATE,
        explain="Stops all work for the tenant. What comes in is kept and waits until it resumes.",
        press=lambda rows, click: decisions_tenants.pause(rows, cause=click.cause),
        done="{rows} paused.",
        noun="tenant",
        nothing="Only a live tenant can be paused.",
        icon="pause",
        fits=_is(Tenant.State.LIVE),
    ),
    Button(
        name="resume",
        label="Resume",
        permission=OPERATE,
        explain="Lets the tenant go on, with all the work that waited.",
        press=lambda rows, click: decisions_tenants.resume(rows, cause=click.cause),
        done="{rows} resumed; the work that waited goes on.",
        noun="tenant",
        nothing="Only a paused tenant can be resumed.",
        icon="play_arrow",
        variant="primary",
        fits=_is(Tenant.State.PAUSED),
    ),
)


def _overview_links(tenant: Tenant) -> str:
    lists: tuple[tuple[str, type[Any], dict[str, str]], ...] = (
        ("Invoices", InvoiceLink, {}),
        ("Clients", ClientLink, {}),
        ("Open discrepancies", Discrepancy, {"state__exact": Discrepancy.State.OPEN}),
        ("Failed jobs", SyncJob, {"state__exact": SyncJob.State.DEAD}),
        ("Held jobs", SyncJob, {"state__exact": SyncJob.State.HELD}),
        ("Poll feeds", PollFeed, {}),
        ("Outages", Gap, {}),
    )
    shown = [
        link(list_of(model, tenant__id__exact=tenant.pk, **filters), name)
        for name, model, filters in lists
    ]
    connect = f"{reverse('freshbooks-start')}?tenant={tenant.pk}"
    return SafeString(" · ".join([*shown, link(connect, "Connect FreshBooks")]))


def _connection(name: str, field: str) -> Any:
    def show(tenant: Any) -> str:
        state = getattr(tenant, field)
        if not state:
            return NOTHING
        return badge(ConnectionState(state).label, tones.CONNECTION[ConnectionState(state)])

    return column(name, show, order=field)


@admin.register(Tenant)
class TenantPage(OperatorsPage):
    """One business whose FreshBooks and Stripe are kept in step."""

    form = TenantForm
    buttons = (*BUTTONS, *TENANT_BUTTONS, ERASE_BUTTON)
    editable = (
        "name",
        "payment_mode",
        "applies_exact_matches",
        "email_sender",
        "own_pay_button",
        "time_zone",
        "start_date",
        "poll_interval_s",
        "poll_crontab",
        "job_weight",
    )
    changed_action, added_action = "tenant.settings_changed", "tenant.created"
    add_fieldsets = (
        section(
            None,
            "name",
            "slug",
            "time_zone",
            note="The tenant connects FreshBooks and Stripe itself: make an onboarding link on "
            "the next page. It goes live once both sides are connected and the choices are made.",
        ),
    )
    prepopulated_fields = {"slug": ("name",)}
    empty_text = (
        "There is no tenant yet. Each business that connects its FreshBooks and Stripe appears "
        "here, with its settings and its connections."
    )
    list_display = (
        "name",
        state_column("State", "state", tones.TENANT),
        _connection("FreshBooks", "freshbooks_state"),
        _connection("Stripe", "stripe_state"),
        "payment_mode",
        "email_sender",
        column("Polled", lambda row: row.poll_crontab or f"every {row.poll_interval_s} s"),
        time_column("Live since", "live_at"),
    )
    list_filter = (
        ("state", StateFilter),
        ("payment_mode", StateFilter),
        ("email_sender", StateFilter),
    )
    joins = ()
    search_fields = ("name", "slug")
    ordering = ("name",)
    fieldsets = (
        section(
            None,
            "name",
            "slug",
            state_column("State", "state", tones.TENANT),
            column("Go to", _overview_links),
        ),
        section(
            "Money",
            "payment_mode",
            "applies_exact_matches",
            "email_sender",
            "own_pay_button",
            "start_date",
            "time_zone",
            note="A change applies to what happens from now on; money that was collected before "
            "keeps its state until somebody approves it.",
        ),
        section("Schedule", "poll_interval_s", "poll_crontab", "job_weight"),
        section(
            "History",
            exact_time_column("Created", "created_at"),
            exact_time_column("Choices made", "choices_made_at"),
            exact_time_column("Live since", "live_at"),
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the state of both connections, in the same query. Of an erased one nothing is left."""
        rows = super().get_queryset(request).exclude(state=Tenant.State.ERASED)
        return with_connections(rows)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        """Only a new tenant gets its short name from its name."""
        return dict(super().get_prepopulated_fields(request, obj)) if obj is None else {}

    def save_model(
        self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool
    ) -> None:
        """Also plan a change to recording, and let the next polls follow a new schedule at once."""
        if change:
            divert_mode(request, obj, form)
        super().save_model(request, obj, form, change)
        if SCHEDULE_FIELDS & set(form.changed_data):
            decisions_tenants.reschedule(obj)

    def tenant_id_of(self, obj: Any) -> int:
        """A tenant is its own."""
        return int(obj.pk)


def with_connections(tenants: QuerySet[Tenant]) -> QuerySet[Any]:
    """Tenants with `freshbooks_state` and `stripe_state`, None where nothing is connected."""
    return tenants.annotate(
        freshbooks_state=_state_of(FreshBooksConnection),
        stripe_state=_state_of(StripeConnection),
    )


def _state_of(model: type[Any]) -> Subquery:
    return Subquery(model.objects.filter(tenant=OuterRef("pk")).values("state")[:1])
