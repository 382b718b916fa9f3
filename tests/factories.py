"""Rows for tests: each function makes one, committed or not as the test's database fixture says."""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any, TypeVar

from django.db.models import Model
from django.utils import timezone

from tenants.models import FreshBooksConnection, FreshBooksGrant, StripeConnection, Tenant
from tenants.scope import current_scope, every_tenant

Row = TypeVar("Row", bound=Model)


def unique(prefix: str = "") -> str:
    """A short text that no other row has."""
    return f"{prefix}{secrets.token_hex(6)}"


def unique_number() -> int:
    """An id that no other row has."""
    return secrets.randbelow(10**12) + 10**6


def make_tenant(**values: Any) -> Tenant:
    values = {"name": "Maple Joinery", "slug": unique("maple-")} | values
    return Tenant.objects.create(**values)


def make_grant(**values: Any) -> FreshBooksGrant:
    """A FreshBooks login with both tokens, fresh for hours."""
    now = timezone.now()
    values = {
        "identity_id": unique_number(),
        "email": "owner@maplejoinery.example",
        "access_token": unique("access-"),
        "refresh_token": secrets.token_hex(32),
        "expires_at": now + timedelta(hours=12),
        "refresh_at": now + timedelta(hours=7),
    } | values
    return _saved(FreshBooksGrant, values, sealed=("access_token", "refresh_token"))


def make_freshbooks_connection(tenant: Tenant, **values: Any) -> FreshBooksConnection:
    """The tenant's business, with a login of its own unless `grant` is given."""
    values = {
        "tenant": tenant,
        "account_id": unique(),
        "business_id": unique_number(),
        "business_name": tenant.name,
    } | values
    if "grant" not in values:
        values["grant"] = make_grant()
    return _saved(FreshBooksConnection, values)


def make_stripe_connection(tenant: Tenant, **values: Any) -> StripeConnection:
    values = {
        "tenant": tenant,
        "account_id": unique("acct_"),
        "account_name": tenant.name,
        "country": "CA",
        "api_key": unique("sk_test_"),
        "api_key_hint": "sk_test_…0000",
    } | values
    return _saved(StripeConnection, values, sealed=("api_key", "endpoint_secret"))


def _saved(model: type[Row], values: dict[str, Any], *, sealed: tuple[str, ...] = ()) -> Row:
    """A constructor does not take sealed attributes: they need the row's owner first."""
    hidden = {name: values.pop(name) for name in sealed if name in values}
    row = model(**values)
    for name, value in hidden.items():
        setattr(row, name, value)
    with _scope():
        row.save(force_insert=True)
    return row


def _scope() -> AbstractContextManager[None]:
    return nullcontext() if current_scope() else every_tenant()
