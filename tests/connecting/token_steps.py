"""A grant, its age, and what the token endpoint was asked."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from connector.clients import freshbooks_oauth
from connector.tokens import GrantTokens
from tenants.models import FreshBooksConnection, FreshBooksGrant, Tenant
from tenants.scope import tenant_scope
from tests.pipeline.simulators import Simulators

TOKEN_PATH = {"path_regex": "/auth/oauth/token"}
HOUR = timedelta(hours=1)


def age(grant: FreshBooksGrant, *, refresh: timedelta, expiry: timedelta) -> None:
    """Set when it is due for a refresh and when it expires, from now."""
    now = timezone.now()
    FreshBooksGrant.objects.filter(pk=grant.pk).update(
        refresh_at=now + refresh, expires_at=now + expiry
    )


def is_due(grant: FreshBooksGrant) -> None:
    age(grant, refresh=-HOUR, expiry=HOUR)


def expired(grant: FreshBooksGrant) -> None:
    age(grant, refresh=-2 * HOUR, expiry=-HOUR)


def tokens_of(grant: FreshBooksGrant, tenant: Tenant) -> GrantTokens:
    return GrantTokens(grant.pk, oauth=freshbooks_oauth(tenant.pk))


def token_calls(simulators: Simulators) -> int:
    """How often the token endpoint was called since the grant was made."""
    rows = simulators.freshbooks.calls()["calls"]
    return sum(int(row["count"]) for row in rows if row["route"] == "/auth/oauth/token") - 1


def connection_state(tenant: Tenant) -> str:
    with tenant_scope(tenant.pk):
        return str(FreshBooksConnection.objects.get().state)
