"""Section "errors" of Stripe's contract, row by row, over real sockets and the official client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connector.errors import (
    ConnectorError,
    CredentialRejected,
    OutcomeUnknown,
    VendorContractBroken,
    VendorNotFound,
    VendorRateLimited,
    VendorRefused,
    VendorUnavailable,
)
from connector.vendors.stripe.client import StripeAccountClient
from tests.vendors.local_server import LocalVendor, RecordingGate, Reply, fixture

Do = Callable[[StripeAccountClient], object]


def read(client: StripeAccountClient) -> object:
    return client.get_invoice("in_1")


def write(client: StripeAccountClient) -> object:
    return client.create_customer({"name": "N"}, idempotency_key="k-1")


def delete(client: StripeAccountClient) -> None:
    client.delete_draft_invoice("in_1")


def error(kind: str, message: str = "Told.", **more: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": message, **more}}


DUE_DATE, OTHER_PARAMETERS, MISSING = fixture("stripe/2026-10-28.endive/errors.json")


@pytest.mark.parametrize("do", [read, write, delete])
@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "outcome"),
    [
        (400, DUE_DATE, VendorRefused, "", "refused"),
        (400, MISSING, VendorRefused, "resource_missing", "refused"),
        (404, MISSING, VendorNotFound, "resource_missing", "refused"),
        (400, OTHER_PARAMETERS, VendorContractBroken, "idempotency_error", "broken"),
        (401, error("invalid_request_error"), CredentialRejected, "", "refused"),
        (
            401,
            error("invalid_request_error", code="api_key_expired"),
            CredentialRejected,
            "api_key_expired",
            "refused",
        ),
        (
            402,
            error("card_error", code="card_declined"),
            VendorRefused,
            "card_declined",
            "refused",
        ),
        (403, error("invalid_request_error"), CredentialRejected, "", "refused"),
        (
            409,
            error("idempotency_error", code="idempotency_key_in_use"),
            VendorUnavailable,
            "idempotency_key_in_use",
            "refused",
        ),
        (
            409,
            error("idempotency_error"),
            VendorUnavailable,
            "idempotency_key_in_use",
            "refused",
        ),
        (
            429,
            error("invalid_request_error", code="lock_timeout"),
            VendorUnavailable,
            "lock_timeout",
            "refused",
        ),
        (
            429,
            error("invalid_request_error", code="rate_limit"),
            VendorRateLimited,
            "rate_limit",
            "rate_limited",
        ),
        (429, b"", VendorRateLimited, "", "rate_limited"),
        (401, b"<html>", CredentialRejected, "", "refused"),
        (422, error("invalid_request_error"), VendorRefused, "", "refused"),
    ],
)
def test_a_definite_answer_is_the_same_for_reads_and_writes(
    *,
    stripe_client: StripeAccountClient,
    vendor: LocalVendor,
    gate: RecordingGate,
    do: Do,
    status: int,
    body: Any,
    kind: type[ConnectorError],
    code: str,
    outcome: str,
) -> None:
    vendor.answers(Reply(status=status, body=body, headers={"Request-Id": "req_1"}))
    with pytest.raises(ConnectorError) as raised:
        do(stripe_client)
    found = raised.value
    assert type(found) is kind
    assert (found.code, found.status, found.request_id) == (code, status, "req_1")
    assert (found.vendor, found.operation) == ("stripe", gate.asked[0][1])
    assert gate.outcomes == [outcome]
    assert len(vendor.seen) == 1  # nothing is retried, whatever Stripe's client would like


@pytest.mark.parametrize("do", [read, write, delete])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500, body=error("api_error")),
        Reply(status=503, body=b"<html>"),
        Reply(status=500, body=b"", headers={"Stripe-Should-Retry": "true"}),
        Reply(how="reset"),
        Reply(how="hang"),
        Reply(body={"id": "cus_1"}, how="truncate"),
    ],
)
def test_a_fault_leaves_a_write_unknown(
    stripe_client: StripeAccountClient, vendor: LocalVendor, do: Do, reply: Reply
) -> None:
    vendor.answers(reply)
    with pytest.raises(ConnectorError) as raised:
        do(stripe_client)
    assert type(raised.value) is (VendorUnavailable if do is read else OutcomeUnknown)
    assert raised.value.operation
    assert len(vendor.seen) == 1


@pytest.mark.parametrize("do", [read, write, delete])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html>Log in</html>"),
        Reply(body=b""),
        Reply(body=b"[]"),
        Reply(body=b"\xff"),
        Reply(body=b"{}"),
        Reply(status=302, headers={"Location": "/elsewhere"}),
        Reply(status=400, body=b"<html>"),
        Reply(status=404, body=b"{}"),
        Reply(status=403, body=b'{"error": "invalid_client"}'),
    ],
)
def test_what_no_contract_knows_proves_nothing(
    stripe_client: StripeAccountClient, vendor: LocalVendor, do: Do, reply: Reply
) -> None:
    vendor.answers(reply)
    with pytest.raises(ConnectorError) as raised:
        do(stripe_client)
    assert type(raised.value) is (VendorContractBroken if do is read else OutcomeUnknown)
    assert "Log in" not in str(raised.value)


def test_a_replayed_500_is_recognisable(
    stripe_client: StripeAccountClient, vendor: LocalVendor
) -> None:
    replayed = {"Idempotent-Replayed": "true"}
    vendor.answers(Reply(status=500, body=error("api_error", code="x"), headers=replayed))
    with pytest.raises(OutcomeUnknown) as raised:
        write(stripe_client)
    assert raised.value.code == "replayed_5xx"


def test_the_reason_and_time_of_a_rate_limit_reach_the_gate(
    stripe_client: StripeAccountClient, vendor: LocalVendor, gate: RecordingGate
) -> None:
    headers = {"Stripe-Rate-Limited-Reason": "endpoint-rate", "Retry-After": "2"}
    vendor.answers(Reply(status=429, body=error("invalid_request_error"), headers=headers))
    with pytest.raises(VendorRateLimited) as raised:
        read(stripe_client)
    assert raised.value.retry_after_s == 2
    (report,) = gate.reports
    assert (report.rate_limited_reason, report.retry_after_s) == ("endpoint-rate", 2)


@pytest.mark.parametrize("header", ["soon", "nan", "-1", ""])
def test_a_senseless_retry_after_is_passed_over(
    stripe_client: StripeAccountClient, vendor: LocalVendor, header: str
) -> None:
    body = error("invalid_request_error")
    vendor.answers(Reply(status=429, body=body, headers={"Retry-After": header}))
    with pytest.raises(VendorRateLimited) as raised:
        read(stripe_client)
    assert raised.value.retry_after_s is None


def test_no_key_leaves_in_a_message(
    stripe_client: StripeAccountClient, vendor: LocalVendor
) -> None:
    told = "Invalid API Key provided: sk_test_secret0key (or rk_live_abc, whsec_def)"
    vendor.answers_json(error("invalid_request_error", told), status=401)
    with pytest.raises(CredentialRejected) as raised:
        read(stripe_client)
    assert str(raised.value) == (
        "Stripe: Invalid API Key provided: [key] (or [key], [key]) (HTTP 401)"
    )
    assert raised.value.__context__ is None
    assert "secret" not in repr(raised.value.__dict__)
    assert "secret" not in repr(stripe_client)
