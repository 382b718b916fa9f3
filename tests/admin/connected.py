"""A tenant's connections with secrets that no page may show, and the people who sign in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone

from tenants.models import (
    FreshBooksCallback,
    FreshBooksConnection,
    OnboardingLink,
    StripeConnection,
    Tenant,
)
from tests.factories import (
    make_freshbooks_connection,
    make_grant,
    make_stripe_connection,
    unique,
    unique_number,
)

SECRETS = (
    "access-secret-",
    "refresh-secret-",
    "sk_test_secret",
    "whsec-secret-",
    "verifier-secret-",
)


def connect(tenant: Tenant) -> tuple[FreshBooksConnection, StripeConnection]:
    """Both connections, with secrets that no page may show."""
    ping = [
        {"side": "stripe", "what": "Invoices: write", "ok": True, "message": "allowed"},
        {"side": "stripe", "what": "Webhook", "ok": False, "message": "not registered"},
    ]
    grant = make_grant(
        access_token=unique("access-secret-"), refresh_token=unique("refresh-secret-")
    )
    freshbooks = make_freshbooks_connection(tenant, grant=grant, last_ping=ping)
    stripe = make_stripe_connection(
        tenant,
        api_key=unique("sk_test_secret"),
        api_key_hint="sk_test_…7Qx2",
        endpoint_id=unique("we_"),
        endpoint_token_digest=unique("digest-secret-"),
        endpoint_secret=unique("whsec-secret-"),
        last_ping=ping,
        last_ping_at=timezone.now(),
    )
    callback = FreshBooksCallback(
        tenant=tenant,
        event="invoice.create",
        token_digest=unique("digest-secret-"),
        callback_id=unique_number(),
        state=FreshBooksCallback.State.ACTIVE,
    )
    callback.verifier = unique("verifier-secret-")
    callback.save()
    OnboardingLink.objects.create(
        tenant=tenant,
        token_digest=unique("digest-secret-"),
        created_by="ada",
        expires_at=timezone.now() + timedelta(days=7),
    )
    return freshbooks, stripe


def make_staff(name: str, *, group: str = "", **values: Any) -> User:
    user = User.objects.create_user(username=name, is_staff=True, **values)
    if group:
        user.groups.add(Group.objects.get(name=group))
    return user
