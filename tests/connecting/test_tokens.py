"""FreshBooks' tokens: refreshed ahead of time, once, by one worker."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connector.clients import freshbooks_client
from connector.errors import VendorUnavailable
from connector.limits.gate import CallInsideTransaction
from connector.vendors.freshbooks.tokens import AccessToken
from tenants.models import FreshBooksGrant, Tenant
from tenants.scope import tenant_scope
from tests.connecting.token_steps import (
    TOKEN_PATH,
    expired,
    is_due,
    token_calls,
    tokens_of,
)
from tests.pipeline.simulators import Simulators
from tests.threads import at_once

# Ahead of time ------------------------------------------------------------------------------------


def test_a_young_token_is_used_as_it_is(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant
) -> None:
    assert tokens_of(grant, tenant).current() == AccessToken(grant.access_token, 1)
    assert token_calls(simulators) == 0


def test_a_due_token_is_refreshed_ahead_of_its_end(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant
) -> None:
    is_due(grant)
    token = tokens_of(grant, tenant).current()
    assert token.generation == 2
    assert token.value != grant.access_token
    row = FreshBooksGrant.objects.get(pk=grant.pk)
    assert (row.access_token, row.generation) == (token.value, 2)
    assert row.refresh_token != grant.refresh_token
    assert row.refresh_lease_until is None
    life = row.expires_at - timezone.now()
    assert 0.49 * life < row.refresh_at - timezone.now() < 0.76 * life
    assert token_calls(simulators) == 1


def test_the_refreshed_token_works(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant
) -> None:
    expired(grant)
    assert freshbooks_client(tenant.pk).list_clients(page=1).rows == ()


@pytest.mark.parametrize("lifetime", [is_due, expired])
def test_twenty_threads_make_one_refresh(
    simulators: Simulators,
    grant: FreshBooksGrant,
    tenant: Tenant,
    lifetime: Callable[[FreshBooksGrant], None],
) -> None:
    lifetime(grant)
    simulators.freshbooks.fault("slow", TOKEN_PATH, delay_s=0.3)

    def ask(_: int) -> AccessToken | VendorUnavailable:
        try:
            return tokens_of(grant, tenant).current()
        except VendorUnavailable as error:
            return error

    answers = at_once(20, ask)
    assert token_calls(simulators) == 1
    fresh = [one for one in answers if isinstance(one, AccessToken) and one.generation == 2]
    late = [one for one in answers if isinstance(one, VendorUnavailable)]
    old = [one for one in answers if isinstance(one, AccessToken) and one.generation == 1]
    assert len(fresh) >= 1
    assert all(one.retry_after_s == 1 for one in late)
    assert (not old) if lifetime is expired else (not late)


def test_a_refresh_ahead_that_fails_keeps_the_living_token(
    simulators: Simulators,
    grant: FreshBooksGrant,
    tenant: Tenant,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    is_due(grant)
    settings.FRESHBOOKS_CLIENT_SECRET = "wrong"
    with caplog.at_level(logging.WARNING, logger="connector.tokens"):
        assert tokens_of(grant, tenant).current().value == grant.access_token
    assert "could not be refreshed ahead of time" in caplog.text
    assert tokens_of(grant, tenant).current().value == grant.access_token
    assert token_calls(simulators) == 1  # the second one finds the cool-down


def test_inside_a_transaction_no_token_is_fetched(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant
) -> None:
    is_due(grant)
    with pytest.raises(CallInsideTransaction), tenant_scope(tenant.pk):
        tokens_of(grant, tenant).current()
    assert token_calls(simulators) == 0


# After a 401 --------------------------------------------------------------------------------------


def test_a_rejected_token_is_refreshed_once_and_the_call_succeeds(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant, business: dict[str, Any]
) -> None:
    simulators.freshbooks.act("expire_tokens", account_id=business["account_id"], access_only=True)
    assert freshbooks_client(tenant.pk).list_clients(page=1).rows == ()
    assert token_calls(simulators) == 1


def test_a_stale_token_of_another_process_costs_no_refresh(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant
) -> None:
    is_due(grant)
    newer = tokens_of(grant, tenant).current()
    stale = AccessToken(grant.access_token, 1)
    assert tokens_of(grant, tenant).after_rejection(stale) == newer
    assert token_calls(simulators) == 1


def test_a_lease_of_another_worker_is_waited_for_elsewhere(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant
) -> None:
    soon = timezone.now() + timedelta(seconds=20)
    FreshBooksGrant.objects.filter(pk=grant.pk).update(refresh_lease_until=soon)
    is_due(grant)
    assert tokens_of(grant, tenant).current().value == grant.access_token
    expired(grant)
    with pytest.raises(VendorUnavailable) as caught:
        tokens_of(grant, tenant).current()
    assert (caught.value.code, caught.value.retry_after_s) == ("token_refreshing", 1.0)
    assert token_calls(simulators) == 0


def test_a_dead_workers_lease_is_taken_over(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant
) -> None:
    expired(grant)
    past = timezone.now() - timedelta(seconds=1)
    FreshBooksGrant.objects.filter(pk=grant.pk).update(refresh_lease_until=past)
    assert tokens_of(grant, tenant).current().generation == 2
