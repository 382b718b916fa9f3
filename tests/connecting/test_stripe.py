"""Pasting a Stripe key: what kind it is, whose, in which mode, and what it may do."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.utils import timezone

from audit.models import AuditEntry
from audit.recording import read_details
from connector.clients import stripe_client
from connector.connecting.go_live import missing_for_live
from connector.connecting.refusals import ConnectRefused
from connector.connecting.stripe import checked_key, connect_stripe, key_hint
from connector.errors import CredentialRejected
from connector.models import SyncJob
from tenants.models import ConnectionState, StripeConnection, Tenant
from tenants.scope import tenant_scope
from tests.connecting.conftest import new_tenant
from tests.factories import make_stripe_connection
from tests.pipeline.shop import cause
from tests.pipeline.simulators import Simulators
from tests.threads import at_once

BASICS = ["rak_accounts_kyc_basic_read", "rak_balance_read"]
NEEDED = [
    *BASICS,
    "rak_customer_write",
    "rak_invoice_write",
    "rak_payment_intent_read",
    "rak_credit_note_read",
]


def refused(pasted: str) -> ConnectRefused:
    with pytest.raises(ConnectRefused) as refusal:
        checked_key(pasted)
    assert pasted.strip() not in refusal.value.message + refusal.value.next_step or not pasted
    return refusal.value


@pytest.mark.parametrize("key", ["sk_test_abcdefgh", "rk_live_abcdefgh", " sk_test_abc\n defgh "])
def test_usable_keys_pass_without_the_blanks_of_copying(key: str) -> None:
    assert checked_key(key) == "".join(key.split())


@pytest.mark.parametrize(
    ("pasted", "told"),
    [
        ("pk_live_abcdefgh", "publishable"),
        ("whsec_abcdefgh", "webhook"),
        ("", "no Stripe key"),
        ("acct_123", "no Stripe key"),
        ("sk_abcdefgh", "no Stripe key"),
        ("sk_test_ab", "no Stripe key"),
        ("sk_test_ab\0cdefgh", "no Stripe key"),
        ("sk_live_" + "a" * 500, "no Stripe key"),
    ],
)
def test_other_keys_are_refused_with_what_to_do(pasted: str, told: str) -> None:
    refusal = refused(pasted)
    assert told in refusal.message
    assert "sk_" in refusal.next_step


def test_a_hint_tells_keys_apart_and_gives_nothing_away() -> None:
    assert key_hint("sk_live_51Habcdefwxyz") == "sk_live_…wxyz"


def test_a_good_key_connects_the_account(
    tenant: Tenant, stripe_account: dict[str, Any], owner_sql: psycopg.Connection
) -> None:
    key = stripe_account["secret_key"]
    check = connect_stripe(tenant, f" {key}\n", cause=cause())
    row = check.connection
    assert row.account_id == stripe_account["account_id"]
    assert (row.account_name, row.country, row.livemode) == ("Maple Joinery", "CA", False)
    assert all(line.ok for line in check.permissions)
    assert len(row.last_ping) == len(check.permissions) > 10
    assert stripe_client(tenant.pk).account().account_id == row.account_id
    assert key not in repr(owner_sql.execute("SELECT * FROM tenants_stripeconnection").fetchall())
    with tenant_scope(tenant.pk):
        entry = AuditEntry.objects.get()
        assert entry.action == "stripe.connected"
        assert read_details(entry)["key"] == key[-4:]


def test_an_unknown_key_is_refused(
    simulators: Simulators, tenant: Tenant, stripe_account: dict[str, Any]
) -> None:
    with pytest.raises(ConnectRefused, match="does not accept this key"):
        connect_stripe(tenant, "sk_test_" + "x" * 40, cause=cause())
    with tenant_scope(tenant.pk):
        assert not StripeConnection.objects.exists()


def test_what_a_restricted_key_lacks_is_named(
    simulators: Simulators, tenant: Tenant, stripe_account: dict[str, Any]
) -> None:
    made = simulators.stripe.act(
        "create_restricted_key", account_id=stripe_account["account_id"], permissions=NEEDED
    )
    check = connect_stripe(tenant, made["restricted_key"], cause=cause())
    lacking = [line for line in check.permissions if not line.ok]
    assert [line.what for line in lacking] == ["Charges and refunds: read"]
    assert all("Give the key the permission" in line.next_step for line in lacking)


def test_a_key_without_balance_and_payouts_is_told_what_it_misses_and_may_go_live(
    simulators: Simulators, tenant: Tenant, stripe_account: dict[str, Any]
) -> None:
    simulators.stripe.switch(unnamed_permissions="enforced")
    others = ("payment_record", "event", "webhook_endpoint", "dispute")
    made = simulators.stripe.act(
        "create_restricted_key",
        account_id=stripe_account["account_id"],
        permissions=[
            *(slug for slug in NEEDED if slug != "rak_balance_read"),
            "rak_charge_read",
            *(f"rak_{area}_write" for area in others),
        ],
    )
    check = connect_stripe(tenant, made["restricted_key"], cause=cause())
    lacking = [line for line in check.permissions if not line.ok]
    assert [line.what for line in lacking] == ["Balance: read", "Payouts: read"]
    assert all("only fees and payouts are missing" in line.next_step for line in lacking)
    with tenant_scope(tenant.pk):
        missing = missing_for_live(tenant)
    assert not [step for step in missing if "key" in step]


def test_a_restricted_key_that_may_not_read_its_account_names_it_in_the_refusal(
    simulators: Simulators, tenant: Tenant, stripe_account: dict[str, Any]
) -> None:
    made = simulators.stripe.act(
        "create_restricted_key",
        account_id=stripe_account["account_id"],
        permissions=["rak_customer_write"],
    )
    check = connect_stripe(tenant, made["restricted_key"], cause=cause())
    assert check.connection.account_id == stripe_account["account_id"]
    assert check.connection.livemode is False


def test_an_account_of_another_tenant_is_refused_and_its_owner_can_see_it(
    tenant: Tenant, stripe_account: dict[str, Any]
) -> None:
    first = new_tenant()
    connect_stripe(first, stripe_account["secret_key"], cause=cause())
    with pytest.raises(ConnectRefused, match="already connected to another tenant"):
        connect_stripe(tenant, stripe_account["secret_key"], cause=cause())
    with tenant_scope(first.pk):
        last = AuditEntry.objects.order_by("sequence").last()
        assert last is not None
        assert last.action == "stripe.second_connection_refused"


def test_two_tenants_that_paste_one_key_at_once_do_not_both_get_the_account(
    simulators: Simulators, committed_db: None, stripe_account: dict[str, Any]
) -> None:
    tenants = [new_tenant() for _ in range(4)]

    def paste(number: int) -> str:
        try:
            connect_stripe(tenants[number], stripe_account["secret_key"], cause=cause())
        except ConnectRefused as refusal:
            return refusal.code
        return "connected"

    assert sorted(at_once(4, paste)) == ["account_taken"] * 3 + ["connected"]


def test_another_account_is_refused(
    simulators: Simulators, tenant: Tenant, stripe_account: dict[str, Any]
) -> None:
    connect_stripe(tenant, stripe_account["secret_key"], cause=cause())
    other = simulators.stripe.act(
        "create_account", name="Oak", country="CA", default_currency="cad"
    )
    with pytest.raises(ConnectRefused, match="another Stripe account than Maple Joinery"):
        connect_stripe(tenant, other["secret_key"], cause=cause())


def test_a_live_tenant_does_not_change_between_test_and_live_data(
    simulators: Simulators, tenant: Tenant, stripe_account: dict[str, Any]
) -> None:
    make_stripe_connection(tenant, account_id=stripe_account["account_id"], livemode=True)
    tenant.live_at = timezone.now()
    with pytest.raises(ConnectRefused, match="This is a test key"):
        connect_stripe(tenant, stripe_account["secret_key"], cause=cause())
    tenant.live_at = None
    assert connect_stripe(tenant, stripe_account["secret_key"], cause=cause()).connection.pk


def test_a_new_key_lets_waiting_work_go_on(tenant: Tenant, stripe_account: dict[str, Any]) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(state="live")
    tenant.refresh_from_db()
    row = connect_stripe(tenant, stripe_account["secret_key"], cause=cause()).connection
    with tenant_scope(tenant.pk):
        row.state = ConnectionState.NEEDS_REAUTH
        row.save()
        SyncJob.objects.update(state="held", failure_code="stripe_key_rejected")
    with pytest.raises(CredentialRejected) as caught:
        stripe_client(tenant.pk)
    assert caught.value.code == "stripe_key_rejected"
    connect_stripe(tenant, stripe_account["secret_key"], cause=cause())
    with tenant_scope(tenant.pk):
        assert set(SyncJob.objects.values_list("kind", "state")) == {
            ("register_webhooks", "queued"),
            ("ping", "queued"),
        }
    assert stripe_client(tenant.pk).balance_mode() is False


@pytest.mark.parametrize("state", [None, ConnectionState.DISCONNECTED])
def test_without_a_connection_there_is_no_client(tenant: Tenant, state: str | None) -> None:
    if state:
        make_stripe_connection(tenant, state=state)
    with pytest.raises(CredentialRejected) as caught:
        stripe_client(tenant.pk)
    assert (caught.value.code, bool(caught.value.next_step)) == ("stripe_not_connected", True)


def test_a_revoked_key_stops_after_one_call_and_says_so(
    simulators: Simulators, tenant: Tenant, stripe_account: dict[str, Any]
) -> None:
    connect_stripe(tenant, stripe_account["secret_key"], cause=cause())
    simulators.stripe.act("revoke_key", account_id=stripe_account["account_id"])
    client = stripe_client(tenant.pk)
    for _ in range(2):
        with pytest.raises(CredentialRejected):
            client.balance_mode()
    with tenant_scope(tenant.pk):
        assert StripeConnection.objects.get().state == ConnectionState.NEEDS_REAUTH
        assert AuditEntry.objects.filter(action="stripe.key_rejected").count() == 1
    total = simulators.stripe.calls()["total"]
    with pytest.raises(CredentialRejected, match="no longer accepts"):
        stripe_client(tenant.pk)
    assert simulators.stripe.calls()["total"] == total


def test_a_wrong_pasted_key_does_not_touch_the_stored_one(
    simulators: Simulators, tenant: Tenant, stripe_account: dict[str, Any]
) -> None:
    connect_stripe(tenant, stripe_account["secret_key"], cause=cause())
    with pytest.raises(ConnectRefused):
        connect_stripe(tenant, "sk_test_" + "x" * 30, cause=cause())
    assert stripe_client(tenant.pk).balance_mode() is False
