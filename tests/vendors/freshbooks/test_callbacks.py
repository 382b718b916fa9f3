"""A FreshBooks delivery is believed only with the signature of its own callback's verifier."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from connector.errors import SignatureRejected
from connector.vendors.freshbooks.callbacks import parse_handshake, signature_of, verify_delivery
from tests.vendors.local_server import fixture

KEY = "k3Zs9QdT0vXwB7nEoR5uLh2YpGmC4fJa"
BODY = (
    b"name=payment.create&object_id=10318&account_id=wkMd2g"
    b"&business_id=439000&identity_id=12345&user_id=1"
)
HEADER = "4QC9bUlYqw/LDuvY2USN//60j+3va7HgzCN3hYmxkbg="
GOLDEN = fixture("freshbooks/callbacks_signed.json")


def signed(text: str, key: str = KEY) -> str:
    """The header for a signed text written out by hand, independent of the code under test."""
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def code_of(body: bytes, header: str, verifier: str = KEY) -> str:
    with pytest.raises(SignatureRejected) as raised:
        verify_delivery(body, header, verifier)
    return raised.value.code


@pytest.mark.parametrize("vector", GOLDEN, ids=lambda vector: str(vector["why"]))
def test_golden_vectors(vector: dict[str, str]) -> None:
    assert signed(vector["signed_text"]) == vector["header"]
    delivery = verify_delivery(vector["body"].encode(), vector["header"], KEY)
    assert delivery.object_id > 0


def test_a_delivery_is_read() -> None:
    delivery = verify_delivery(BODY, HEADER, KEY)
    assert (delivery.name, delivery.object_id, delivery.account_id) == (
        "payment.create",
        10318,
        "wkMd2g",
    )
    assert (delivery.business_id, delivery.identity_id, delivery.verifier) == (
        "439000",
        "12345",
        "",
    )
    assert delivery.is_handshake is False


@pytest.mark.parametrize(
    ("body", "header", "verifier", "code"),
    [
        (BODY, HEADER, "", "no_secret"),
        (BODY, HEADER, "other", "wrong_signature"),
        (BODY, "", KEY, "malformed_header"),
        (BODY, "x" * 101, KEY, "malformed_header"),
        (BODY, "é", KEY, "malformed_header"),
        (BODY, HEADER[:-1], KEY, "wrong_signature"),
        (BODY, HEADER.lower(), KEY, "wrong_signature"),
        (BODY + b"&x=", HEADER, KEY, "wrong_signature"),
        (BODY.replace(b"10318", b"10319"), HEADER, KEY, "wrong_signature"),
        (BODY + b"&name=payment.create", HEADER, KEY, "malformed_body"),
        (b"", HEADER, KEY, "malformed_body"),
        (b'{"name": "payment.create"}\xff', HEADER, KEY, "malformed_body"),
        (b"name=%FF%FE&object_id=1", HEADER, KEY, "malformed_body"),
        (b"&".join(b"a%d=1" % n for n in range(51)), HEADER, KEY, "malformed_body"),
        (b"name=" + b"x" * 64 * 1024, HEADER, KEY, "too_large"),
        (b"object_id=1", signed('{"object_id": "1"}'), KEY, "malformed_body"),
        (
            b"name=x&object_id=abc",
            signed('{"name": "x", "object_id": "abc"}'),
            KEY,
            "malformed_body",
        ),
        (b"name=x&object_id=-1", signed('{"name": "x", "object_id": "-1"}'), KEY, "malformed_body"),
    ],
)
def test_everything_else_is_rejected(body: bytes, header: str, verifier: str, code: str) -> None:
    assert code_of(body, header, verifier) == code


def test_other_orders_of_the_fields_have_other_signatures() -> None:
    first, second = {"a": "1", "b": "2"}, {"b": "2", "a": "1"}
    assert signature_of(first, KEY) != signature_of(second, KEY)


def test_a_rejection_names_no_secret() -> None:
    with pytest.raises(SignatureRejected) as raised:
        verify_delivery(BODY, HEADER, "the-verifier")
    assert "the-verifier" not in str(raised.value)
    assert raised.value.__context__ is None


def test_a_handshake_hands_over_the_verifier() -> None:
    body = b"name=callback.verify&object_id=2001&account_id=wkMd2g&verifier=caf%C3%A9%2Fa%3Ab%2Cc"
    handshake = parse_handshake(body)
    assert (handshake.object_id, handshake.verifier) == (2001, "café/a:b,c")
    assert handshake.is_handshake
    assert "caf" not in repr(handshake)


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        b"name=callback.verify&object_id=2001",
        b"name=callback.verify&object_id=2001&verifier=",
        b"name=callback.verify&verifier=v",
        b"name=callback.verify&object_id=1&verifier=v&verifier=w",
        b"",
    ],
)
def test_what_is_no_handshake_is_rejected(body: bytes) -> None:
    with pytest.raises(SignatureRejected):
        parse_handshake(body)
