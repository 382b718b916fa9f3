"""FreshBooks' own pay button and autobill: one collector per invoice."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from django.utils import timezone

from connector.connecting.oauth import SCOPES
from connector.jobs import kinds
from connector.models import InvoiceLink
from tenants.models import FreshBooksConnection
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop, open_shop
from tests.pipeline.simulators import Simulators

BUTTON = {"gateway_name": "stripe", "has_credit_card": True}


def connect_gateway(shop: Shop) -> None:
    shop.fb("connect_gateway", stripe_account_id="acct_freshbooks_own", country="CA")


def button(shop: Shop, invoice: int, *, on: bool = True) -> None:
    options = BUTTON | {"has_credit_card": on}
    shop.fb("set_payment_options", invoiceid=invoice, payment_options=options)


def setting(shop: Shop, own_pay_button: str) -> None:
    type(shop.tenant).objects.filter(pk=shop.tenant.pk).update(own_pay_button=own_pay_button)


def asked(shop: Shop) -> Counter[str]:
    """How often FreshBooks was asked for gateways and for payment options."""
    calls = shop.freshbooks.calls()["calls"]
    found: Counter[str] = Counter()
    for row in calls:
        if "/payments/account/" in row["route"] and shop.account_id:
            found[row["route"].rsplit("/", 1)[-1]] += row["count"]
    return found


def asked_long_ago(shop: Shop) -> None:
    with tenant_scope(shop.tenant.pk):
        InvoiceLink.objects.update(own_collector_at=timezone.now() - timedelta(days=2))


def test_without_a_gateway_of_its_own_no_invoice_is_asked_for(shop: Shop) -> None:
    before = asked(shop)
    for _ in range(3):
        assert shop.sync(shop.invoice("10.00")).state == "open"
    assert asked(shop) - before == Counter(gateway=1)


def test_an_invoice_with_its_own_pay_button_is_refused_until_it_is_off(shop: Shop) -> None:
    connect_gateway(shop)
    invoice = shop.invoice("10.00")
    button(shop, invoice)
    link = shop.sync(invoice)
    assert (link.state, shop.st_invoices(invoice)) == ("blocked", [])
    assert "own pay button" in link.reason
    assert "Turn online payment off" in link.reason
    assert shop.differences(invoice) == ["not_representable"]
    button(shop, invoice, on=False)
    assert shop.sync(invoice).state == "open"
    assert (shop.statuses(invoice), shop.differences(invoice)) == (["open"], [])


def test_a_draft_in_stripe_is_not_made_payable_beside_a_pay_button(shop: Shop) -> None:
    connect_gateway(shop)
    invoice = shop.invoice("10.00", send=False)
    assert shop.sync(invoice).state == "draft"
    button(shop, invoice)
    shop.fb("send_invoice", id=invoice)
    assert shop.sync(invoice).state == "blocked"
    assert shop.statuses(invoice) == ["draft"]
    assert shop.differences(invoice) == ["own_pay_button"]


def test_autobill_is_refused_as_well(shop: Shop) -> None:
    invoice = shop.invoice("10.00", auto_bill=True)
    link = shop.sync(invoice)
    assert (link.state, shop.st_invoices(invoice)) == ("blocked", [])
    assert "autobill" in link.reason


def test_a_tenant_that_only_wants_a_warning_gets_one(shop: Shop) -> None:
    setting(shop, "warn")
    connect_gateway(shop)
    invoice = shop.invoice("10.00")
    button(shop, invoice)
    for _ in range(2):
        assert shop.sync(invoice).state == "open"
    assert shop.differences(invoice) == ["own_pay_button"]
    shop.pay(invoice)
    shop.sync(invoice)
    assert shop.differences(invoice) == []


def test_each_invoice_is_asked_for_once_before_it_is_sent(shop: Shop) -> None:
    connect_gateway(shop)
    before = asked(shop)
    invoice = shop.invoice("10.00")
    for _ in range(3):
        shop.sync(invoice)
    assert asked(shop) - before == Counter(gateway=1, payment_options=1)


def test_a_button_that_is_switched_on_later_is_noticed_within_a_day(shop: Shop) -> None:
    connect_gateway(shop)
    invoice = shop.invoice("10.00")
    shop.sync(invoice)
    button(shop, invoice)
    shop.reconcile()
    assert shop.differences(invoice) == [], "asked a moment ago"
    asked_long_ago(shop)
    shop.reconcile()
    assert shop.differences(invoice) == ["own_pay_button"]
    assert shop.statuses(invoice) == ["open"], "what was sent stays sent"
    button(shop, invoice, on=False)
    asked_long_ago(shop)
    shop.reconcile()
    assert shop.differences(invoice) == []


def test_a_button_that_came_with_a_change_of_the_invoice_is_noticed_with_it(shop: Shop) -> None:
    connect_gateway(shop)
    invoice = shop.invoice("10.00")
    shop.sync(invoice)
    button(shop, invoice)
    with tenant_scope(shop.tenant.pk):
        InvoiceLink.objects.update(own_collector_at=timezone.now() - timedelta(minutes=1))
    shop.edit(invoice, "10.00")
    shop.sync(invoice)
    assert shop.differences(invoice) == ["own_pay_button"]
    assert shop.statuses(invoice) == ["open"]


def test_a_gateway_that_is_connected_later_is_noticed_within_a_day(shop: Shop) -> None:
    invoice = shop.invoice("10.00")
    shop.sync(invoice)
    connect_gateway(shop)
    button(shop, invoice)
    with tenant_scope(shop.tenant.pk):
        FreshBooksConnection.objects.update(
            own_gateway_checked_at=timezone.now() - timedelta(days=1)
        )
    shop.reconcile()
    assert shop.differences(invoice) == ["own_pay_button"]


def test_a_gateway_that_was_disconnected_explains_itself_away(shop: Shop) -> None:
    setting(shop, "warn")
    connect_gateway(shop)
    invoice = shop.invoice("10.00")
    button(shop, invoice)
    shop.sync(invoice)
    shop.fb("disconnect_gateway")
    shop.run(kinds.PING)
    with tenant_scope(shop.tenant.pk):
        assert FreshBooksConnection.objects.get().own_gateway == ""
    asked_long_ago(shop)
    shop.sync(invoice)
    assert shop.differences(invoice) == []


def test_a_grant_that_may_not_ask_holds_up_nothing(simulators: Simulators, no_jobs: None) -> None:
    allowed = [scope for scope in SCOPES if "online_payments" not in scope]
    scopes = {"scope": " ".join(allowed)}
    shop = open_shop(simulators.freshbooks, simulators.stripe, scopes=scopes)
    connect_gateway(shop)
    assert shop.sync(shop.invoice("10.00")).state == "open"
    shop.reconcile()
    with tenant_scope(shop.tenant.pk):
        connection = FreshBooksConnection.objects.get()
    assert (connection.own_gateway, connection.state) == ("", "connected")
    assert connection.own_gateway_checked_at is not None
