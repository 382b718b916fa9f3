"""Is this callback really FreshBooks'? Verified over the raw form body, before anything parses it.

FreshBooks signs not the bytes but Python's default JSON text of the decoded form fields, in their
order in the body, keyed with the verifier of this one callback. A delivery is a hint without id,
time or content, so a replay is harmless: the object is re-read.
Source: FreshBooks API "Webhooks"; golden vectors in tests/fixtures/freshbooks/callbacks.json.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from connector.errors import SignatureRejected

HANDSHAKE = "callback.verify"
MAX_BODY_BYTES = 64 * 1024
MAX_FIELDS = 50
MAX_SIGNATURE = 100
_OBJECT_ID = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class CallbackDelivery:
    """One delivery or handshake. `verifier` is a secret and only in a handshake, else ""."""

    name: str  # payment.create, ...; callback.verify for the handshake
    object_id: int  # the callback's own id in a handshake
    account_id: str
    business_id: str
    identity_id: str
    verifier: str

    @property
    def is_handshake(self) -> bool:
        """Whether it hands over a verifier instead of telling of a change."""
        return self.name == HANDSHAKE

    def __repr__(self) -> str:
        return f"CallbackDelivery(name={self.name!r}, object_id={self.object_id})"


def verify_delivery(raw_body: bytes, signature_header: str, verifier: str) -> CallbackDelivery:
    """The delivery, if this callback's verifier signed it.

    Raises: SignatureRejected with a code for the log; the answer to the sender needs no details.
    """
    if not verifier:
        raise _rejected("no_secret", "This callback has no verifier yet.")
    if not 0 < len(signature_header) <= MAX_SIGNATURE or not signature_header.isascii():
        raise _rejected("malformed_header", "The signature header is missing or malformed.")
    fields = _form_fields(raw_body)
    expected = signature_of(fields, verifier)
    if not hmac.compare_digest(expected, signature_header):
        raise _rejected("wrong_signature", "The signature does not match.")
    return _delivery(fields)


def parse_handshake(raw_body: bytes) -> CallbackDelivery:
    """The unsigned handshake. Trust comes only from FreshBooks accepting its verifier back.

    Raises: SignatureRejected if it is no well-formed handshake.
    """
    delivery = _delivery(_form_fields(raw_body))
    if not delivery.is_handshake or not delivery.verifier:
        raise _rejected("malformed_body", "This is no handshake with a verifier.")
    return delivery


def signature_of(fields: dict[str, str], verifier: str) -> str:
    """FreshBooks' signature of these form fields, as its header carries it."""
    digest = hmac.new(verifier.encode(), json.dumps(fields).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _form_fields(raw_body: bytes) -> dict[str, str]:
    """All fields in the order of the body, blank ones too; a repeated field is refused."""
    if len(raw_body) > MAX_BODY_BYTES:
        raise _rejected("too_large", "The body is larger than any delivery.")
    try:
        pairs = parse_qsl(
            raw_body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        pairs = []  # not ASCII, not UTF-8 below the percent signs, or too many fields
    fields = dict(pairs)
    if not pairs or len(fields) != len(pairs):
        raise _rejected("malformed_body", "The body is no form, or names a field twice.")
    return fields


def _delivery(fields: dict[str, str]) -> CallbackDelivery:
    object_id = fields.get("object_id", "")
    if not fields.get("name") or _OBJECT_ID.fullmatch(object_id) is None:
        raise _rejected("malformed_body", "The body names no event or no object.")
    return CallbackDelivery(
        name=fields["name"],
        object_id=int(object_id),
        account_id=fields.get("account_id", ""),
        business_id=fields.get("business_id", ""),
        identity_id=fields.get("identity_id", ""),
        verifier=fields.get("verifier", ""),
    )


def _rejected(code: str, message: str) -> SignatureRejected:
    return SignatureRejected(message, vendor="freshbooks", code=code)
