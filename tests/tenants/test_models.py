"""Small promises of the models."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from tenants.finding import get_tenant
from tenants.models import Tenant, new_url_token, token_digest, validate_time_zone
from tests.factories import make_stripe_connection, make_tenant


def test_url_tokens_carry_256_bits_and_are_stored_as_digests() -> None:
    tokens = {new_url_token() for _ in range(50)}
    assert len(tokens) == 50
    assert all(len(token) >= 43 for token in tokens)
    assert len(token_digest(tokens.pop())) == 64


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "", "America"])
def test_a_wrong_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="no time zone"):
        validate_time_zone(name)


def test_a_right_time_zone_is_taken() -> None:
    validate_time_zone("America/Toronto")


def test_a_tenant_is_found_by_slug_or_id(db: None) -> None:
    tenant = make_tenant()
    assert get_tenant(tenant.slug) == get_tenant(str(tenant.pk)) == tenant
    with pytest.raises(CommandError, match="Some that exist"):
        get_tenant("nobody")


def test_rows_have_readable_names(db: None) -> None:
    tenant = make_tenant(name="Maple")
    assert str(tenant) == "Maple"
    assert str(make_stripe_connection(tenant)) == "Maple (test mode)"
    assert not tenant.is_live
    assert Tenant(state=Tenant.State.LIVE).is_live
