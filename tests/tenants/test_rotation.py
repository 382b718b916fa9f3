"""Taking an old field key away, without losing a credential on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO

import pytest
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.management import call_command
from fernet_fields import EncryptedField

from tenants.models import FreshBooksGrant, StripeConnection, Tenant
from tenants.rotation import rotate_field_keys, sealed_fields
from tenants.scope import tenant_scope
from tests.factories import make_grant, make_stripe_connection


def use_keys(monkeypatch: pytest.MonkeyPatch, *keys: str) -> None:
    """The fields keep their keys for the life of the process, so what they kept is thrown away."""
    monkeypatch.setattr(settings, "FERNET_KEYS", list(keys))
    for field in encrypted_fields():
        for kept in ("keys", "fernet_keys", "fernet"):
            field.__dict__.pop(kept, None)


def encrypted_fields() -> Iterator[EncryptedField]:
    for model, names in sealed_fields():
        yield from (model._meta.get_field(name) for name in names)


@pytest.fixture(autouse=True)
def keys_again(committed_db: None) -> Iterator[None]:
    """Rows of other tests must stay readable for them."""
    before = list(settings.FERNET_KEYS)
    yield
    with pytest.MonkeyPatch.context() as patch:
        use_keys(patch, *before)


def read(tenant: Tenant, grant: FreshBooksGrant) -> tuple[str, str]:
    with tenant_scope(tenant.pk):
        key = StripeConnection.objects.get().api_key
    return key, FreshBooksGrant.objects.get(pk=grant.pk).refresh_token


def test_all_credentials_survive_a_change_of_keys(
    fresh_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = settings.FERNET_KEYS[0]
    make_stripe_connection(fresh_tenant, api_key="sk_test_kept")
    grant = make_grant(refresh_token="kept")
    use_keys(monkeypatch, "new", old)
    assert read(fresh_tenant, grant) == ("sk_test_kept", "kept")  # both keys open
    assert rotate_field_keys()["tenants.FreshBooksGrant"] >= 1
    rotate_field_keys()  # a second run does no harm
    use_keys(monkeypatch, "new")
    assert read(fresh_tenant, grant) == ("sk_test_kept", "kept")
    use_keys(monkeypatch, "new", old)
    make_it_old_again(old, monkeypatch)


def make_it_old_again(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, old, "new")
    rotate_field_keys()


def test_without_its_key_nothing_opens(
    fresh_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_stripe_connection(fresh_tenant)
    use_keys(monkeypatch, "wrong")
    with pytest.raises(InvalidToken), tenant_scope(fresh_tenant.pk):
        StripeConnection.objects.get()


def test_the_command_counts(fresh_tenant: Tenant) -> None:
    make_stripe_connection(fresh_tenant)
    out = StringIO()
    call_command("rotate_keys", "--json", stdout=out)
    done = json.loads(out.getvalue())
    assert done["tenants.StripeConnection"] == 1
    assert {"audit.AuditChain", "tenants.OAuthState", "tenants.FreshBooksCallback"} <= set(done)
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    assert "older keys may go now" in out.getvalue()
