"""A Stripe event is believed only with a fresh signature by one of the endpoint's secrets."""

from __future__ import annotations

import json
from typing import get_args

import pytest
import stripe

from connector.errors import SignatureRejected
from connector.vendors.stripe.events import MAX_BODY_BYTES, verify_event
from connector.vendors.stripe.subscriptions import (
    ENABLED_EVENTS,
    MAX_TYPES_PER_CALL,
    POLLED_EVENTS,
)
from tests.vendors.local_server import fixture, fixture_bytes

BODY = fixture_bytes("stripe/2026-10-28.endive/event.json")
SECRET, OTHER = "whsec_one", "whsec_two"
NOW = 1_793_710_900


def header(body: bytes = BODY, secret: str = SECRET, at: int = NOW) -> str:
    """Signed by Stripe's own client, not by the code under test."""
    made: str = stripe.WebhookSignature.generate_signature_header(
        body.decode(), secret, timestamp=at
    )
    return made


def v1(body: bytes = BODY, secret: str = SECRET, at: int = NOW) -> str:
    return header(body, secret, at).split(",")[1]


def code_of(body: bytes, given: str, secrets: tuple[str, ...] = (SECRET,), now: float = NOW) -> str:
    with pytest.raises(SignatureRejected) as raised:
        verify_event(body, given, secrets, now)
    assert "whsec" not in str(raised.value)
    return raised.value.code


def test_a_signed_event_is_read() -> None:
    event = verify_event(BODY, header(), [SECRET], NOW)
    assert (event.id, event.type) == ("evt_1SQ0M4Jx0aTq9WvE", "invoice_payment.paid")


def test_a_golden_signature() -> None:
    # hmac-sha256("whsec_golden", "1700000000." + body), computed once with openssl.
    body = '{"id":"evt_1","object":"event","type":"ping","created":1700000000,"livemode":false,'
    body += '"data":{"object":{"object":"x","name":"Zoë 😀"}}}'
    digest = fixture("stripe/2026-10-28.endive/golden_signature.json")["v1"]
    event = verify_event(body.encode(), f"t=1700000000,v1={digest}", ["whsec_golden"], 1700000000)
    assert event.id == "evt_1"


@pytest.mark.parametrize("secrets", [(SECRET, OTHER), (OTHER, SECRET)])
def test_any_of_several_secrets_will_do(secrets: tuple[str, ...]) -> None:
    verify_event(BODY, header(), secrets, NOW)


def test_any_of_several_signatures_will_do() -> None:
    several = f"t={NOW},v1={'0' * 64},v0={'1' * 64},{v1()},v1={'f' * 64}"
    verify_event(BODY, several, [SECRET], NOW)


@pytest.mark.parametrize("drift", [-300, 0, 300])
def test_five_minutes_either_way_are_fine(drift: int) -> None:
    verify_event(BODY, header(), [SECRET], NOW + drift)


@pytest.mark.parametrize("drift", [-301, 301, 300.5, -(10**6), 10**9])
def test_more_is_not(drift: float) -> None:
    assert code_of(BODY, header(), now=NOW + drift) == "too_old"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("", "malformed_header"),
        ("t=1", "malformed_header"),
        (v1(), "malformed_header"),
        (f"t={NOW},t={NOW},{v1()}", "malformed_header"),
        (f"t=,{v1()}", "malformed_header"),
        (f"t=-5,{v1()}", "malformed_header"),
        (f"t={NOW}.0,{v1()}", "malformed_header"),
        (f"t=٣,{v1()}", "malformed_header"),
        (f"t={NOW}," + ",".join([v1()] * 17), "malformed_header"),
        (f"t={NOW},{v1()}" + "," * 8192, "malformed_header"),
        (f"t={NOW},{v1().replace('v1', 'v0')}", "malformed_header"),
        (f"t={NOW},v1=", "wrong_signature"),
        (f"t={NOW},v1=zz", "wrong_signature"),
        (f"t={NOW},{v1().upper().replace('V1', 'v1')}", "wrong_signature"),
        (f"t={NOW + 1},{v1()}", "wrong_signature"),
        (header(secret=OTHER), "wrong_signature"),
        (header(BODY + b" "), "wrong_signature"),
    ],
)
def test_other_headers_are_rejected(given: str, code: str) -> None:
    assert code_of(BODY, given) == code


def test_sixteen_signatures_are_read() -> None:
    filler = ",".join([f"v1={'0' * 64}"] * 15)
    verify_event(BODY, f"t={NOW},{filler},{v1()}", [SECRET], NOW)


@pytest.mark.parametrize("secrets", [(), ("",), (SECRET, "")])
def test_an_empty_secret_never_verifies_anything(secrets: tuple[str, ...]) -> None:
    assert code_of(BODY, header(), secrets) == "no_secret"


def test_the_raw_bytes_are_what_is_signed() -> None:
    same_json = json.dumps(json.loads(BODY)).encode()
    assert code_of(same_json, header()) == "wrong_signature"


def test_a_huge_body_is_not_even_hashed() -> None:
    assert code_of(b"x" * (MAX_BODY_BYTES + 1), header()) == "too_large"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"not json", "malformed_body"),
        (b"[]", "malformed_body"),
        (b"{}", "malformed_body"),
        (b'{"object": "event"}', "malformed_body"),
        (b'{"object": "invoice", "id": "in_1"}', "malformed_body"),
        (b'{"object": "v2.core.event", "id": "evt_1", "type": "v1.invoice.paid"}', "thin_event"),
    ],
)
def test_a_signed_body_that_is_no_event_is_rejected(body: bytes, code: str) -> None:
    assert code_of(body, header(body)) == code


def test_a_thin_event_tells_what_to_do() -> None:
    body = b'{"object": "v2.core.event"}'
    with pytest.raises(SignatureRejected) as raised:
        verify_event(body, header(body), [SECRET], NOW)
    assert "snapshot" in raised.value.next_step


def test_subscriptions_are_known_names_without_repetition() -> None:
    assert len(set(ENABLED_EVENTS)) == len(ENABLED_EVENTS)
    assert len(set(POLLED_EVENTS)) == len(POLLED_EVENTS) <= MAX_TYPES_PER_CALL
    assert "invoice_payment.paid" in POLLED_EVENTS
    names = stripe.params.WebhookEndpointCreateParams.__annotations__["enabled_events"]
    assert set(ENABLED_EVENTS) <= set(get_args(get_args(names)[0]))
