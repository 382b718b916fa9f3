"""Connecting FreshBooks: who may finish an attempt, and with what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from django.utils import timezone

from connector.connecting.businesses import choose_business
from connector.connecting.oauth import (
    SCOPES,
    begin_freshbooks,
    finish_freshbooks,
    refuse_freshbooks,
)
from connector.connecting.refusals import ConnectRefused
from tenants.models import (
    ConnectionState,
    FreshBooksConnection,
    FreshBooksGrant,
    OAuthState,
    Tenant,
)
from tenants.scope import every_tenant, tenant_scope
from tests.connecting.conftest import Person
from tests.connecting.steps import (
    SESSION,
    actions,
    answer_of,
    begin,
    refused,
    sign_in,
)
from tests.pipeline.simulators import Simulators
from tests.threads import at_once

# The consent address ------------------------------------------------------------------------------


def test_the_address_carries_state_pkce_and_the_least_scopes(
    simulators: Simulators, tenant: Tenant, settings: Any
) -> None:
    query = parse_qs(urlsplit(begin(tenant)).query)
    assert len(query["state"][0]) >= 43
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{settings.PUBLIC_BASE_URL}/oauth/freshbooks/callback"]
    assert query["scope"] == [" ".join(SCOPES)]
    assert "user:invoices:write" not in SCOPES
    assert "user:clients:write" not in SCOPES


def test_state_verifier_and_link_are_not_readable_in_the_database(
    simulators: Simulators, tenant: Tenant, owner_sql: psycopg.Connection
) -> None:
    address = begin_freshbooks(
        tenant, session_key="canary-session", user="noor", return_to="/connect/canary-link/"
    )
    state = parse_qs(urlsplit(address).query)["state"][0]
    raw = repr(owner_sql.execute("SELECT * FROM tenants_oauthstate").fetchall())
    assert state not in raw
    assert "canary" not in raw


@pytest.mark.parametrize(
    "return_to", ["https://evil.example/", "//evil.example/", "/connect/../x", "/other/", ""]
)
def test_only_our_own_pages_are_returned_to(tenant: Tenant, return_to: str) -> None:
    with pytest.raises(ValueError, match="page of ours"):
        begin_freshbooks(tenant, session_key="s", user="noor", return_to=return_to)


def test_an_attempt_needs_a_session(tenant: Tenant) -> None:
    with pytest.raises(ValueError, match="session"):
        begin(tenant, session="")


# Coming back --------------------------------------------------------------------------------------


def test_consent_code_and_choice_connect_the_business(
    tenant: Tenant, owner: Person, business: dict[str, Any]
) -> None:
    choice = sign_in(tenant, owner)
    assert (choice.tenant_name, choice.login) == (tenant.name, owner.login)
    (offered,) = choice.possible
    assert (offered.account_id, offered.obstacle) == (business["account_id"], "")
    with tenant_scope(tenant.pk):
        assert not FreshBooksConnection.objects.exists()  # nothing before it is confirmed
    connection = choose_business(choice.attempt_id, offered.business_id, session_key=SESSION)
    assert connection.account_id == business["account_id"]
    assert connection.state == ConnectionState.CONNECTED
    grant = FreshBooksGrant.objects.get(identity_id=business["identity_id"])
    assert grant.generation == 1
    assert grant.refresh_at < grant.expires_at
    assert set(grant.scopes.split()) == set(SCOPES)
    assert actions(tenant) == ["freshbooks.login_granted", "freshbooks.connected"]


def test_a_state_works_once(tenant: Tenant, owner: Person) -> None:
    state, code = answer_of(owner.consent(begin(tenant)))
    finish_freshbooks(state, code, SESSION)
    with pytest.raises(ConnectRefused) as refusal:
        finish_freshbooks(state, code, SESSION)
    assert refused(refusal) == "attempt_ended"


def test_a_state_works_once_also_at_the_same_moment(
    simulators: Simulators, tenant: Tenant, owner: Person
) -> None:
    state, code = answer_of(owner.consent(begin(tenant)))

    def finish(_: int) -> str:
        try:
            finish_freshbooks(state, code, SESSION)
        except ConnectRefused as refusal:
            return refusal.code
        return "connected"

    assert sorted(at_once(6, finish)) == ["attempt_ended"] * 5 + ["connected"]


@pytest.mark.parametrize("state", ["", "unknown", "x" * 5000, "\0"])
def test_a_forged_state_is_refused(committed_db: None, state: str) -> None:
    with pytest.raises(ConnectRefused) as refusal:
        finish_freshbooks(state, "code", SESSION)
    assert refused(refusal) == "attempt_ended"


def test_another_browsers_state_is_refused_and_stays_good_for_its_own(
    tenant: Tenant, owner: Person
) -> None:
    state, code = answer_of(owner.consent(begin(tenant)))
    for session in ("session-of-mallory", ""):
        with pytest.raises(ConnectRefused) as refusal:
            finish_freshbooks(state, code, session)
        assert refused(refusal) == "attempt_ended"
    assert finish_freshbooks(state, code, SESSION).tenant_id == tenant.pk


def test_a_state_expires(tenant: Tenant, owner: Person) -> None:
    state, code = answer_of(owner.consent(begin(tenant)))
    with every_tenant():
        OAuthState.objects.update(expires_at=timezone.now())
    with pytest.raises(ConnectRefused) as refusal:
        finish_freshbooks(state, code, SESSION)
    assert refused(refusal) == "attempt_ended"


def test_a_code_of_another_attempt_is_refused_by_pkce(
    simulators: Simulators, tenant: Tenant, owner: Person
) -> None:
    simulators.freshbooks.switch(pkce="enforced")
    _, stolen = answer_of(owner.consent(begin(tenant, session="session-of-the-victim")))
    state, _ = answer_of(owner.consent(begin(tenant)))
    with pytest.raises(ConnectRefused) as refusal:
        finish_freshbooks(state, stolen, SESSION)
    assert refused(refusal) == "code_spent"
    assert refusal.value.back_to == f"/admin/{tenant.pk}/"


def test_a_no_is_taken_for_an_answer(tenant: Tenant, owner: Person) -> None:
    query = parse_qs(urlsplit(owner.consent(begin(tenant), decision="deny")).query)
    refusal = refuse_freshbooks(query["state"][0], query["error"][0], SESSION)
    assert refusal.code == "access_denied"
    assert refusal.back_to == f"/admin/{tenant.pk}/"
    assert actions(tenant) == ["freshbooks.consent_refused"]
    with pytest.raises(ConnectRefused):
        refuse_freshbooks(query["state"][0], query["error"][0], SESSION)


def test_unregistered_scopes_are_the_operators_business(
    simulators: Simulators, tenant: Tenant, owner: Person
) -> None:
    simulators.freshbooks.switch(invalid_scope_answer="redirect")
    simulators.freshbooks.act("set_app_scopes", scopes=["user:clients:read"])
    query = parse_qs(urlsplit(owner.consent(begin(tenant))).query)
    refusal = refuse_freshbooks(query["state"][0], query["error"][0], SESSION)
    assert refusal.code == "consent_failed"
    assert "operator" in refusal.next_step
    simulators.freshbooks.act("set_app_scopes", scopes=list(SCOPES))


def test_a_wrong_app_secret_is_the_operators_business(
    tenant: Tenant, owner: Person, settings: Any
) -> None:
    state, code = answer_of(owner.consent(begin(tenant)))
    settings.FRESHBOOKS_CLIENT_SECRET = "wrong"
    with pytest.raises(ConnectRefused) as refusal:
        finish_freshbooks(state, code, SESSION)
    assert refused(refusal) == "consent_failed"


@pytest.mark.parametrize("path", ["/auth/oauth/token", "/auth/api/v1/users/me"])
def test_a_silent_freshbooks_connects_nothing(
    simulators: Simulators, tenant: Tenant, owner: Person, path: str
) -> None:
    state, code = answer_of(owner.consent(begin(tenant)))
    simulators.freshbooks.fault("status_500", {"path_regex": path})
    with pytest.raises(ConnectRefused) as refusal:
        finish_freshbooks(state, code, SESSION)
    assert refused(refusal) == "vendor_silent"


def test_old_attempts_are_cleared_away(simulators: Simulators, tenant: Tenant) -> None:
    begin(tenant)
    with every_tenant():
        OAuthState.objects.update(expires_at=timezone.now() - timedelta(days=2))
    begin(tenant)
    with every_tenant():
        assert OAuthState.objects.filter(tenant=tenant).count() == 1
