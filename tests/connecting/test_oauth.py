"""Connecting FreshBooks: who may finish an attempt, and which business it may end at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from django.utils import timezone

from audit.models import AuditEntry
from audit.recording import Cause
from connector.connecting.businesses import BusinessChoice, choose_business, open_choice
from connector.connecting.oauth import (
    SCOPES,
    begin_freshbooks,
    finish_freshbooks,
    refuse_freshbooks,
)
from connector.connecting.refusals import ConnectRefused
from connector.grants import grant_lost_error, mark_lost
from connector.jobs import kinds, ledger
from connector.models import SyncJob
from tenants.models import (
    ConnectionState,
    FreshBooksConnection,
    FreshBooksGrant,
    OAuthState,
    Tenant,
)
from tenants.scope import every_tenant, tenant_scope
from tests.connecting.conftest import Person, new_tenant
from tests.factories import make_freshbooks_connection, unique
from tests.pipeline.shop import cause
from tests.pipeline.simulators import Simulators
from tests.threads import at_once

SESSION = "session-of-noor"


def begin(tenant: Tenant, session: str = SESSION) -> str:
    return begin_freshbooks(
        tenant, session_key=session, user="noor", return_to=f"/admin/{tenant.pk}/"
    )


def answer_of(location: str) -> tuple[str, str]:
    """State and code that FreshBooks sent back."""
    query = parse_qs(urlsplit(location).query)
    return query["state"][0], query["code"][0]


def sign_in(tenant: Tenant, person: Person, session: str = SESSION) -> BusinessChoice:
    return finish_freshbooks(*answer_of(person.consent(begin(tenant, session))), session)


def connect(tenant: Tenant, person: Person, business: dict[str, Any]) -> FreshBooksConnection:
    choice = sign_in(tenant, person)
    return choose_business(choice.attempt_id, business["business_id"], session_key=SESSION)


def actions(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant.pk):
        rows = AuditEntry.objects.filter(tenant_id=tenant.pk).order_by("sequence")
        return list(rows.values_list("action", flat=True))


def refused(refusal: pytest.ExceptionInfo[ConnectRefused]) -> str:
    assert refusal.value.next_step
    return refusal.value.code


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


# The choice ---------------------------------------------------------------------------------------


def test_of_two_businesses_the_person_chooses(
    simulators: Simulators, tenant: Tenant, owner: Person, business: dict[str, Any]
) -> None:
    second = simulators.freshbooks.business(owner.login, name="Oak Studio")
    choice = sign_in(tenant, owner)
    assert {one.business_id for one in choice.possible} == {
        business["business_id"],
        second["business_id"],
    }
    assert open_choice(choice.attempt_id, session_key=SESSION) == choice
    connection = choose_business(choice.attempt_id, second["business_id"], session_key=SESSION)
    assert (connection.account_id, connection.business_name) == (second["account_id"], "Oak Studio")


def test_a_business_that_was_not_offered_is_refused(tenant: Tenant, owner: Person) -> None:
    choice = sign_in(tenant, owner)
    with pytest.raises(ConnectRefused) as refusal:
        choose_business(choice.attempt_id, 1, session_key=SESSION)
    assert refused(refusal) == "attempt_ended"


def test_the_choice_belongs_to_the_browser_that_signed_in(tenant: Tenant, owner: Person) -> None:
    choice = sign_in(tenant, owner)
    business_id = choice.businesses[0].business_id
    with pytest.raises(ConnectRefused):
        open_choice(choice.attempt_id, session_key="session-of-mallory")
    with pytest.raises(ConnectRefused):
        choose_business(choice.attempt_id, business_id, session_key="session-of-mallory")


def test_a_choice_is_made_once_and_in_time(tenant: Tenant, owner: Person) -> None:
    choice = sign_in(tenant, owner)
    with every_tenant():
        OAuthState.objects.update(used_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(ConnectRefused):
        open_choice(choice.attempt_id, session_key=SESSION)
    with every_tenant():
        OAuthState.objects.update(used_at=timezone.now())
    choose_business(choice.attempt_id, choice.businesses[0].business_id, session_key=SESSION)
    with pytest.raises(ConnectRefused):
        choose_business(choice.attempt_id, choice.businesses[0].business_id, session_key=SESSION)


def test_an_attempt_that_never_came_back_offers_nothing(
    simulators: Simulators, tenant: Tenant
) -> None:
    begin(tenant)
    with every_tenant():
        attempt = OAuthState.objects.get(tenant=tenant)
    with pytest.raises(ConnectRefused):
        open_choice(attempt.pk, session_key=SESSION)


@pytest.mark.parametrize(
    ("more", "obstacle"),
    [({"without_accounting": True}, "no accounting"), ({"role": "client"}, "only a client")],
)
def test_a_business_that_cannot_work_is_refused(
    simulators: Simulators, tenant: Tenant, more: dict[str, Any], obstacle: str
) -> None:
    login = f"{unique('kim-')}@maple.example"
    if "role" in more:
        other = simulators.freshbooks.business(f"{unique('boss-')}@maple.example")
        made = simulators.freshbooks.act(
            "add_member", account_id=other["account_id"], email=login, **more
        )
    else:
        made = simulators.freshbooks.business(login, **more)
    choice = sign_in(tenant, Person(simulators.freshbooks, login))
    assert choice.possible == ()
    assert obstacle in choice.businesses[0].obstacle
    with pytest.raises(ConnectRefused) as refusal:
        choose_business(choice.attempt_id, made["business_id"], session_key=SESSION)
    assert refused(refusal) == "business_refused"


def test_a_business_of_another_tenant_is_refused_and_its_owner_can_see_it(
    tenant: Tenant, owner: Person, business: dict[str, Any]
) -> None:
    first = new_tenant()
    connect(first, owner, business)
    with pytest.raises(ConnectRefused) as refusal:
        connect(tenant, owner, business)
    assert refused(refusal) == "business_taken"
    assert actions(first)[-1] == "freshbooks.second_connection_refused"
    with tenant_scope(tenant.pk):
        assert not FreshBooksConnection.objects.exists()


def test_two_tenants_that_choose_one_business_at_once_do_not_both_get_it(
    simulators: Simulators, owner: Person, business: dict[str, Any]
) -> None:
    tenants = [new_tenant() for _ in range(4)]
    choices = [sign_in(one, owner) for one in tenants]

    def choose(number: int) -> str:
        try:
            choose_business(
                choices[number].attempt_id, business["business_id"], session_key=SESSION
            )
        except ConnectRefused as refusal:
            return refusal.code
        return "connected"

    assert sorted(at_once(4, choose)) == ["business_taken"] * 3 + ["connected"]


# Connecting again ---------------------------------------------------------------------------------


def test_connecting_the_same_business_again_lets_waiting_work_go_on(
    tenant: Tenant, owner: Person, business: dict[str, Any]
) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(state="live", live_at=timezone.now())
    connection = connect(tenant, owner, business)
    grant = FreshBooksGrant.objects.get(pk=connection.grant_id)
    mark_lost(grant, reason="revoked", cause=cause())
    hold_a_job(tenant)
    again = connect(tenant, owner, business)
    assert (again.pk, again.state) == (connection.pk, ConnectionState.CONNECTED)
    row = FreshBooksGrant.objects.get(pk=grant.pk)
    assert (row.lost_at, row.lost_reason, row.generation) == (None, "", 2)
    with tenant_scope(tenant.pk):
        job = SyncJob.objects.get(kind="sync_invoice")
        assert job.state == SyncJob.State.QUEUED
        assert SyncJob.objects.filter(kind="register_webhooks", state="queued").exists()
    assert "freshbooks.connection_restored" in actions(tenant)


def test_one_login_of_two_tenants_restores_both(
    simulators: Simulators, tenant: Tenant, owner: Person, business: dict[str, Any]
) -> None:
    sister = new_tenant()
    second = simulators.freshbooks.business(owner.login, name="Oak Studio")
    connection = connect(tenant, owner, business)
    connect(sister, owner, second)
    gone = new_tenant()  # a third, whose business the login can no longer reach
    make_freshbooks_connection(gone, grant=connection.grant)
    mark_lost(FreshBooksGrant.objects.get(pk=connection.grant_id), reason="revoked", cause=cause())
    sign_in(tenant, owner)
    assert FreshBooksGrant.objects.filter(identity_id=business["identity_id"]).count() == 1
    assert [state(one) for one in (tenant, sister, gone)] == [
        "connected",
        "connected",
        "needs_reauth",
    ]


def test_another_business_is_refused(
    simulators: Simulators, tenant: Tenant, owner: Person, business: dict[str, Any]
) -> None:
    connect(tenant, owner, business)
    other = simulators.freshbooks.business(owner.login, name="Oak Studio")
    choice = sign_in(tenant, owner)
    assert [one.business_id for one in choice.possible] == [business["business_id"]]
    with pytest.raises(ConnectRefused) as refusal:
        choose_business(choice.attempt_id, other["business_id"], session_key=SESSION)
    assert refused(refusal) == "business_refused"
    assert "Maple Joinery" in refusal.value.message + refusal.value.next_step
    with tenant_scope(tenant.pk):
        assert FreshBooksConnection.objects.get().account_id == business["account_id"]


def test_a_second_login_may_take_over_the_same_business(
    simulators: Simulators, tenant: Tenant, owner: Person, business: dict[str, Any]
) -> None:
    connect(tenant, owner, business)
    partner = Person(simulators.freshbooks, f"{unique('partner-')}@maple.example")
    simulators.freshbooks.act(
        "add_member",
        account_id=business["account_id"],
        email=partner.login,
        role="business_partner",
    )
    connection = connect(tenant, partner, business)
    assert connection.grant.email == partner.login


def hold_a_job(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        job = ledger.enqueue(
            tenant_id=tenant.pk,
            kind=kinds.SYNC_INVOICE,
            subject="7",
            cause=Cause("worker", "poll", cause().correlation_id),
        )
        SyncJob.objects.filter(pk=job).update(state="held", failure_code=grant_lost_error().code)


def state(tenant: Tenant) -> str:
    with tenant_scope(tenant.pk):
        return str(FreshBooksConnection.objects.get().state)
