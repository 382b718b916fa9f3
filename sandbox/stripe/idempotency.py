"""Idempotency keys: the first answer is kept for a day and replayed."""

import hashlib
from collections.abc import Mapping

from sandbox.stripe.book import Account, StoredAnswer
from sandbox.stripe.errors import InvalidParametersError, StripeRefusedError

KEPT_S = 24 * 3600
MAX_LENGTH = 255


def key_of(method: str, headers: Mapping[str, str]) -> str | None:
    """Give the key of a request; it has an effect on POST only."""
    key = headers.get("Idempotency-Key")
    if method != "POST" or not key:
        return None
    if len(key) > MAX_LENGTH:
        raise InvalidParametersError(
            f"Idempotency keys must be {MAX_LENGTH} characters or less. The key you provided is "
            f"{len(key)} characters."
        )
    return key


def fingerprint(path: str, body: bytes) -> str:
    """Give what must be the same when a key is used again."""
    return hashlib.sha256(path.encode() + b"\n" + body).hexdigest()


def stored_answer(account: Account, key: str, print_: str, now: float) -> StoredAnswer | None:
    """Give the answer to replay, None when the key is new or was forgotten after a day."""
    if key in account.running:
        raise StripeRefusedError(
            "There is currently another in-progress request using this Idempotent Key (that "
            "probably means you submitted twice, and the other request is still going through): "
            f"{key}. Please try again later.",
            status=409,
            kind="idempotency_error",
            code="idempotency_key_in_use",
        )
    stored = account.answers.get(key)
    if stored is None:
        return None
    if now - stored.at > KEPT_S:
        del account.answers[key]
        return None
    if stored.fingerprint != print_:
        raise StripeRefusedError(
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{key}' if you meant to execute a "
            "different request.",
            kind="idempotency_error",
        )
    return stored
