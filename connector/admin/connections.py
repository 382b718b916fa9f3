"""Both connections of a tenant, its callbacks and its onboarding links. Secrets are never read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from connector.admin import tones
from connector.admin.base import OperatorsPage, section
from connector.admin.display import (
    BAD,
    GOOD,
    NOTHING,
    QUIET,
    badge,
    column,
    exact,
    exact_time_column,
    moment,
    pretty_json,
    state_column,
    time_column,
)
from connector.admin.filters import BY_TENANT, StateFilter
from tenants.models import (
    FreshBooksCallback,
    FreshBooksConnection,
    OnboardingLink,
    StripeConnection,
)

SEALED_GRANT = ("grant__access_token_sealed", "grant__refresh_token_sealed")


def _ping(row: Any) -> str:
    """Each check of the last ping on its own line, whatever keys it brought."""
    checks = row.last_ping
    if not checks:
        return NOTHING
    if not all(isinstance(check, dict) for check in checks):
        return pretty_json(checks)
    return format_html_join("", '<div class="mlc-check">{} {}</div>', map(_check, checks))


def _check(check: dict[str, Any]) -> tuple[str, str]:
    passed = bool(check.get("ok"))
    told = " – ".join(str(check[key]) for key in ("what", "message", "next_step") if check.get(key))
    return badge("ok" if passed else "fails", GOOD if passed else BAD), told


def _login(row: FreshBooksConnection) -> str:
    grant = row.grant
    if grant.lost_at:
        return format_html("{} {} {}", badge("lost", BAD), exact(grant.lost_at), grant.lost_reason)
    return format_html(
        "{} access until {}, refreshed ahead of time at {}",
        badge("valid", GOOD),
        exact(grant.expires_at),
        exact(grant.refresh_at),
    )


PING_COLUMN = column("Last ping found", _ping)


@admin.register(FreshBooksConnection)
class FreshBooksConnectionPage(OperatorsPage):
    """One tenant's FreshBooks business."""

    empty_text = (
        "No tenant has connected FreshBooks yet. A connection appears when somebody signs in at "
        "FreshBooks through an onboarding link."
    )
    hidden_fields = SEALED_GRANT
    list_display = (
        "business_name",
        "tenant",
        state_column("State", "state", tones.CONNECTION),
        "account_id",
        column("Login", lambda row: row.grant.email or NOTHING),
        column("Token refreshed", lambda row: moment(row.grant.refreshed_at)),
        time_column("Last ping", "last_ping_at"),
    )
    list_filter = (("state", StateFilter), BY_TENANT)
    joins = ("tenant", "grant")
    search_fields = ("business_name", "account_id", "tenant__name", "grant__email")
    ordering = ("tenant__name",)
    fieldsets = (
        section(
            None,
            "tenant",
            "business_name",
            state_column("State", "state", tones.CONNECTION),
            "account_id",
            column("Business", lambda row: str(row.business_id)),
            exact_time_column("Connected", "connected_at"),
        ),
        section(
            "Login",
            column("Person", lambda row: row.grant.email or NOTHING),
            column("FreshBooks identity", lambda row: str(row.grant.identity_id)),
            column("Token", _login),
            column("Generation", lambda row: str(row.grant.generation)),
            column("Scopes", lambda row: row.grant.scopes or NOTHING),
        ),
        section("Ping", exact_time_column("Last ping", "last_ping_at"), PING_COLUMN),
    )


@admin.register(StripeConnection)
class StripeConnectionPage(OperatorsPage):
    """One tenant's Stripe account."""

    empty_text = (
        "No tenant has connected Stripe yet. A connection appears when somebody pastes a Stripe "
        "key through an onboarding link."
    )
    hidden_fields = ("api_key_sealed", "endpoint_secret_sealed", "endpoint_token_digest")
    list_display = (
        column("Account", lambda row: row.account_name or row.account_id, order="account_name"),
        "tenant",
        state_column("State", "state", tones.CONNECTION),
        column("Mode", lambda row: badge("live", GOOD) if row.livemode else badge("test", QUIET)),
        "api_key_hint",
        "country",
        time_column("Last ping", "last_ping_at"),
    )
    list_filter = (("state", StateFilter), BY_TENANT, "livemode")
    search_fields = ("account_name", "account_id", "tenant__name")
    ordering = ("tenant__name",)
    fieldsets = (
        section(
            None,
            "tenant",
            "account_name",
            "account_id",
            state_column("State", "state", tones.CONNECTION),
            column(
                "Mode", lambda row: badge("live", GOOD) if row.livemode else badge("test", QUIET)
            ),
            "country",
            "api_key_hint",
            exact_time_column("Connected", "connected_at"),
        ),
        section("Webhook endpoint", "endpoint_id"),
        section("Ping", exact_time_column("Last ping", "last_ping_at"), PING_COLUMN),
    )


@admin.register(FreshBooksCallback)
class FreshBooksCallbackPage(OperatorsPage):
    """One registered FreshBooks callback."""

    empty_text = (
        "No callback is registered. FreshBooks reports changes to one callback per event; polling "
        "finds them without."
    )
    hidden_fields = ("verifier_sealed", "token_digest")
    list_display = (
        "event",
        "tenant",
        state_column("State", "state", tones.CALLBACK),
        column("FreshBooks id", lambda row: str(row.callback_id or NOTHING)),
        time_column("Registered", "created_at"),
        time_column("Last delivery", "last_delivery_at"),
    )
    list_filter = (("state", StateFilter), BY_TENANT)
    search_fields = ("event", "tenant__name")
    ordering = ("tenant__name", "event")
    fieldsets = (
        section(
            None,
            "tenant",
            "event",
            state_column("State", "state", tones.CALLBACK),
            column("FreshBooks id", lambda row: str(row.callback_id or NOTHING)),
            exact_time_column("Registered", "created_at"),
            exact_time_column("Last delivery", "last_delivery_at"),
        ),
    )


def _link_state(row: OnboardingLink) -> str:
    if row.revoked_at:
        return badge("Revoked", QUIET)
    if row.expires_at <= timezone.now():
        return badge("Expired", QUIET)
    return badge("Valid", GOOD)


@admin.register(OnboardingLink)
class OnboardingLinkPage(OperatorsPage):
    """A link that lets a tenant's own people connect both vendors."""

    empty_text = (
        "No onboarding link was made yet. Make one on a tenant's page and send it to the tenant; "
        "here stands who made which link, and how long it is valid."
    )
    hidden_fields = ("token_digest",)
    list_display = (
        column("Made", lambda row: exact(row.created_at), order="created_at"),
        "tenant",
        column("State", _link_state),
        "created_by",
        time_column("Expires", "expires_at"),
    )
    list_filter = (BY_TENANT,)
    search_fields = ("tenant__name", "created_by")
    ordering = ("-created_at",)
    fieldsets = (
        section(
            None,
            "tenant",
            column("State", _link_state),
            "created_by",
            exact_time_column("Made", "created_at"),
            exact_time_column("Expires", "expires_at"),
            exact_time_column("Revoked", "revoked_at"),
        ),
    )
