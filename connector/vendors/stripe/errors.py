"""What Stripe's refusals mean to the connector: HTTP status first, then type and code, text last.

Many business refusals carry no code, and `param` differs per endpoint, so neither is relied upon.
Source: docs.stripe.com/api/errors, /error-low-level, /rate-limits.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

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
from connector.vendors.http import HttpAnswer
from connector.vendors.reading import parse_json

VENDOR = "stripe"
MAX_MESSAGE = 400
MAX_RETRY_AFTER_S = 3600.0
REPLAYED_5XX = "replayed_5xx"
_KEY_LIKE = re.compile(r"\b(?:sk|rk|pk|whsec)_[A-Za-z0-9_*]+")


@dataclass(frozen=True, kw_only=True)
class ErrorBody:
    """`error` of an answer; every part may be missing."""

    type: str
    code: str
    param: str
    message: str


def to_connector_error(answer: HttpAnswer, *, operation: str, is_read: bool) -> ConnectorError:
    """The error for an answer that is no success, or that Stripe's client could not read."""
    body = _error_body(answer)
    kind, code = _classify(answer, body, is_read=is_read)
    told = body.message or f"expected a Stripe answer, found {len(answer.body)} bytes"
    return kind(
        f"Stripe: {told} (HTTP {answer.status})",
        next_step=NEXT_STEPS.get(kind, ""),
        vendor=VENDOR,
        operation=operation,
        status=answer.status,
        code=code,
        field=body.param,
        request_id=request_id_of(answer),
        retry_after_s=_retry_after(answer) if kind is VendorRateLimited else None,
    )


NEXT_STEPS: dict[type[ConnectorError], str] = {
    CredentialRejected: "Check the Stripe key: is it valid, and does it have this permission?",
}


def _classify(
    answer: HttpAnswer, body: ErrorBody, *, is_read: bool
) -> tuple[type[ConnectorError], str]:
    """The class of error and its code."""
    if answer.status >= 500:
        replayed = answer.headers.get("Idempotent-Replayed", "").lower() == "true"
        kind = VendorUnavailable if is_read else OutcomeUnknown
        return kind, REPLAYED_5XX if replayed else body.code
    if answer.status == 429 and body.code == "lock_timeout":
        # An object lock is no rate limit: this object is busy, the account's budget is untouched.
        return VendorUnavailable, body.code
    if answer.status in {401, 429}:
        return (CredentialRejected if answer.status == 401 else VendorRateLimited), body.code
    if not 400 <= answer.status < 500 or not body.type:
        return (VendorContractBroken if is_read else OutcomeUnknown), ""
    return _refusal(answer.status, body)


def _refusal(status: int, body: ErrorBody) -> tuple[type[ConnectorError], str]:
    """A 4xx with an error body: nothing was done."""
    if status == 400 and body.type == "idempotency_error":
        return VendorContractBroken, body.code or "idempotency_error"
    if status == 409:
        return VendorUnavailable, body.code or "idempotency_key_in_use"
    kinds: dict[int, type[ConnectorError]] = {403: CredentialRejected, 404: VendorNotFound}
    return kinds.get(status, VendorRefused), body.code


def _error_body(answer: HttpAnswer) -> ErrorBody:
    try:
        parsed = parse_json(answer.body)
    except ValueError:
        parsed = None
    error = parsed.get("error") if isinstance(parsed, dict) else None
    found = error if isinstance(error, dict) else {}
    parts = {key: str(found.get(key) or "") for key in ("type", "code", "param", "message")}
    message = without_keys(parts["message"])[:MAX_MESSAGE]
    return ErrorBody(
        type=parts["type"], code=parts["code"], param=parts["param"][:100], message=message
    )


def without_keys(text: str) -> str:
    """The text with anything that looks like an API key or secret taken out."""
    return _KEY_LIKE.sub("[key]", text)


def request_id_of(answer: HttpAnswer) -> str:
    """The id by which Stripe's support finds the call."""
    return answer.headers.get("Request-Id", "")[:100]


def rate_limited_reason_of(answer: HttpAnswer) -> str:
    """Which limit a 429 met: global-rate, endpoint-rate, global-concurrency, ..."""
    return answer.headers.get("Stripe-Rate-Limited-Reason", "")[:100]


def _retry_after(answer: HttpAnswer) -> float | None:
    """Stripe documents no Retry-After; taken if it is a sensible number all the same."""
    try:
        seconds = float(answer.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(seconds, MAX_RETRY_AFTER_S) if math.isfinite(seconds) and seconds >= 0 else None
