"""Is this webhook really Stripe's? Verified over the raw bytes, before anything is parsed.

Stricter than the official client: exactly one time-stamp, no time-stamp from the future, several
secrets while one is being rolled. Source: docs.stripe.com/webhooks/signatures.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence

from connector.errors import ConnectorError, SignatureRejected
from connector.vendors.reading import Fields, parse_json
from connector.vendors.stripe.parsing import to_event
from connector.vendors.stripe.records import StripeEvent

TOLERANCE_S = 300
MAX_HEADER_BYTES = 8 * 1024
MAX_SIGNATURES = 16
MAX_BODY_BYTES = 2 * 1024 * 1024
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def verify_event(raw_body: bytes, header: str, secrets: Sequence[str], now: float) -> StripeEvent:
    """The event, if any of the secrets signed these bytes within five minutes of `now`.

    Units: `now` in Unix seconds.
    Raises: SignatureRejected with a code for the log; the answer to the sender needs no details.
    """
    if not secrets or not all(secrets):
        raise _rejected("no_secret", "There is no secret to verify with.")
    if len(raw_body) > MAX_BODY_BYTES:
        raise _rejected("too_large", "The body is larger than any event.")
    timestamp, signatures = _read_header(header)
    if abs(now - int(timestamp)) > TOLERANCE_S:
        raise _rejected("too_old", "The signature's time is more than 300 s away from ours.")
    if not _signed_by_any(raw_body, timestamp, signatures, secrets):
        raise _rejected("wrong_signature", "No signature matches.")
    return _read_event(raw_body)


def _read_header(header: str) -> tuple[str, list[str]]:
    """The one time-stamp as text and all v1 signatures; other schemes are passed over."""
    if len(header) > MAX_HEADER_BYTES or not header.isascii():
        raise _rejected("malformed_header", "The signature header is too long or not ASCII.")
    pairs = [part.strip().partition("=") for part in header.split(",")]
    timestamps = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1"]
    if len(timestamps) != 1 or _TIMESTAMP.fullmatch(timestamps[0]) is None:
        raise _rejected("malformed_header", "The signature header needs exactly one time.")
    if not 0 < len(signatures) <= MAX_SIGNATURES:
        raise _rejected("malformed_header", f"Between 1 and {MAX_SIGNATURES} signatures, please.")
    return timestamps[0], [text for text in signatures if _HEX_DIGEST.fullmatch(text)]


def _signed_by_any(
    raw_body: bytes, timestamp: str, signatures: Sequence[str], secrets: Sequence[str]
) -> bool:
    """Compare every secret with every signature, in the same time wherever the match is."""
    message = timestamp.encode() + b"." + raw_body
    matches = [
        hmac.compare_digest(hmac.new(secret.encode(), message, hashlib.sha256).hexdigest(), given)
        for secret in secrets
        for given in signatures
    ]
    return any(matches)


def _read_event(raw_body: bytes) -> StripeEvent:
    failure: SignatureRejected
    try:
        body = Fields.of(parse_json(raw_body), vendor="stripe", where="event")
        kind = body.text_or_empty("object")
        if kind == "event":
            return to_event(body)
        failure = _not_a_snapshot(kind)
    except (ValueError, ConnectorError):
        failure = _rejected("malformed_body", "The signed body is no event.")
    raise failure


def _not_a_snapshot(kind: str) -> SignatureRejected:
    if kind == "v2.core.event":
        return _rejected(
            "thin_event",
            "This is a thin event, which carries no object.",
            next_step="Let the endpoint receive snapshot events (payload style: snapshot).",
        )
    return _rejected("malformed_body", "The signed body is no event.")


def _rejected(code: str, message: str, *, next_step: str = "") -> SignatureRejected:
    return SignatureRejected(message, vendor="stripe", code=code, next_step=next_step)
