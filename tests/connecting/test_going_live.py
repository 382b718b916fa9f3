"""Choices, going live, onboarding links, and taking everything back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from audit.models import AuditEntry
from audit.recording import read_details
from connector.clients import freshbooks_client, stripe_client
from connector.connecting.choices import Choices, make_choices
from connector.connecting.disconnecting import disconnect, disconnect_freshbooks
from connector.connecting.go_live import go_live, missing_for_live
from connector.connecting.links import find_tenant_of_link, make_link, revoke_links
from connector.connecting.refusals import ConnectRefused
from connector.connecting.stripe import connect_stripe
from connector.errors import CredentialRejected
from connector.models import PollFeed, SyncJob
from tenants.models import (
    ConnectionState,
    FreshBooksConnection,
    FreshBooksGrant,
    OnboardingLink,
    StripeConnection,
    Tenant,
)
from tenants.scope import every_tenant, tenant_scope
from tests.connecting.conftest import Person, new_tenant
from tests.connecting.steps import connect
from tests.factories import make_tenant
from tests.pipeline.shop import cause
from tests.pipeline.simulators import Simulators

CHOICES = Choices(
    payment_mode="approve",
    email_sender="stripe",
    time_zone="Europe/London",
    start_date=date(2026, 1, 1),
    poll_interval_s=60,
)


@pytest.fixture
def connected(
    tenant: Tenant, owner: Person, business: dict[str, Any], stripe_account: dict[str, Any]
) -> Tenant:
    connect(tenant, owner, business)
    connect_stripe(tenant, stripe_account["secret_key"], cause=cause())
    return tenant


@pytest.fixture
def ready(connected: Tenant) -> Tenant:
    return make_choices(connected.pk, CHOICES, cause=cause())


# Choices ------------------------------------------------------------------------------------------


def test_choices_are_kept_with_who_made_them(tenant: Tenant) -> None:
    row = make_choices(tenant.pk, CHOICES, cause=cause("chose"))
    assert (row.payment_mode, row.email_sender, row.poll_interval_s) == ("approve", "stripe", 60)
    assert row.choices_made_at is not None
    with tenant_scope(tenant.pk):
        entry = AuditEntry.objects.get()
        told = read_details(entry)
    assert (entry.action, entry.actor) == ("tenant.choices_made", "test")
    assert (told["before"]["payment_mode"], told["after"]["payment_mode"]) == ("observe", "approve")


@pytest.mark.parametrize(
    "wrong",
    [
        {"payment_mode": "always"},
        {"email_sender": ""},
        {"time_zone": "Mars/Olympus"},
        {"poll_interval_s": 0},
        {"poll_crontab": "every day"},
        {"poll_crontab": "61 * * * *"},
    ],
)
def test_a_choice_that_makes_no_sense_changes_nothing(tenant: Tenant, wrong: Any) -> None:
    values = {name: getattr(CHOICES, name) for name in CHOICES.__dataclass_fields__}
    with pytest.raises(ConnectRefused) as refusal:
        make_choices(tenant.pk, Choices(**{**values, **wrong}), cause=cause())
    assert refusal.value.code == "invalid_choice"
    tenant.refresh_from_db()
    assert tenant.choices_made_at is None
    assert tenant.payment_mode == "observe"


# Going live ---------------------------------------------------------------------------------------


def test_a_new_tenant_is_told_all_that_is_missing(tenant: Tenant) -> None:
    with pytest.raises(ConnectRefused) as refusal:
        go_live(tenant.pk, cause=cause())
    for step in ("Connect FreshBooks.", "Paste a Stripe key.", "Choose who e-mails"):
        assert step in refusal.value.next_step
    tenant.refresh_from_db()
    assert tenant.state == "onboarding"


def test_a_key_without_a_permission_or_a_grant_without_a_scope_is_not_enough(
    ready: Tenant,
) -> None:
    with tenant_scope(ready.pk):
        row = StripeConnection.objects.get()
        row.last_ping[0] |= {"ok": False, "what": "Invoices: write"}
        row.last_ping.append({"ok": False, "what": "Webhook"})  # which going live registers
        row.save()
        FreshBooksGrant.objects.update(scopes="user:profile:read")
        missing = missing_for_live(ready)
    assert "user:payments:write" in missing[0]
    assert missing[1:] == [
        "Give the Stripe key what it lacks (Invoices: write), then check it again."
    ]


def test_going_live_queues_the_first_work_once(ready: Tenant) -> None:
    live = go_live(ready.pk, cause=cause())
    again = go_live(ready.pk, cause=cause())
    assert live.is_live
    assert live.live_at == again.live_at
    with tenant_scope(ready.pk):
        kinds = sorted(SyncJob.objects.filter(state="queued").values_list("kind", flat=True))
        assert kinds == ["poll_freshbooks", "poll_stripe", "register_webhooks"]
        assert set(SyncJob.objects.values_list("hints", flat=True)) == {1}
        assert PollFeed.objects.count() == 4
        assert AuditEntry.objects.filter(action="tenant.went_live").count() == 1


def test_resuming_releases_what_waited(ready: Tenant) -> None:
    go_live(ready.pk, cause=cause())
    Tenant.objects.filter(pk=ready.pk).update(state="paused")
    with tenant_scope(ready.pk):
        SyncJob.objects.update(state="held", failure_code="tenant_not_live")
    first_live_at = Tenant.objects.get(pk=ready.pk).live_at
    assert go_live(ready.pk, cause=cause()).live_at == first_live_at
    with tenant_scope(ready.pk):
        assert set(SyncJob.objects.values_list("state", flat=True)) == {"queued"}


# Links --------------------------------------------------------------------------------------------


def token_in(url: str) -> str:
    return url.rstrip("/").rsplit("/", 1)[1]


def test_a_link_finds_its_tenant_and_only_its_digest_is_stored(
    fresh_tenant: Tenant, owner_sql: psycopg.Connection
) -> None:
    url = make_link(fresh_tenant.pk, cause=cause())
    assert find_tenant_of_link(token_in(url)) == fresh_tenant
    for table in ("tenants_onboardinglink", "audit_auditentry"):
        raw = repr(owner_sql.execute(f"SELECT * FROM {table}").fetchall())
        assert token_in(url) not in raw


def test_expired_revoked_and_unknown_links_find_nobody(fresh_tenant: Tenant) -> None:
    late = make_link(fresh_tenant.pk, cause=cause(), life=timedelta(0))
    good = make_link(fresh_tenant.pk, cause=cause())
    assert find_tenant_of_link(token_in(late)) is None
    assert find_tenant_of_link("guess") is None
    assert find_tenant_of_link("") is None
    assert revoke_links(fresh_tenant.pk, cause=cause()) == 1
    assert find_tenant_of_link(token_in(good)) is None
    with every_tenant():
        assert OnboardingLink.objects.filter(tenant=fresh_tenant).count() == 2


def test_the_command_prints_a_link(fresh_tenant: Tenant) -> None:
    for arguments in ((), ("--json",)):
        out = StringIO()
        call_command("onboarding_link", fresh_tenant.slug, "--days", "2", *arguments, stdout=out)
        assert "/connect/" in out.getvalue()
    with tenant_scope(fresh_tenant.pk):
        link = OnboardingLink.objects.order_by("pk")[0]
    assert link.expires_at - timezone.now() < timedelta(days=2, seconds=1)


# Disconnecting ------------------------------------------------------------------------------------


def test_disconnecting_destroys_credentials_and_keeps_the_memory(
    simulators: Simulators, ready: Tenant
) -> None:
    go_live(ready.pk, cause=cause())
    assert disconnect(ready.pk, cause=cause()) == []
    ready.refresh_from_db()
    assert ready.state == "disconnected"
    with tenant_scope(ready.pk):
        freshbooks, stripe = FreshBooksConnection.objects.get(), StripeConnection.objects.get()
        assert {freshbooks.state, stripe.state} == {ConnectionState.DISCONNECTED}
        assert (freshbooks.grant.access_token, freshbooks.grant.refresh_token) == ("", "")
        assert (stripe.api_key, stripe.endpoint_secret) == ("", "")
    clients: list[Callable[[int], object]] = [freshbooks_client, stripe_client]
    for client in clients:
        with pytest.raises(CredentialRejected):
            client(ready.pk)
    tokens = simulators.freshbooks.state()["tokens"]
    assert not [token for token in tokens if token["access_live"] or token["refresh_live"]]


def test_a_silent_vendor_does_not_keep_credentials_alive(
    simulators: Simulators, ready: Tenant
) -> None:
    go_live(ready.pk, cause=cause())
    simulators.freshbooks.fault("status_500", times=None)
    simulators.stripe.fault("status_500", times=None)
    left = disconnect(ready.pk, cause=cause())
    assert len(left) == 3
    with tenant_scope(ready.pk):
        assert FreshBooksConnection.objects.get().grant.refresh_token == ""
        assert StripeConnection.objects.get().api_key == ""


def test_the_command_line_disconnects_and_tells_what_is_left(
    simulators: Simulators, ready: Tenant
) -> None:
    go_live(ready.pk, cause=cause())
    simulators.stripe.fault("status_500", times=None)
    out = StringIO()
    with pytest.raises(CommandError, match="Take this back at the vendor yourself: Stripe"):
        call_command("disconnect", ready.slug, stdout=out)
    assert "its credentials are destroyed" in out.getvalue()
    ready.refresh_from_db()
    assert ready.state == "disconnected"
    out = StringIO()
    call_command("disconnect", ready.slug, "--json", stdout=out)
    assert json.loads(out.getvalue())["left"] == []


def test_a_grant_that_another_tenant_needs_is_kept(
    simulators: Simulators, ready: Tenant, owner: Person
) -> None:
    sister = new_tenant()
    connect(sister, owner, simulators.freshbooks.business(owner.login, name="Oak Studio"))
    go_live(ready.pk, cause=cause())
    disconnect_freshbooks(ready.pk, cause=cause())
    assert freshbooks_client(sister.pk).list_clients(page=1).rows == ()


def test_before_going_live_a_wrong_business_can_be_left(
    simulators: Simulators, connected: Tenant, owner: Person
) -> None:
    disconnect_freshbooks(connected.pk, cause=cause())
    with tenant_scope(connected.pk):
        assert not FreshBooksConnection.objects.exists()
    other = simulators.freshbooks.business(owner.login, name="Oak Studio")
    assert connect(connected, owner, other).business_name == "Oak Studio"


def test_disconnecting_what_is_not_connected_does_nothing(committed_db: None) -> None:
    assert disconnect(make_tenant().pk, cause=cause()) == []
