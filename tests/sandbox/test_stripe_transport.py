"""Keys, versions, forms, errors, idempotency and lists of the simulated Stripe."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import stripe

from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.stripe_desk import Desk, lent_desk, refusal

VERSION = "2026-10-28.endive"


@pytest.fixture
def desk(sandbox_process: SandboxProcess) -> Iterator[Desk]:
    yield from lent_desk(sandbox_process.stripe.url)


def test_the_key_decides_the_account_and_the_mode(desk: Desk) -> None:
    assert desk.client().v1.balance.retrieve().livemode is False
    account = desk.client().v1.accounts.retrieve_current()
    assert (account.id, account.country, account.default_currency) == (
        desk.account_id,
        "US",
        "usd",
    )
    test_customer = desk.customer()
    live = desk.act("create_account", livemode=True, name="Same, live")
    assert live["account_id"] == desk.account_id
    assert live["secret_key"].startswith("sk_live_")
    live_client = desk.client(live["secret_key"])
    assert live_client.v1.balance.retrieve().livemode is True
    with pytest.raises(stripe.InvalidRequestError) as refused:
        live_client.v1.customers.retrieve(test_customer.id)
    assert refusal(refused.value) == (404, "resource_missing", "id")


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "You did not provide an API key"),
        ({"Authorization": "Bearer sk_test_unknown"}, "Invalid API Key provided"),
        ({"Authorization": "Bearer pk_test_123"}, "publishable API key"),
        ({"Authorization": "Basic !!"}, "You did not provide an API key"),
    ],
)
def test_bad_keys_are_refused(desk: Desk, headers: dict[str, str], text: str) -> None:
    answer = requests.get(desk.url + "/v1/balance", headers=headers, timeout=60)
    assert answer.status_code == 401
    assert text in answer.json()["error"]["message"]
    assert answer.headers["Request-Id"].startswith("req_")


def test_basic_authorization_works_and_a_revoked_key_does_not(desk: Desk) -> None:
    assert requests.get(desk.url + "/v1/balance", auth=(desk.key, ""), timeout=60).ok
    desk.act("revoke_key", how="expired")
    with pytest.raises(stripe.AuthenticationError) as refused:
        desk.client().v1.balance.retrieve()
    assert refused.value.error is not None
    assert refused.value.error.code == "api_key_expired"


def test_a_restricted_key_does_only_what_it_may(desk: Desk) -> None:
    slugs = ["rak_customer_write", "rak_invoice_read"]
    key = desk.act("create_restricted_key", permissions=slugs)["restricted_key"]
    client = desk.client(key)
    customer = client.v1.customers.create({"name": "A"})
    assert client.v1.customers.retrieve(customer.id).name == "A"
    assert client.v1.invoices.list().data == []
    with pytest.raises(stripe.PermissionError) as refused:
        client.v1.invoices.create({"customer": customer.id})
    text = str(refused.value)
    assert f"on account '{desk.account_id}'" in text
    assert "'rak_invoice_write'" in text
    desk.switch(forbidden_text="permission_denied")
    with pytest.raises(stripe.PermissionError, match=r"Invoices Write.*invoice_write"):
        client.v1.invoices.void_invoice("in_made_up")


def test_only_the_pinned_version_is_spoken(desk: Desk) -> None:
    assert desk.get("/v1/balance").ok
    assert desk.get("/v1/balance", **{"Stripe-Version": VERSION}).ok
    assert desk.get("/v1/balance", **{"Stripe-Version": "2024-06-20"}).status_code == 400
    assert desk.get("/v1/balance", **{"Stripe-Version": "tomorrow"}).status_code == 400
    desk.switch(missing_version="refused")
    assert desk.get("/v1/balance").status_code == 400


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ("nickname=x", "parameter_unknown", "nickname"),
        ("address[planet]=x", "parameter_unknown", "address[planet]"),
        ("next_invoice_sequence=x", "parameter_invalid_integer", "next_invoice_sequence"),
        ("tax_exempt=maybe", None, "tax_exempt"),
        ("name=" + "x" * 257, None, "name"),
        ("phone=" + "1" * 21, None, "phone"),
        ("email=nobody", "email_invalid", "email"),
        ("address[country]=USA", None, "address[country]"),
        ("metadata[" + "k" * 41 + "]=v", None, "metadata[" + "k" * 41 + "]"),
        ("metadata[k]=" + "v" * 501, None, "metadata[k]"),
        ("shipping[name]=x", "parameter_missing", "shipping[address]"),
        ("tax_id_data[0][type]=xx_yy&tax_id_data[0][value]=1", None, "tax_id_data[0][type]"),
        ("preferred_locales=en", None, "preferred_locales"),
    ],
)
def test_bad_parameters_are_refused(desk: Desk, body: str, code: str | None, param: str) -> None:
    answer = desk.post("/v1/customers", body)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error.get("code"), error["param"]) == (code, param)
    assert desk.book()["customers"] == []


def test_too_many_metadata_keys_are_refused(desk: Desk) -> None:
    body = "&".join(f"metadata[k{n}]=v" for n in range(51))
    assert desk.post("/v1/customers", body).status_code == 400


def test_forms_nest_in_both_ways(desk: Desk) -> None:
    invoice = desk.draft()
    for body in (
        "lines[0][amount]=5&lines[0][description]=a&lines[1][amount]=6&expand[0]=customer",
        "lines[][amount]=5&lines[][description]=a&lines[][amount]=6&expand[]=customer",
    ):
        answer = desk.post(f"/v1/invoices/{invoice.id}/add_lines", body).json()
        assert answer["customer"]["object"] == "customer"
    assert desk.invoice(invoice.id).total == 22


def test_unknown_paths_and_bodies_are_answered_like_stripe_does(desk: Desk) -> None:
    answer = desk.get("/v1/no_such_thing")
    assert answer.status_code == 404
    assert "Unrecognized request URL" in answer.json()["error"]["message"]
    answer = desk.post("/v1/customers", "{}", **{"Content-Type": "application/json"})
    assert answer.status_code == 400


def test_faults_speak_stripes_words(desk: Desk) -> None:
    desk.control(
        "faults",
        [{"fault": "status_429"}, {"fault": "status_500"}, {"fault": "error_200"}],
    )
    limited = desk.get("/v1/balance")
    assert limited.status_code == 429
    assert limited.headers["Stripe-Rate-Limited-Reason"] == "global-rate"
    assert limited.json()["error"]["type"] == "invalid_request_error"
    assert desk.get("/v1/balance").json()["error"]["type"] == "api_error"
    assert desk.get("/v1/balance").headers["Content-Type"].startswith("text/html")


def test_lists_are_newest_first_and_page_both_ways(desk: Desk) -> None:
    client = desk.client()
    ids = [client.v1.customers.create({"name": f"C{n}"}).id for n in range(12)][::-1]
    page = client.v1.customers.list()
    assert ([c.id for c in page.data], page.has_more) == (ids[:10], True)
    assert page.url == "/v1/customers"
    rest = client.v1.customers.list({"starting_after": ids[9], "limit": 5})
    assert ([c.id for c in rest.data], rest.has_more) == (ids[10:], False)
    back = client.v1.customers.list({"ending_before": ids[4], "limit": 2})
    assert ([c.id for c in back.data], back.has_more) == (ids[2:4], True)
    assert [c.id for c in client.v1.customers.list({"limit": 5}).auto_paging_iter()] == ids


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 101}, {"starting_after": "cus_no"}])
def test_bad_pages_are_refused(desk: Desk, params: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        desk.client().v1.customers.list(params)
    assert refused.value.http_status == 400


def test_lists_filter_by_time(desk: Desk) -> None:
    client = desk.client()
    early = desk.customer()
    now = desk.advance(1000)
    late = desk.customer()
    assert [c.id for c in client.v1.customers.list({"created": {"gte": now}}).data] == [late.id]
    found = client.v1.customers.list({"created": {"lt": now, "gt": now - 1100}}).data
    assert [c.id for c in found] == [early.id]
    assert client.v1.customers.list({"created": early.created}).data[0].id == early.id


def test_fields_expand_four_levels_deep(desk: Desk) -> None:
    invoice = desk.open_invoice()
    desk.act("pay_invoice", invoice=invoice.id)
    rows = desk.client().v1.invoice_payments.list(
        {"invoice": invoice.id, "expand": ["data.payment.payment_intent.latest_charge"]}
    )
    intent: Any = rows.data[0].payment.payment_intent
    assert intent.latest_charge.object == "charge"
    shown = desk.invoice(invoice.id, "payments.data.payment.payment_intent", "customer")
    customer: Any = shown.customer
    assert customer.email == "ap@bluefir.example"
    assert "payments" not in desk.invoice(invoice.id)
    for path in ("payments.data.payment.payment_intent.latest_charge", "currency", "nothing"):
        with pytest.raises(stripe.InvalidRequestError):
            desk.invoice(invoice.id, path)


def test_a_lock_is_a_429_of_its_own_kind(desk: Desk) -> None:
    desk.switch(status_429="lock_timeout")
    desk.control("faults", [{"fault": "status_429"}])
    locked = desk.get("/v1/balance")
    assert (locked.status_code, locked.json()["error"]["code"]) == (429, "lock_timeout")
    assert "Stripe-Rate-Limited-Reason" not in locked.headers


def test_what_else_a_restricted_key_needs_is_a_switch(desk: Desk) -> None:
    slugs = ["rak_customer_write", "rak_invoice_write"]
    client = desk.client(desk.act("create_restricted_key", permissions=slugs)["restricted_key"])
    invoice = desk.draft()
    data: Any = {"currency": "usd", "unit_amount": 5, "product_data": {"name": "a"}}
    lines: Any = {"lines": [{"price_data": data, "quantity": 1}]}
    assert client.v1.invoices.add_lines(invoice.id, lines).total == 5
    assert client.v1.events.list().data
    desk.switch(
        add_lines_permission="product_and_price",
        expand_payments_permission="credit_note_read",
        unnamed_permissions="enforced",
    )
    with pytest.raises(stripe.PermissionError, match="rak_product_write"):
        client.v1.invoices.add_lines(invoice.id, lines)
    assert client.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 5}]}).total == 10
    with pytest.raises(stripe.PermissionError, match="rak_credit_note_read"):
        client.v1.invoices.retrieve(invoice.id, {"expand": ["payments"]})
    with pytest.raises(stripe.PermissionError, match="rak_event_read"):
        client.v1.events.list()


@pytest.mark.parametrize(
    ("switch", "answer", "limit", "reason"),
    [
        ("rate_limit", "10_per_second", 10, "global-rate"),
        ("endpoint_rate_limit", "5_per_second", 5, "endpoint-rate"),
    ],
)
def test_limits_are_switches(desk: Desk, switch: str, answer: str, limit: int, reason: str) -> None:
    """The clock stands nearly still for as many quick calls, so that the last is one too many."""
    desk.control("switches", {switch: answer})

    def call(path: str) -> requests.Response:
        return requests.get(desk.url + path, auth=(desk.key, ""), timeout=5)

    answers = [call("/v1/balance") for _ in range(3 * limit)]
    statuses = [one.status_code for one in answers]
    assert statuses[:limit] == [200] * limit
    assert 429 in statuses
    refused = answers[statuses.index(429)]
    assert refused.headers["Stripe-Rate-Limited-Reason"] == reason
    assert refused.json()["error"]["code"] == "rate_limit"
    alone = reason == "endpoint-rate"  # another endpoint is still free
    assert call("/v1/events").ok is alone
