"""What happens around every vendor call, whoever the vendor is: ask first, tell afterwards.

The connector puts its rate limits, counters and its "no call inside a transaction" rule behind
`CallGate`; nothing about HTTP or about a vendor's bodies belongs here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from connector.errors import (
    ConnectorError,
    NotRepresentable,
    OutcomeUnknown,
    VendorContractBroken,
    VendorRateLimited,
    VendorUnavailable,
)


@dataclass(frozen=True, kw_only=True)
class CallReport:
    """One finished vendor call. Never holds a URL, a body or a credential.

    `outcome` is ok, refused, rate_limited, unavailable, unknown or broken. A locked object or a key
    in use (409, `lock_timeout`) is "refused": the vendor is well, this object is busy.
    """

    vendor: str
    operation: str
    method: str
    status: int | None
    request_id: str
    duration_ms: int
    outcome: str
    retry_after_s: float | None
    rate_limited_reason: str


class CallGate(Protocol):
    """Asked before and told after every vendor call."""

    def before(self, vendor: str, operation: str) -> None:
        """Let the call pass, or raise VendorRateLimited or VendorUnavailable."""

    def after(self, call: CallReport) -> None:
        """Take note of the call. Must not raise: the answer of a write would be lost."""


class OpenGate:
    """Lets everything pass and keeps nothing; for tools that make a few calls by hand."""

    def before(self, vendor: str, operation: str) -> None:
        """Let the call pass."""

    def after(self, call: CallReport) -> None:
        """Keep nothing."""


@dataclass(kw_only=True)
class CallProgress:
    """What a call under way has learned so far, for its report."""

    started: float
    status: int | None = None
    request_id: str = ""
    rate_limited_reason: str = ""


@contextmanager
def gated_call(
    gate: CallGate, *, vendor: str, operation: str, method: str
) -> Iterator[CallProgress]:
    """Run one vendor call between the gate's `before` and `after`.

    A call that the gate refuses is not reported: it never happened.
    """
    gate.before(vendor, operation)
    progress = CallProgress(started=time.monotonic())
    outcome, retry_after_s = "broken", None
    try:
        yield progress
        outcome = "ok"
    except ConnectorError as error:
        outcome, retry_after_s = outcome_of(error), error.retry_after_s
        raise
    finally:
        gate.after(
            CallReport(
                vendor=vendor,
                operation=operation,
                method=method,
                status=progress.status,
                request_id=progress.request_id,
                duration_ms=round((time.monotonic() - progress.started) * 1000),
                outcome=outcome,
                retry_after_s=retry_after_s,
                rate_limited_reason=progress.rate_limited_reason,
            )
        )


def outcome_of(error: ConnectorError) -> str:
    """The word in a CallReport for this error."""
    if isinstance(error, OutcomeUnknown):
        return "unknown"
    if isinstance(error, VendorRateLimited):
        return "rate_limited"
    if isinstance(error, VendorUnavailable):
        return "refused" if error.status is not None and error.status < 500 else "unavailable"
    if isinstance(error, VendorContractBroken | NotRepresentable):
        return "broken"
    return "refused"
