"""Connecting, webhooks and keys where the documentation is silent: everything by the product itself.

The tenant signs in through OAuth, pastes a restricted key, has webhooks registered at both vendors,
and then only webhooks tell of what happens: nothing is polled.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connector.clients import freshbooks_client
from connector.connecting.freshbooks_callbacks import find_silent_events
from connector.connecting.stripe import connect_stripe
from connector.connecting.webhooks import register_webhooks
from tenants.models import FreshBooksCallback, FreshBooksGrant
from tenants.scope import every_tenant, tenant_scope
from tests.conformance.checking import check_record
from tests.conformance.scenario import lost_jobs
from tests.connecting.conftest import Person, new_tenant
from tests.connecting.steps import connect
from tests.factories import unique
from tests.pipeline.shop import Shop, cause
from tests.pipeline.simulators import Simulators
from tests.sandbox.driving import eventually

AREAS_READ = ("balance", "payment_intent", "charge", "dispute", "event", "accounts_kyc_basic")
AREAS_WRITE = ("customer", "invoice", "payment_record", "webhook_endpoint", "product", "plan")
PERMISSIONS = [f"rak_{area}_read" for area in (*AREAS_READ, *AREAS_WRITE, "credit_note")]
PERMISSIONS += [f"rak_{area}_write" for area in AREAS_WRITE]

FRESHBOOKS = {
    "grants_per_identity": "many",
    "refresh_kills_older_access": "yes",
    "refresh_created_at": "echoed",
    "refresh_redirect_uri": "optional",
    "pkce": "ignored",
    "write_scope_implies_read": "yes",
    "users_me_limit": "headers_only",
    "payment_raises_invoice_update": "no",
    "bare_noun_events": "accepted",
    "handshake_arrival": "before_answer",
    "handshake_signed": "yes",
    "resend_verifier": "new",
    "webhook_field_order": "alphabetical",
    "webhook_retries": "no",
    "failing_callback": "is_disabled",
    "callback_updated_at": "eastern",
    "unknown_fields": "refused",
    "errors_with_http_200": "yes",
}
STRIPE = {
    "forbidden_text": "permission_denied",
    "unnamed_permissions": "enforced",
    "add_lines_permission": "product_and_price",
    "expand_payments_permission": "credit_note_read",
    "out_of_band_event": "not_sent",
    "missing_version": "refused",
}
SETS: list[dict[str, str]] = [{}, FRESHBOOKS | STRIPE]
if os.environ.get("EVERY_SWITCH_ALONE"):
    SETS = [{}, *({name: answer} for name, answer in (FRESHBOOKS | STRIPE).items())]


def connected_shop(simulators: Simulators) -> Shop:
    """A live tenant whose people connected both sides themselves."""
    email = f"{unique('owner-')}@maple.example"
    business = simulators.freshbooks.business(email)
    account = simulators.stripe.act("create_account", name="Maple", country="CA")
    key = simulators.stripe.act(
        "create_restricted_key", account_id=account["account_id"], permissions=PERMISSIONS
    )
    tenant = new_tenant(payment_mode="record", state="live", live_at=timezone.now())
    connect(tenant, Person(simulators.freshbooks, business["login"]), business)
    connect_stripe(tenant, key["restricted_key"], cause=cause())
    return Shop(
        tenant=tenant,
        freshbooks=simulators.freshbooks,
        stripe=simulators.stripe,
        account_id=business["account_id"],
        stripe_account_id=account["account_id"],
        identity_id=business["identity_id"],
    )


def hear(shop: Shop) -> None:
    """Wait until both vendors have told all they have to tell, then do what follows from it."""
    for _ in range(5):
        for vendor in (shop.freshbooks, shop.stripe):
            eventually(lambda vendor=vendor: not vendor.state()["deliveries_waiting"])  # type: ignore[misc]
        if not shop.pump():
            return
    raise AssertionError("they never stop telling")


def register(shop: Shop) -> None:
    register_webhooks(shop.tenant.pk, cause=cause())

    def all_arrived() -> bool:
        with tenant_scope(shop.tenant.pk):
            waiting = FreshBooksCallback.State.REGISTERING
            return not FreshBooksCallback.objects.filter(state=waiting).exists()

    eventually(all_arrived)
    shop.pump()
    assert find_silent_events(freshbooks_client(shop.tenant.pk), shop.tenant.pk) == []


@pytest.mark.parametrize("answers", SETS, ids=lambda answers: next(iter(answers), "defaults"))
def test_a_tenant_connects_and_hears_of_everything(
    simulators: Simulators, own_site: str, no_jobs: None, answers: dict[str, Any]
) -> None:
    simulators.freshbooks.switch(**{k: v for k, v in answers.items() if k in FRESHBOOKS})
    simulators.stripe.switch(**{k: v for k, v in answers.items() if k in STRIPE})
    shop = connected_shop(simulators)
    register(shop)
    with every_tenant():
        FreshBooksGrant.objects.filter(identity_id=shop.identity_id).update(
            refresh_at=timezone.now() - timedelta(minutes=1)
        )
    paid, cheque = shop.invoice("100.00"), shop.invoice("80.00", "3.00")
    hear(shop)
    shop.pay(paid, 4000)
    shop.cheque(cheque, "30.00")
    hear(shop)
    shop.pay(paid)
    shop.cheque(cheque, "53.00")
    hear(shop)
    for number in (paid, cheque):
        link = shop.link(number)
        assert (link.freshbooks_outstanding_minor, link.stripe_remaining_minor) == (0, 0)
        assert len(shop.fb_payments(number)) == 2
        assert shop.differences(number) == []
        assert shop.statuses(number) == ["paid"]
    assert list(lost_jobs(shop)) == []


def test_all_requests_so_far_keep_to_the_contracts(simulators: Simulators) -> None:
    check_record(simulators.record)
