"""Names for writes: idempotency keys, payment markers and body hashes.

A key says which write is meant, so it is built from our own ids and never from content: a retry
with corrected content must meet the same key. A marker is the same idea for FreshBooks, which has
no idempotency keys: we put it into the payment's note and look for it before posting.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re

MAX_KEY_LENGTH = 255  # Stripe's limit
_MARKER = re.compile(r"\[mlc:[A-Z2-7]{12,26}\]")
_MARKER_CHARACTERS = 16  # 80 bits: no accidental twin, no guessing
_UNSAFE = re.compile(r"[^A-Za-z0-9._:-]+")


def key(  # noqa: PLR0913 - each part names the write; none may be forgotten
    *,
    tenant_id: int | str,
    vendor_account: str,
    operation: str,
    entity: str,
    revision: int,
    step: str | int,
    version: int = 1,
) -> str:
    """The idempotency key of one write, the same on every attempt.

    Shapes: "mlc<version>:<operation>:<entity>:r<revision>:<step>:<sha-256 hex>". The readable part
        is for people in a log and may be shortened; the hash covers every argument unshortened.
    """
    parts = [str(tenant_id), vendor_account, operation, entity, str(revision), str(step)]
    digest = hashlib.sha256(_canonical([version, *parts])).hexdigest()
    readable = [operation[:40], entity[:60], f"r{revision}"[:20], str(step)[:40]]
    prefix = ":".join(_UNSAFE.sub("-", part) for part in readable)
    return f"mlc{version}:{prefix}:{digest}"


def payment_marker(*, secret: bytes, intent: str) -> str:
    """The text, such as "[mlc:ABCD2345EFGH6723]", by which we recognise a payment we made.

    Keyed, so that nobody who can write a payment note can forge or predict a marker of ours.
    Raises: ValueError on an empty secret or intent.
    """
    if not secret or not intent:
        raise ValueError("A payment marker needs a secret and an intent.")
    digest = hmac.new(secret, intent.encode(), hashlib.sha256).digest()
    return f"[mlc:{base64.b32encode(digest).decode()[:_MARKER_CHARACTERS]}]"


def find_marker(note: str) -> str | None:
    """The first marker in a payment's note, as `payment_marker` wrote it; None if there is none."""
    match = _MARKER.search(note)
    return match[0] if match else None


def body_hash(body: object) -> str:
    """SHA-256 of a request body, independent of the order of its keys."""
    return hashlib.sha256(_canonical(body)).hexdigest()


def _canonical(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")
