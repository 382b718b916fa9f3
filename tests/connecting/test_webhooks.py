"""Registering with both vendors: one endpoint, one callback per event, and never too many."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.utils import timezone

from audit.models import AuditEntry
from connector.connecting import handlers
from connector.connecting.freshbooks_callbacks import EVENTS, confirm_callback
from connector.connecting.stripe import connect_stripe
from connector.connecting.webhooks import register_webhooks, unregister_webhooks
from connector.errors import VendorRefused, VendorUnavailable
from connector.jobs import runner
from connector.models import RateBucket, SyncJob
from connector.vendors.stripe.http import API_VERSION
from connector.vendors.stripe.subscriptions import ENABLED_EVENTS
from tenants.models import FreshBooksCallback, StripeConnection, Tenant
from tenants.scope import every_tenant, tenant_scope
from tests.connecting.conftest import Person
from tests.connecting.steps import connect
from tests.pipeline.shop import cause
from tests.pipeline.simulators import Simulators
from tests.sandbox.driving import eventually

HANDLERS = {"confirm_callback": handlers.confirm_callback}


@pytest.fixture
def connected(
    tenant: Tenant,
    own_site: str,
    owner: Person,
    business: dict[str, Any],
    stripe_account: dict[str, Any],
    no_jobs: None,
) -> Tenant:
    """Both sides connected, nothing registered, our site up."""
    connect(tenant, owner, business)
    connect_stripe(tenant, stripe_account["secret_key"], cause=cause())
    return tenant


def endpoints(simulators: Simulators) -> list[dict[str, Any]]:
    (account,) = simulators.stripe.state()["accounts"]
    return list(account["webhook_endpoints"])


def callbacks(simulators: Simulators) -> list[dict[str, Any]]:
    (account,) = simulators.freshbooks.state()["accounts"].values()
    return list(account["callbacks"])


def shake_hands(tenant: Tenant) -> None:
    """Wait until every handshake has arrived, then answer them as a worker does."""

    def all_arrived() -> bool:
        with tenant_scope(tenant.pk):
            waiting = FreshBooksCallback.State.REGISTERING
            return not FreshBooksCallback.objects.filter(state=waiting).exists()

    def none_waits_for_the_budget() -> bool:
        runner.drain("intake", HANDLERS)
        with tenant_scope(tenant.pk):
            return not SyncJob.objects.filter(state="queued", failure_code="own_budget").exists()

    eventually(all_arrived)
    eventually(none_waits_for_the_budget)


def test_both_sides_are_registered_once_and_the_handshakes_answered(
    simulators: Simulators, connected: Tenant, own_site: str
) -> None:
    assert register_webhooks(connected.pk, cause=cause()) == (
        "Stripe endpoint made, 9 FreshBooks callbacks made"
    )
    shake_hands(connected)
    (endpoint,) = endpoints(simulators)
    assert endpoint["url"].startswith(f"{own_site}/webhooks/stripe/")
    assert (endpoint["api_version"], endpoint["status"]) == (API_VERSION, "enabled")
    assert set(endpoint["enabled_events"]) == set(ENABLED_EVENTS)
    assert sorted(one["event"] for one in callbacks(simulators)) == sorted(EVENTS)
    assert all(one["verified"] for one in callbacks(simulators))
    assert len({one["uri"] for one in callbacks(simulators)}) == len(EVENTS)
    with tenant_scope(connected.pk):
        states = FreshBooksCallback.objects.values_list("state", flat=True)
        assert set(states) == {FreshBooksCallback.State.ACTIVE}


def test_registering_again_changes_nothing(simulators: Simulators, connected: Tenant) -> None:
    register_webhooks(connected.pk, cause=cause())
    before = (endpoints(simulators), [one["uri"] for one in callbacks(simulators)])
    assert register_webhooks(connected.pk, cause=cause()) == "all in place"  # handshakes under way
    shake_hands(connected)
    assert register_webhooks(connected.pk, cause=cause()) == "all in place"
    assert before == (endpoints(simulators), [one["uri"] for one in callbacks(simulators)])


def test_renewing_replaces_everything(simulators: Simulators, connected: Tenant) -> None:
    register_webhooks(connected.pk, cause=cause())
    shake_hands(connected)
    old = {endpoints(simulators)[0]["url"], *(one["uri"] for one in callbacks(simulators))}
    register_webhooks(connected.pk, cause=cause(), renew=True)
    shake_hands(connected)
    new = {endpoints(simulators)[0]["url"], *(one["uri"] for one in callbacks(simulators))}
    assert len(new) == 1 + len(EVENTS)
    assert not old & new


def test_addresses_and_secrets_are_not_readable_in_the_database(
    simulators: Simulators, connected: Tenant, owner_sql: psycopg.Connection
) -> None:
    register_webhooks(connected.pk, cause=cause())
    shake_hands(connected)
    secrets = [one["verifier"] for one in callbacks(simulators)]
    secrets += [one["uri"].split("/")[-2] for one in callbacks(simulators)]
    secrets += [endpoints(simulators)[0]["url"].split("/")[-2]]
    with tenant_scope(connected.pk):
        secrets += [StripeConnection.objects.get().endpoint_secret]
    for table in ("tenants_freshbookscallback", "tenants_stripeconnection", "connector_syncjob"):
        raw = repr(owner_sql.execute(f"SELECT * FROM {table}").fetchall())
        assert not [secret for secret in secrets if secret in raw]


def test_an_endpoint_that_was_switched_off_or_deleted_is_replaced(
    simulators: Simulators, connected: Tenant
) -> None:
    register_webhooks(connected.pk, cause=cause())
    with tenant_scope(connected.pk):
        StripeConnection.objects.update(endpoint_id="we_gone")
    (before,) = endpoints(simulators)
    assert register_webhooks(connected.pk, cause=cause()).startswith("Stripe endpoint made")
    (after,) = endpoints(simulators)
    assert before["id"] != after["id"]


def test_a_stray_endpoint_of_ours_is_removed_and_others_are_left_alone(
    simulators: Simulators, connected: Tenant, own_site: str, stripe_account: dict[str, Any]
) -> None:
    from connector.clients import stripe_client  # noqa: PLC0415

    client = stripe_client(connected.pk)
    for url in (f"{own_site}/webhooks/stripe/stray/", "https://other.example/hook"):
        client.create_webhook_endpoint(
            url=url, enabled_events=["*"], description="", metadata={}, idempotency_key=url
        )
    register_webhooks(connected.pk, cause=cause())
    urls = {one["url"] for one in endpoints(simulators)}
    assert len(urls) == 2
    assert "https://other.example/hook" in urls
    assert f"{own_site}/webhooks/stripe/stray/" not in urls


def test_a_callback_that_never_answered_is_replaced_after_a_while(
    simulators: Simulators, connected: Tenant
) -> None:
    simulators.freshbooks.fault("drop_webhook", times=None)
    register_webhooks(connected.pk, cause=cause())
    simulators.freshbooks.control("DELETE", "faults")
    with tenant_scope(connected.pk):
        FreshBooksCallback.objects.filter(event="client.create").update(
            created_at=timezone.now() - timedelta(hours=1)
        )
    assert "1 FreshBooks callbacks made" in register_webhooks(connected.pk, cause=cause())
    assert len(callbacks(simulators)) == len(EVENTS)


def test_a_registration_that_was_interrupted_is_completed(
    simulators: Simulators, connected: Tenant
) -> None:
    simulators.freshbooks.fault("status_429", {"method": "POST", "path_regex": "callbacks"})
    simulators.freshbooks.fault("reset_after", {"method": "POST", "path_regex": "callbacks"})
    for _ in range(2):
        with pytest.raises(Exception, match="FreshBooks|freshbooks"):
            register_webhooks(connected.pk, cause=cause())
        clear_blocks()
    register_webhooks(connected.pk, cause=cause())
    assert sorted(one["event"] for one in callbacks(simulators)) == sorted(EVENTS)
    shake_hands(connected)
    assert all(one["verified"] for one in callbacks(simulators))


def clear_blocks() -> None:
    with every_tenant():
        RateBucket.objects.update(blocked_until=None)


def test_a_forged_verifier_switches_nothing_on(simulators: Simulators, connected: Tenant) -> None:
    simulators.freshbooks.fault("drop_webhook", times=None)
    register_webhooks(connected.pk, cause=cause())
    with tenant_scope(connected.pk):
        row = FreshBooksCallback.objects.get(event="invoice.update")
        row.verifier, row.state = "forged", FreshBooksCallback.State.CONFIRMING
        row.save()
    with pytest.raises(VendorRefused):
        confirm_callback(connected.pk, row.pk, cause=cause())
    with tenant_scope(connected.pk):
        row.refresh_from_db()
        assert row.state != FreshBooksCallback.State.ACTIVE
    assert not [one for one in callbacks(simulators) if one["verified"]]


def test_confirming_knows_when_there_is_nothing_to_confirm(
    simulators: Simulators, connected: Tenant
) -> None:
    assert confirm_callback(connected.pk, 0, cause=cause()) == "nothing to confirm"
    with tenant_scope(connected.pk):
        row = FreshBooksCallback.objects.create(
            tenant=connected, event="x.y", token_digest="d", state="confirming"
        )
    with pytest.raises(VendorUnavailable):
        confirm_callback(connected.pk, row.pk, cause=cause())


def test_unregistering_leaves_nothing_behind(simulators: Simulators, connected: Tenant) -> None:
    register_webhooks(connected.pk, cause=cause())
    shake_hands(connected)
    assert unregister_webhooks(connected.pk) == (
        "1 Stripe endpoints and 9 FreshBooks callbacks removed"
    )
    assert (endpoints(simulators), callbacks(simulators)) == ([], [])
    with tenant_scope(connected.pk):
        row = StripeConnection.objects.get()
        assert (row.endpoint_id, row.endpoint_token_digest, row.endpoint_secret) == ("", "", "")
        assert not FreshBooksCallback.objects.exists()
        assert not SyncJob.objects.filter(state="dead").exists()
        assert AuditEntry.objects.filter(action="freshbooks.callback_confirmed").count() == 9
