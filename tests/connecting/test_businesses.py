"""Which business an attempt to connect may end at, the first time and again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.recording import Cause
from connector.connecting.businesses import choose_business, open_choice
from connector.connecting.refusals import ConnectRefused
from connector.grants import GRANT_LOST, mark_lost
from connector.jobs import kinds, ledger
from connector.models import SyncJob
from connector.vendors.freshbooks.tokens import REFUSED_AGAIN
from tenants.models import (
    ConnectionState,
    FreshBooksConnection,
    FreshBooksGrant,
    OAuthState,
    Tenant,
)
from tenants.scope import every_tenant, tenant_scope
from tests.connecting.conftest import Person, new_tenant
from tests.connecting.steps import (
    SESSION,
    actions,
    begin,
    connect,
    refused,
    sign_in,
)
from tests.factories import make_freshbooks_connection, unique
from tests.pipeline.shop import cause
from tests.pipeline.simulators import Simulators
from tests.threads import at_once

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


def test_work_whose_new_token_was_refused_goes_on_when_connected_again(
    simulators: Simulators, tenant: Tenant, owner: Person, business: dict[str, Any]
) -> None:
    connect(tenant, owner, business)
    hold_a_job(tenant, REFUSED_AGAIN)
    connect(tenant, owner, business)
    with tenant_scope(tenant.pk):
        assert SyncJob.objects.get(kind="sync_invoice").state == SyncJob.State.QUEUED


def test_so_does_that_of_the_other_tenants_of_this_login(
    simulators: Simulators, tenant: Tenant, owner: Person, business: dict[str, Any]
) -> None:
    second = new_tenant()
    connect(tenant, owner, business)
    connect(second, owner, simulators.freshbooks.business(owner.login, name="Oak Studio"))
    hold_a_job(second, REFUSED_AGAIN)
    sign_in(tenant, owner)
    with tenant_scope(second.pk):
        assert SyncJob.objects.get(kind="sync_invoice").state == SyncJob.State.QUEUED


def hold_a_job(tenant: Tenant, code: str = GRANT_LOST) -> None:
    with tenant_scope(tenant.pk):
        job = ledger.enqueue(
            tenant_id=tenant.pk,
            kind=kinds.SYNC_INVOICE,
            subject="7",
            cause=Cause("worker", "poll", cause().correlation_id),
        )
        SyncJob.objects.filter(pk=job).update(state="held", failure_code=code)


def state(tenant: Tenant) -> str:
    with tenant_scope(tenant.pk):
        return str(FreshBooksConnection.objects.get().state)
