"""Every envelope of every family, independent of the HTTP status."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connector.errors import (
    ConnectorError,
    CredentialRejected,
    GrantLost,
    OutcomeUnknown,
    VendorContractBroken,
    VendorNotFound,
    VendorRateLimited,
    VendorRefused,
    VendorUnavailable,
)
from connector.vendors.freshbooks.envelopes import Family, read_success
from connector.vendors.freshbooks.tokens import AccessTokenRejected
from connector.vendors.http import HttpAnswer
from connector.vendors.reading import Fields
from tests.vendors.local_server import fixture

OP = "freshbooks.things.do"


def answer(status: int, body: Any = b"", **headers: str) -> HttpAnswer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(status=status, headers=named, body=content)


def read(found: HttpAnswer, *, family: Family = Family.ACCOUNTING, is_read: bool = True) -> Fields:
    return read_success(found, family=family, operation=OP, is_read=is_read)


def refusal(found: HttpAnswer, *, is_read: bool = True) -> ConnectorError:
    with pytest.raises(ConnectorError) as raised:
        read(found, is_read=is_read)
    return raised.value


def old(errno: object, message: str = "Told.", field: str | None = "f") -> dict[str, Any]:
    error = {"errno": errno, "field": field, "message": message, "object": None, "value": "v"}
    return {"response": {"errors": [error]}}


def errors(name: str) -> Any:
    return fixture(f"freshbooks/errors/{name}.json")


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        # accounting, default version
        (404, errors("accounting_old"), VendorNotFound, "1012"),
        (200, errors("accounting_in_200")[0]["body"], VendorNotFound, "1012"),
        (400, errors("malformed_json"), VendorRefused, "1005"),
        (429, errors("rate_limited"), VendorRateLimited, "429"),
        (200, old(1012), VendorNotFound, "1012"),
        (200, old(1011), VendorNotFound, "1011"),
        (422, old(1011), VendorNotFound, "1011"),
        (403, old(1003), CredentialRejected, "1003"),
        (200, old(1003), CredentialRejected, "1003"),
        (422, old(1003), CredentialRejected, "1003"),
        (403, old(1038), VendorRefused, "1038"),
        (200, old(1038), VendorRefused, "1038"),
        (422, old(1015), VendorRefused, "1015"),
        (200, old(1001), VendorRefused, "1001"),
        (409, old(409), VendorRefused, "409"),
        (200, old(429), VendorRateLimited, "429"),
        (401, old(1003), AccessTokenRejected, "1003"),
        (402, old(12001), VendorRefused, "12001"),
        # errors as one object, as a list of nothing useful
        (422, {"response": {"errors": old(1004)["response"]["errors"][0]}}, VendorRefused, "1004"),
        (404, {"response": {"errors": ["?"]}}, VendorNotFound, ""),
        # accounting, newer version
        (404, errors("accounting_new"), VendorNotFound, "1012"),
        (200, errors("accounting_in_200")[1]["body"], VendorNotFound, "1012"),
        (401, errors("accounting_new_401"), AccessTokenRejected, "401"),
        (200, errors("accounting_new_401"), AccessTokenRejected, "401"),
        # auth
        (401, errors("auth"), AccessTokenRejected, "unauthenticated"),
        (200, errors("auth"), AccessTokenRejected, "unauthenticated"),
        (401, {"error": "invalid_token", "error_description": "x"}, AccessTokenRejected, None),
        (200, {"error": "invalid_token", "error_description": "x"}, AccessTokenRejected, None),
        (422, {"error": "invalid_resource", "error_description": "x"}, VendorRefused, None),
        # events
        (422, errors("events_validation"), VendorRefused, "422"),
        (401, errors("events_401"), AccessTokenRejected, "401"),
        (404, errors("events_not_found"), VendorNotFound, "404"),
        (200, errors("events_not_found"), VendorNotFound, "404"),
        (404, errors("events_new")[0], VendorNotFound, "404"),
        (200, errors("events_new")[0], VendorNotFound, "404"),
        (400, errors("events_new")[1], VendorRefused, ""),
        # online payments
        (401, errors("online_payments")[0], AccessTokenRejected, "unauthorized"),
        (404, errors("online_payments")[1], VendorNotFound, "not_found"),
        (200, errors("online_payments")[1], VendorNotFound, "not_found"),
        (403, errors("online_payments")[2], CredentialRejected, "forbidden"),
        # ledger and projects
        (400, errors("ledger_validation"), VendorRefused, "400"),
        (404, errors("project_not_found"), VendorNotFound, None),
        (404, {"message": "Not here."}, VendorNotFound, ""),
        (404, {"errno": 2001, "error": "not found"}, VendorNotFound, "2001"),
        # no envelope at all, but a status that needs none
        (401, b"<html>Unauthorized</html>", AccessTokenRejected, ""),
        (429, b"", VendorRateLimited, ""),
    ],
)
@pytest.mark.parametrize("is_read", [True, False])
def test_an_error_is_the_same_for_reads_and_writes(
    status: int, body: Any, kind: type[ConnectorError], code: str | None, is_read: bool
) -> None:
    error = refusal(answer(status, body), is_read=is_read)
    assert type(error) is kind
    assert code is None or error.code == code
    assert (error.status, error.operation, error.vendor) == (status, OP, "freshbooks")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("body", [old(500), old(1012), b"<html>Bad Gateway</html>", b"", {}])
def test_a_server_fault_leaves_a_write_unknown(status: int, body: Any) -> None:
    assert type(refusal(answer(status, body))) is VendorUnavailable
    assert type(refusal(answer(status, body), is_read=False)) is OutcomeUnknown


def test_a_server_fault_inside_a_200_is_one_too() -> None:
    assert type(refusal(answer(200, old(500)))) is VendorUnavailable
    assert type(refusal(answer(200, old(500)), is_read=False)) is OutcomeUnknown


@pytest.mark.parametrize("status", [200, 201, 302, 400, 403, 404, 422])
@pytest.mark.parametrize(
    "body",
    [
        b"<!doctype html><title>Log in</title>",
        b'{"response": {"result": {"client"',
        b"",
        b"null",
        b"[]",
        b'"ok"',
        b'{"response": {"result": null}}',
        b'{"response": {"result": []}}',
        b'{"response": null}',
        b'{"response": {"errors": []}}',
        b'{"result": {}}',
        b"{}",
        b"\xff\xfe",
    ],
)
def test_what_no_contract_knows_proves_nothing(status: int, body: bytes) -> None:
    read_error = refusal(answer(status, body))
    assert type(read_error) is VendorContractBroken
    assert f"found {len(body)} bytes with HTTP {status}" in str(read_error)
    assert "Log in" not in str(read_error)
    assert type(refusal(answer(status, body), is_read=False)) is OutcomeUnknown


def test_a_result_with_an_error_status_is_no_success() -> None:
    body: dict[str, Any] = {"response": {"result": {"payment": {}}}}
    assert type(refusal(answer(400, body))) is VendorContractBroken


def test_all_messages_are_told_and_the_first_one_decides() -> None:
    body: dict[str, Any] = {
        "response": {
            "errors": [
                *old(1001, "A.")["response"]["errors"],
                *old(1012, "B.")["response"]["errors"],
            ]
        }
    }
    error = refusal(answer(422, body))
    assert type(error) is VendorRefused
    assert str(error) == "FreshBooks: A.; B."
    assert error.field == "f"


def test_a_message_is_cut_and_the_offending_value_left_out() -> None:
    error = refusal(answer(422, old(1004, "m" * 1000)))
    assert len(str(error)) < 320
    assert "v" not in str(refusal(answer(422, old(1004, "Told."))))


def test_details_of_events_are_told() -> None:
    assert "Unrecognized event" in str(refusal(answer(422, errors("events_validation"))))
    assert "uri: Not a well-formed URL." in str(refusal(answer(400, errors("events_new")[1])))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("59", 59.0),
        ("0", 0.0),
        ("999999", 3600.0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_nothing(header: str, seconds: float | None) -> None:
    assert refusal(answer(429, old(429), Retry_After=header)).retry_after_s == seconds


def test_retry_after_on_a_success_is_passed_over() -> None:
    # Captured: users/me carries Retry-After even on a 200.
    found = read(answer(200, {"response": {"result": {"x": 1}}}, Retry_After="59"))
    assert found.data == {"x": 1}


def test_the_request_id_is_kept() -> None:
    assert refusal(answer(404, old(1012), X_Request_Id="req-7")).request_id == "req-7"


@pytest.mark.parametrize(
    ("family", "body"),
    [
        (Family.ACCOUNTING, {"response": {"result": {"ok": 1}}}),
        (Family.ACCOUNTING, {"response": {"result": {"ok": 1}, "errors": []}}),
        (Family.IDENTITY, {"response": {"ok": 1}}),
        (Family.ONLINE_PAYMENTS, {"ok": 1}),
        (Family.OAUTH, {"ok": 1}),
        (Family.DELETION, {"response": {"ok": 1}}),
        (Family.DELETION, {"ok": 1}),
    ],
)
def test_each_family_has_its_own_success(family: Family, body: Any) -> None:
    assert read(answer(200, body), family=family).data == {"ok": 1}


@pytest.mark.parametrize("status", [200, 204])
def test_a_deletion_may_answer_nothing(status: int) -> None:
    assert read(answer(status, b""), family=Family.DELETION, is_read=False).data == {}


def test_a_code_can_mean_something_of_its_own() -> None:
    body = {"error": "invalid_grant", "error_description": "The refresh token is invalid."}
    with pytest.raises(GrantLost):
        read_success(
            answer(401, body),
            family=Family.OAUTH,
            operation=OP,
            is_read=False,
            special_codes={"invalid_grant": GrantLost},
        )
