"""Rows for tests: each function makes one, committed or not as the test's database fixture says."""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

import factory
from django.db.models import Model
from django.utils import timezone

from tenants.models import FreshBooksConnection, FreshBooksGrant, StripeConnection, Tenant
from tenants.scope import current_scope, every_tenant


def unique(prefix: str = "") -> str:
    """A short text that no other row has."""
    return f"{prefix}{secrets.token_hex(6)}"


def unique_number() -> int:
    """An id that no other row has."""
    return secrets.randbelow(10**12) + 10**6


class ScopedFactory(factory.django.DjangoModelFactory[Any]):
    """Saves within the scope that is open, or in one over every tenant.

    A constructor does not take sealed attributes, for they need the row's owner first.
    """

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: type[Model], *_: Any, **values: Any) -> Model:
        sealed = {name: values.pop(name) for name in list(values) if _is_sealed(model_class, name)}
        row = model_class(**values)
        for name, value in sealed.items():
            setattr(row, name, value)
        with _scope():
            row.save(force_insert=True)
        return row


class TenantFactory(ScopedFactory):
    class Meta:
        model = Tenant

    name = "Maple Joinery"
    slug = factory.LazyFunction(lambda: unique("maple-"))


class GrantFactory(ScopedFactory):
    """A FreshBooks login with both tokens, fresh for hours."""

    class Meta:
        model = FreshBooksGrant

    identity_id = factory.LazyFunction(unique_number)
    email = "owner@maplejoinery.example"
    access_token = factory.LazyFunction(lambda: unique("access-"))
    refresh_token = factory.LazyFunction(lambda: secrets.token_hex(32))
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=12))
    refresh_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=7))


class FreshBooksConnectionFactory(ScopedFactory):
    """The tenant's business, with a login of its own unless `grant` is given."""

    class Meta:
        model = FreshBooksConnection

    grant = factory.SubFactory(GrantFactory)
    account_id = factory.LazyFunction(unique)
    business_id = factory.LazyFunction(unique_number)
    business_name = factory.SelfAttribute("tenant.name")


class StripeConnectionFactory(ScopedFactory):
    class Meta:
        model = StripeConnection

    account_id = factory.LazyFunction(lambda: unique("acct_"))
    account_name = factory.SelfAttribute("tenant.name")
    country = "CA"
    api_key = factory.LazyFunction(lambda: unique("sk_test_"))
    api_key_hint = "sk_test_…0000"


def make_tenant(**values: Any) -> Tenant:
    row: Tenant = TenantFactory.create(**values)
    return row


def make_grant(**values: Any) -> FreshBooksGrant:
    row: FreshBooksGrant = GrantFactory.create(**values)
    return row


def make_freshbooks_connection(tenant: Tenant, **values: Any) -> FreshBooksConnection:
    row: FreshBooksConnection = FreshBooksConnectionFactory.create(tenant=tenant, **values)
    return row


def make_stripe_connection(tenant: Tenant, **values: Any) -> StripeConnection:
    row: StripeConnection = StripeConnectionFactory.create(tenant=tenant, **values)
    return row


def _is_sealed(model: type[Model], name: str) -> bool:
    return hasattr(model, f"{name}_sealed")


def _scope() -> AbstractContextManager[None]:
    return nullcontext() if current_scope() else every_tenant()
