"""Ping: each permission a line, with what to do about it, kept with the connections."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from connector.connecting import handlers
from connector.connecting.lines import PingLine
from connector.connecting.ping import ping
from connector.connecting.stripe import connect_stripe
from connector.errors import VendorRateLimited
from connector.jobs.context import JobRun
from connector.models import RateBucket
from tenants.models import (
    ConnectionState,
    FreshBooksConnection,
    FreshBooksGrant,
    StripeConnection,
    Tenant,
)
from tenants.scope import tenant_scope
from tests.connecting.conftest import Person
from tests.connecting.steps import connect
from tests.factories import make_tenant, unique
from tests.pipeline.shop import cause
from tests.pipeline.simulators import Simulators


@pytest.fixture
def connected(
    tenant: Tenant, owner: Person, business: dict[str, Any], stripe_account: dict[str, Any]
) -> Tenant:
    connect(tenant, owner, business)
    connect_stripe(tenant, stripe_account["secret_key"], cause=cause())
    return tenant


def failed(lines: list[PingLine]) -> list[tuple[str, str]]:
    assert all(line.next_step for line in lines if not line.ok)
    return [(line.side, line.what) for line in lines if not line.ok]


def test_a_sound_tenant_passes_every_check(connected: Tenant) -> None:
    lines = ping(connected.pk)
    assert failed(lines) == []
    told = {line.what: line.message for line in lines}
    assert told["Clients: read"] == "0 clients"
    assert told["Scope user:payments:write"] == "granted"
    assert told["Own payment gateway"].startswith("none")
    with tenant_scope(connected.pk):
        for connection in (FreshBooksConnection.objects.get(), StripeConnection.objects.get()):
            assert connection.last_ping_at is not None
            assert all(line["ok"] for line in connection.last_ping)


def test_ping_writes_nothing_at_either_vendor(simulators: Simulators, connected: Tenant) -> None:
    def books() -> str:
        stripe = simulators.stripe.state()["accounts"]
        for account in stripe:
            del account["idempotency_keys"]  # answers 404 of the probes
        return json.dumps([simulators.freshbooks.state()["accounts"], stripe])

    before = books()
    ping(connected.pk)
    assert books() == before


def test_a_dead_key_and_a_dead_grant_are_told_apart(
    simulators: Simulators, connected: Tenant, business: dict[str, Any], stripe_account: Any
) -> None:
    simulators.freshbooks.act("revoke_grant", identity_id=business["identity_id"])
    simulators.stripe.act("revoke_key", account_id=stripe_account["account_id"])
    lines = ping(connected.pk)
    assert ("freshbooks", "Clients: read") in failed(lines)
    assert ("stripe", "Account") in failed(lines)
    assert any("Connect FreshBooks again" in line.next_step for line in lines)
    assert not [line for line in lines if "sk_test_" in line.message + line.next_step]


def test_a_missing_scope_is_named(connected: Tenant) -> None:
    FreshBooksGrant.objects.update(scopes="user:profile:read user:clients:read")
    missing = {what for _, what in failed(ping(connected.pk))}
    assert {"Scope user:payments:write", "Scope user:invoices:read"} <= missing


def test_a_tenant_without_connections_gets_two_lines(committed_db: None) -> None:
    assert failed(ping(make_tenant().pk)) == [
        ("freshbooks", "Connection"),
        ("stripe", "Connection"),
    ]


def test_missing_webhooks_show_once_a_tenant_is_live(connected: Tenant) -> None:
    Tenant.objects.filter(pk=connected.pk).update(state="live", live_at=timezone.now())
    assert failed(ping(connected.pk)) == [("freshbooks", "Webhooks"), ("stripe", "Webhook")]


def test_a_key_that_moved_to_another_account_is_noticed(connected: Tenant) -> None:
    with tenant_scope(connected.pk):
        StripeConnection.objects.update(account_id=unique("acct_"))
    assert ("stripe", "Account") in failed(ping(connected.pk))


def test_an_empty_call_budget_is_no_verdict(connected: Tenant) -> None:
    with tenant_scope(connected.pk):
        RateBucket.objects.update(tokens=-100, rate_per_s=1, capacity=1)
        before = FreshBooksConnection.objects.get().last_ping
    with pytest.raises(VendorRateLimited):
        ping(connected.pk)
    with tenant_scope(connected.pk):
        assert FreshBooksConnection.objects.get().last_ping == before
    with pytest.raises(CommandError, match="Try again in"):
        call_command("ping", connected.slug)


def test_the_job_says_what_failed(connected: Tenant) -> None:
    job = JobRun(
        job_id=1,
        tenant_id=connected.pk,
        kind="ping",
        subject="",
        fence=1,
        attempt=1,
        cause=cause(),
    )
    assert handlers.ping(job).startswith("all ")
    with tenant_scope(connected.pk):
        StripeConnection.objects.update(state=ConnectionState.NEEDS_REAUTH)
    assert handlers.ping(job) == "failed: Connection"


def test_the_command_prints_and_fails(connected: Tenant) -> None:
    out = StringIO()
    call_command("ping", connected.slug, stdout=out)
    assert "ok   freshbooks: Clients: read (0 clients)" in out.getvalue()
    with tenant_scope(connected.pk):
        StripeConnection.objects.update(state=ConnectionState.NEEDS_REAUTH)
    out = StringIO()
    with pytest.raises(CommandError, match="1 of "):
        call_command("ping", connected.slug, "--json", stdout=out)
    lines = json.loads(out.getvalue())
    assert next(line["next_step"] for line in lines if not line["ok"]).startswith("Paste a new")
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("ping", connected.slug, stdout=out)
    assert "FAIL stripe: Connection" in out.getvalue()
    assert "-> Paste a new" in out.getvalue()
