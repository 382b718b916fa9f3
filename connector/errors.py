"""Every error the connector raises on purpose, with what the job engine should do about it.

A leaf: imports nothing of ours. Errors are built at the edge (vendor client, mapping), carry what
support needs to act, and never carry a credential or a request body.
"""

from __future__ import annotations

from enum import StrEnum


class FailureMode(StrEnum):
    """What kind of failure it is; `connector.jobs.retry` maps each to a policy."""

    TRANSIENT = "transient"  # the same call may work later
    RATE_LIMITED = "rate_limited"  # the vendor or our own budget said: later
    PERMANENT = "permanent"  # the same input will never work
    NEEDS_PERSON = "needs_person"  # somebody must decide, reconnect or correct something
    INTERNAL = "internal"  # our bug, or an assumption about a vendor that does not hold


class ConnectorError(Exception):
    """Base class. `message` is for a person; `next_step` says what to do about it."""

    failure_mode: FailureMode = FailureMode.INTERNAL

    def __init__(  # noqa: PLR0913 - facts about a failure, all optional but the message
        self,
        message: str,
        *,
        next_step: str = "",
        vendor: str = "",
        operation: str = "",
        status: int | None = None,
        code: str = "",
        field: str = "",
        request_id: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.vendor = vendor
        self.operation = operation
        self.status = status
        self.code = code
        self.field = field
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class VendorUnavailable(ConnectorError):
    """Nothing was done at the vendor: no connection, or a 5xx on a read."""

    failure_mode = FailureMode.TRANSIENT


class OutcomeUnknown(ConnectorError):
    """A write was sent and its answer never arrived or made no sense: it may have happened."""

    failure_mode = FailureMode.TRANSIENT


class VendorRateLimited(ConnectorError):
    """429, or our own bucket is empty. `retry_after_s` when the vendor named a time."""

    failure_mode = FailureMode.RATE_LIMITED


class VendorRefused(ConnectorError):
    """A definite 4xx: the vendor understood and said no. Nothing was done there."""

    failure_mode = FailureMode.PERMANENT


class VendorNotFound(VendorRefused):
    """The object does not exist there (or belongs to another account or mode)."""


class VendorContractBroken(ConnectorError):
    """A vendor's answer is not what its contract says; `message` tells expected and found."""

    failure_mode = FailureMode.INTERNAL


class CredentialRejected(ConnectorError):
    """The token or key is no longer accepted, or lacks a permission."""

    failure_mode = FailureMode.NEEDS_PERSON


class GrantLost(CredentialRejected):
    """The FreshBooks refresh token is dead: a person must connect again."""


class NotRepresentable(ConnectorError):
    """A value cannot be carried to the other side exactly, so it is not carried at all."""

    failure_mode = FailureMode.NEEDS_PERSON


class UnsupportedCurrency(NotRepresentable):
    """A currency without a known exponent, or two currencies where one was needed."""


class AmountNotRepresentable(NotRepresentable):
    """Digits would be lost, or the text is no amount at all."""


class SignatureRejected(ConnectorError):
    """A webhook that is unsigned, wrongly signed, too old or malformed."""

    failure_mode = FailureMode.PERMANENT


class FenceLost(ConnectorError):
    """The job's lease was taken over by another worker; what this one did is not saved."""

    failure_mode = FailureMode.TRANSIENT
