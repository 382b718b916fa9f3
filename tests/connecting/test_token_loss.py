"""FreshBooks' single-use refresh tokens: never lost without saying so, never for no reason."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from audit.models import AuditEntry
from audit.recording import Cause
from connector import tokens as tokens_module
from connector.clients import freshbooks_client
from connector.errors import GrantLost, OutcomeUnknown, VendorUnavailable
from connector.grants import mark_lost
from connector.tokens import GrantTokens
from connector.vendors.freshbooks.records import TokenPair
from connector.vendors.freshbooks.tokens import AccessToken
from tenants.models import ConnectionState, FreshBooksConnection, FreshBooksGrant, Tenant
from tenants.scope import every_tenant, tenant_scope
from tests.connecting.conftest import new_tenant
from tests.connecting.token_steps import (
    HOUR,
    TOKEN_PATH,
    connection_state,
    expired,
    is_due,
    token_calls,
    tokens_of,
)
from tests.factories import make_freshbooks_connection, make_grant, unique
from tests.pipeline.simulators import Simulators

# Lost ---------------------------------------------------------------------------------------------


def test_a_revoked_grant_asks_for_a_person_in_every_tenant_it_serves(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant
) -> None:
    sister = new_tenant()
    make_freshbooks_connection(sister, grant=grant)
    simulators.freshbooks.act("revoke_grant", identity_id=grant.identity_id)
    with pytest.raises(GrantLost) as caught:
        freshbooks_client(tenant.pk).list_clients(page=1)
    assert caught.value.code == "grant_lost"
    assert "Connect FreshBooks again" in caught.value.next_step
    assert connection_state(tenant) == connection_state(sister) == ConnectionState.NEEDS_REAUTH
    for one in (tenant, sister):
        with tenant_scope(one.pk):
            assert AuditEntry.objects.get().action == "freshbooks.connection_lost"
    row = FreshBooksGrant.objects.get(pk=grant.pk)
    assert row.lost_at is not None
    assert "invalid" in row.lost_reason


def test_after_a_loss_nobody_is_called_any_more(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant
) -> None:
    simulators.freshbooks.act("revoke_grant", identity_id=grant.identity_id)
    stale = freshbooks_client(tenant.pk)
    for _ in range(2):
        with pytest.raises(GrantLost):
            stale.list_clients(page=1)
    total = simulators.freshbooks.calls()["total"]
    for attempt in (lambda: freshbooks_client(tenant.pk), lambda: stale.list_clients(page=1)):
        with pytest.raises(GrantLost):
            attempt()
    assert simulators.freshbooks.calls()["total"] == total


def test_many_refusals_at_once_are_an_incident_and_mark_nobody(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant
) -> None:
    FreshBooksGrant.objects.exclude(pk=grant.pk).update(refused_at=timezone.now())
    while FreshBooksGrant.objects.count() < 6:
        make_grant(refused_at=timezone.now())
    simulators.freshbooks.act("revoke_grant", identity_id=grant.identity_id)
    expired(grant)
    with pytest.raises(VendorUnavailable) as caught:
        tokens_of(grant, tenant).current()
    assert (caught.value.code, caught.value.retry_after_s) == ("mass_refusal", 60.0)
    assert connection_state(tenant) == ConnectionState.CONNECTED
    FreshBooksGrant.objects.update(refused_at=None)


# Answers that never came --------------------------------------------------------------------------


def test_a_lost_answer_of_a_refresh_that_did_nothing_is_asked_for_again(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant
) -> None:
    expired(grant)
    simulators.freshbooks.fault("status_500", TOKEN_PATH)
    assert tokens_of(grant, tenant).current().generation == 2
    assert token_calls(simulators) == 2


def test_a_lost_answer_of_a_refresh_that_was_done_is_reported_at_once(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant
) -> None:
    expired(grant)
    simulators.freshbooks.fault("reset_after", TOKEN_PATH)
    with pytest.raises(GrantLost):
        tokens_of(grant, tenant).current()
    assert connection_state(tenant) == ConnectionState.NEEDS_REAUTH
    assert token_calls(simulators) == 2


def test_two_lost_answers_and_a_living_token_go_on_with_it(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant
) -> None:
    is_due(grant)
    simulators.freshbooks.fault("status_500", TOKEN_PATH, times=2)
    assert tokens_of(grant, tenant).current().value == grant.access_token
    assert connection_state(tenant) == ConnectionState.CONNECTED
    assert token_calls(simulators) == 2


def test_two_lost_answers_and_a_dead_token_mean_that_it_was_rotated(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant
) -> None:
    is_due(grant)
    simulators.freshbooks.switch(refresh_kills_older_access="yes")
    simulators.freshbooks.fault("reset_after", TOKEN_PATH)
    simulators.freshbooks.fault("status_500", TOKEN_PATH)
    with pytest.raises(GrantLost):
        tokens_of(grant, tenant).current()
    assert (
        "answer to a token refresh was lost" in FreshBooksGrant.objects.get(pk=grant.pk).lost_reason
    )


def test_two_lost_answers_without_a_living_token_are_tried_again_later(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant
) -> None:
    expired(grant)
    simulators.freshbooks.fault("status_500", TOKEN_PATH, times=2)
    with pytest.raises(VendorUnavailable) as caught:
        tokens_of(grant, tenant).current()
    assert caught.value.code == "token_refresh_unknown"
    FreshBooksGrant.objects.filter(pk=grant.pk).update(refresh_lease_until=None)  # cooled down
    assert tokens_of(grant, tenant).current().generation == 2


# Races --------------------------------------------------------------------------------------------


class SlowOAuth:
    """A token endpoint during whose answer something else happens."""

    def __init__(self, meanwhile: Callable[[], object], error: Exception | None = None) -> None:
        self.meanwhile, self.error = meanwhile, error
        self.asked = 0

    def refresh(self, *, refresh_token: str) -> TokenPair:
        self.asked += 1
        self.meanwhile()
        if self.error is not None:
            raise self.error
        return TokenPair(
            access_token="late-access",
            refresh_token="late-refresh",
            expires_at=timezone.now() + 12 * HOUR,
            scopes=(),
        )


def slow_tokens(grant: FreshBooksGrant, oauth: SlowOAuth) -> GrantTokens:
    return GrantTokens(grant.pk, oauth=oauth)  # type: ignore[arg-type]


def connect_again(grant: FreshBooksGrant) -> None:
    row = FreshBooksGrant.objects.get(pk=grant.pk)
    row.access_token, row.refresh_token = "person-access", "person-refresh"
    row.generation += 1
    row.expires_at, row.refresh_at = timezone.now() + 12 * HOUR, timezone.now() + 7 * HOUR
    row.save()


def test_a_person_who_connects_during_a_refresh_wins(grant: FreshBooksGrant) -> None:
    expired(grant)
    token = slow_tokens(grant, SlowOAuth(lambda: connect_again(grant))).current()
    assert token == AccessToken("person-access", 2)
    assert FreshBooksGrant.objects.get(pk=grant.pk).refresh_token == "person-refresh"


def test_a_refusal_after_somebody_else_refreshed_is_no_loss(
    grant: FreshBooksGrant, tenant: Tenant
) -> None:
    expired(grant)
    oauth = SlowOAuth(lambda: connect_again(grant), error=GrantLost("dead"))
    assert slow_tokens(grant, oauth).current() == AccessToken("person-access", 2)
    assert connection_state(tenant) == ConnectionState.CONNECTED


def test_a_lost_answer_is_not_asked_for_again_once_somebody_else_has_a_newer_pair(
    grant: FreshBooksGrant, tenant: Tenant
) -> None:
    expired(grant)
    oauth = SlowOAuth(lambda: connect_again(grant), error=OutcomeUnknown("no answer"))
    assert slow_tokens(grant, oauth).current() == AccessToken("person-access", 2)
    assert oauth.asked == 1
    assert connection_state(tenant) == ConnectionState.CONNECTED


def test_a_frozen_worker_that_saves_late_takes_the_loss_back(
    grant: FreshBooksGrant, tenant: Tenant
) -> None:
    expired(grant)
    row = FreshBooksGrant.objects.get(pk=grant.pk)
    oauth = SlowOAuth(
        lambda: mark_lost(row, reason="refused", cause=Cause("worker", "test", uuid.uuid4()))
    )
    assert slow_tokens(grant, oauth).current() == AccessToken("late-access", 2)
    assert connection_state(tenant) == ConnectionState.CONNECTED
    with tenant_scope(tenant.pk):
        actions = AuditEntry.objects.order_by("sequence").values_list("action", flat=True)
        assert list(actions) == ["freshbooks.connection_lost", "freshbooks.connection_restored"]


def test_a_database_that_blinks_costs_no_token(
    grant: FreshBooksGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    expired(grant)
    monkeypatch.setattr(tokens_module, "SAVE_PAUSE_S", 0)
    failures = iter([OperationalError("server closed the connection"), None])

    def blink(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if '"access_token_sealed" =' in sql:
            failure = next(failures)
            if failure is not None:
                raise failure
        return execute(sql, *rest)

    with connection.execute_wrapper(blink):
        token = slow_tokens(grant, SlowOAuth(lambda: None)).current()
    assert token == AccessToken("late-access", 2)


def test_a_database_that_stays_away_is_an_error(
    grant: FreshBooksGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    expired(grant)
    monkeypatch.setattr(tokens_module, "SAVE_PAUSE_S", 0)

    def away(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if '"access_token_sealed" =' in sql:
            raise OperationalError("server closed the connection")
        return execute(sql, *rest)

    with connection.execute_wrapper(away), pytest.raises(OperationalError):
        slow_tokens(grant, SlowOAuth(lambda: None)).current()


def test_no_token_is_printed(grant: FreshBooksGrant) -> None:
    grant.access_token = unique("canary-")
    assert "canary" not in repr(AccessToken(grant.access_token, 1))
    with every_tenant():
        assert "canary" not in repr(FreshBooksConnection.objects.first())
