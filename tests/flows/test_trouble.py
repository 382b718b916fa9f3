"""Vendors that refuse, stall, limit and lie; grants that expire and are taken away."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import requests

from demo.onboarding import reconnect
from tests.flows.running import FlowShop, System

PAYMENTS = r"/payments/payments$"


def token_calls(system: System, shop: FlowShop) -> int:
    """How often tokens were refreshed, successfully or not."""
    lines = system.stack.record_file.read_text().splitlines()
    return sum('"grant_type": "refresh_token"' in line for line in lines)


def grant(shop: FlowShop) -> dict[str, Any]:
    (row,) = shop.system.rows(
        "SELECT g.* FROM tenants_freshbooksgrant g JOIN tenants_freshbooksconnection c"
        " ON c.grant_id = g.id WHERE c.tenant_id = %s",
        shop.tenant_id,
    )
    return row


def state_of(shop: FlowShop) -> str:
    return str(shop.rows("tenants_freshbooksconnection")[0]["state"])


def test_an_expired_token_is_refreshed_exactly_once(system: System) -> None:
    shop = system.open_shop(polls=False)
    shop.wait_quiet()
    before = token_calls(system, shop)
    shop.fb("expire_tokens", access_only=True)
    client = shop.client()
    invoices = [shop.invoice("10.00", client=client) for _ in range(8)]
    shop.wait_open(*invoices)
    assert token_calls(system, shop) - before == 1
    assert grant(shop)["generation"] == 2
    assert state_of(shop) == "connected"


def test_a_revoked_grant_waits_for_a_person_and_then_goes_on(system: System) -> None:
    shop = system.open_shop()
    shop.wait_open(shop.invoice("5.00"))
    shop.freshbooks.act("revoke_grant", identity_id=shop.identity_id)
    invoice = shop.invoice("10.00")
    shop.wait_for(lambda: state_of(shop) == "needs_reauth", "the loss to be told")
    shop.wait_for(lambda: shop.rows("connector_syncjob", "state = 'held'"), "work to be held")
    calls = token_calls(system, shop)
    shop.wait_for(lambda: not shop.unfinished(), "all other work to end")
    assert token_calls(system, shop) == calls, "a dead token is not tried again and again"
    assert shop.link_of(invoice) == {}
    reconnect(shop.link, login=shop.business.plan.owner_email)
    shop.wait_open(invoice)
    assert state_of(shop) == "connected"
    assert shop.rows("connector_syncjob", "state = 'held'") == []


def under(
    system: System, shop: FlowShop, begin: Callable[[], None], invoices: int = 3
) -> list[int]:
    """A little business under faults: made, paid, recorded, and counted."""
    client = shop.client()
    begin()
    made = [shop.invoice("10.00", client=client) for _ in range(invoices)]
    shop.wait_open(*made)
    for invoice in made:
        shop.pay(invoice)
    shop.wait_recorded(*made)
    shop.wait_quiet()
    shop.nothing_doubled(made)
    return made


def test_a_burst_of_429_from_both_vendors_delays_only(system: System, shop: FlowShop) -> None:
    def limit() -> None:
        account = rf"/account/{shop.account_id}/"
        shop.freshbooks.fault("status_429", {"path_regex": account}, times=6)
        shop.stripe.fault("status_429", {"path_regex": "/v1/"}, times=6)

    under(system, shop, limit)
    assert shop.rows("connector_syncjob", "state = 'dead'") == []


def test_errors_in_200_html_and_500_end_in_the_same_books(system: System, shop: FlowShop) -> None:
    def lie() -> None:
        account = rf"/account/{shop.account_id}/"
        shop.freshbooks.fault("error_200", {"path_regex": account}, times=3)
        shop.stripe.fault("error_200", {"path_regex": "/v1/"}, times=3)
        shop.freshbooks.fault("status_500", {"path_regex": account}, times=2)
        shop.stripe.fault("status_500", {"path_regex": "/v1/"}, times=2)
        shop.freshbooks.fault("error_200", {"method": "POST", "path_regex": PAYMENTS})
        shop.stripe.fault("reset_after", {"method": "POST", "path_regex": "/finalize$"})

    under(system, shop, lie)


def test_answers_that_never_come_are_not_doubled(system: System, shop: FlowShop) -> None:
    def stall() -> None:
        shop.freshbooks.fault("timeout_after", {"method": "POST", "path_regex": PAYMENTS})
        shop.freshbooks.fault("reset_after", {"method": "POST", "path_regex": PAYMENTS})
        shop.stripe.fault("reset_after", {"method": "POST", "path_regex": "/v1/invoices$"})
        shop.stripe.fault("reset_after", {"method": "POST", "path_regex": "/add_lines$"})

    made = under(system, shop, stall)
    for invoice in made:
        lines = shop.st_book()["lines"][shop.st_invoices(invoice)[0]["id"]]
        assert len(lines) == 1


def test_one_tenants_hanging_vendor_does_not_hold_up_another(
    system: System, shop: FlowShop
) -> None:
    slow = system.open_shop(polls=False)
    slow.freshbooks.fault(
        "slow", {"path_regex": rf"/account/{slow.account_id}/"}, times=None, delay_s=8
    )
    client = slow.client()
    for _ in range(3):
        slow.invoice("10.00", client=client)
    invoice = shop.invoice("10.00")
    shop.wait_for(lambda: shop.is_open(invoice), "the other tenant's invoice", 60)


def test_forged_and_foreign_webhooks_are_refused_and_leave_nothing(
    system: System, shop: FlowShop
) -> None:
    before = len(shop.rows("connector_delivery"))
    for path in shop.addresses().split("|"):
        answer = requests.post(
            f"{system.stack.base_url}{path}",
            data=json.dumps({"id": "evt_forged", "object": "event"}),
            headers={"Stripe-Signature": "t=1,v1=00", "Content-Type": "application/json"},
            timeout=60,
        )
        assert answer.status_code in {400, 401}
        assert answer.content == b""
    assert not shop.rows("connector_delivery", "event_id = 'evt_forged'")
    assert len(shop.rows("connector_delivery")) >= before
