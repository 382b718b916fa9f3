"""FreshBooks' many answer envelopes, read without trusting the HTTP status.

Success is only what the contract names as success (`response.result`, or the family's own object);
an error inside a 200, HTML, cut JSON and every error shape become one of the connector's errors.
What the fields inside a success mean is `parsing`'s business.
Source: FreshBooks API "Errors"; shapes in tests/fixtures/freshbooks/errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn

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
from connector.vendors.freshbooks.tokens import AccessTokenRejected
from connector.vendors.http import HttpAnswer
from connector.vendors.reading import Fields, parse_json

VENDOR = "freshbooks"
MAX_MESSAGE = 300
MAX_RETRY_AFTER_S = 3600.0
MAX_ERRORS = 20

# FreshBooks' own codes (section "Errors" of its reference) and google.rpc's.
ACCESS_DENIED, RESOURCE_DELETED, UNKNOWN_RESOURCE, NOT_WRITABLE = "1003", "1011", "1012", "1038"
SERVER_FAULT = "500"
RPC_CODES = {"5": "404", "7": "403", "16": "401", "8": "429", "13": "500", "14": "503"}
ERROR_WORDS = {
    "unauthenticated": "401",
    "unauthorized": "401",
    "invalid_token": "401",
    "forbidden": "403",
    "not_found": "404",
}


class Family(Enum):
    """Which part of the API answered; each wraps its success in its own way."""

    ACCOUNTING = "accounting"  # {"response": {"result": {...}}}
    IDENTITY = "identity"  # {"response": {...}}
    ONLINE_PAYMENTS = "online payments"  # {...}
    DELETION = "deletion"  # {"response": {}} or nothing at all
    OAUTH = "oauth"  # {...}, errors as {"error": ..., "error_description": ...}


@dataclass(frozen=True, kw_only=True)
class VendorError:
    """One error entry of any family, its fields under one name."""

    code: str
    message: str
    field: str = ""


def read_success(
    answer: HttpAnswer,
    *,
    family: Family,
    operation: str,
    is_read: bool,
    special_codes: Mapping[str, type[ConnectorError]] | None = None,
) -> Fields:
    """The object that carries the success, or the error that the answer stands for.

    `special_codes` says what a vendor code means where it means something of its own (OAuth).

    Raises: AccessTokenRejected, CredentialRejected, VendorNotFound, VendorRateLimited,
        VendorRefused, VendorUnavailable; VendorContractBroken if a read's answer is as no contract
        says; OutcomeUnknown if a write's is, or a write met a server fault.
    """
    verdict = _Verdict(
        answer, operation=operation, is_read=is_read, special_codes=special_codes or {}
    )
    if family is Family.DELETION and answer.status in {200, 204} and not answer.body.strip():
        return Fields(VENDOR, operation, {})
    try:
        body = parse_json(answer.body)
    except ValueError:
        verdict.raise_for_unreadable()
    errors = tuple(_errors_in(body))
    if errors:
        verdict.raise_for(errors)
    success = _success_in(body, family) if 200 <= answer.status < 300 else None
    if success is None:
        verdict.raise_for_unreadable()
    return Fields(VENDOR, operation, success)


def _success_in(body: object, family: Family) -> dict[str, object] | None:
    if not isinstance(body, dict):
        return None
    if family in {Family.ONLINE_PAYMENTS, Family.OAUTH}:
        return body
    inner = body.get("response", body if family is Family.DELETION else None)
    if family is Family.ACCOUNTING and isinstance(inner, dict):
        inner = inner.get("result")
    return inner if isinstance(inner, dict) else None


def _errors_in(body: object) -> Iterator[VendorError]:
    """Every error entry, whatever family wrote it. Sources: contract section 3.1."""
    if not isinstance(body, dict):
        return
    response = body.get("response")
    errors = body.get("errors") or (response.get("errors") if isinstance(response, dict) else None)
    if errors:
        yield from _accounting_errors(errors)
    elif "code" in body and "message" in body:
        yield from _rpc_errors(body)
    elif "error_type" in body or "error" in body:
        yield _named_error(body)
    elif "errno" in body or set(body) == {"message"}:
        yield VendorError(code=_text(body.get("errno")), message=_with_details(body))


def _accounting_errors(errors: object) -> Iterator[VendorError]:
    entries = errors if isinstance(errors, list) else [errors]
    for entry in entries[:MAX_ERRORS]:
        if isinstance(entry, dict):
            yield VendorError(
                code=_text(entry.get("errno", entry.get("status"))),
                message=_text(entry.get("message")),
                field=_text(entry.get("field")),
            )
        else:
            yield VendorError(code="", message="an error without details")


def _named_error(body: dict[str, object]) -> VendorError:
    """OAuth's, online payments' and projects' shape: a word, a sentence, perhaps a number."""
    name = _text(body.get("error_type")) or _text(body.get("error"))
    description = _text(body.get("error_description")) or _text(body.get("message"))
    return VendorError(code=_text(body.get("errno")) or name, message=description or name)


def _rpc_errors(body: dict[str, object]) -> Iterator[VendorError]:
    """The newer google.rpc shape: ErrorInfo with a reason, or BadRequest with field violations."""
    outer = VendorError(code=RPC_CODES.get(_text(body["code"]), ""), message=_text(body["message"]))
    found = [error for detail in _dicts(body.get("details")) for error in _rpc_detail(detail)]
    # 401 and 403 say more in the outer code: their ErrorInfo carries 1003 for both.
    yield from [outer, *found] if outer.code == "401" or not found else found


def _rpc_detail(detail: dict[str, object]) -> Iterator[VendorError]:
    metadata = detail.get("metadata")
    if "reason" in detail:
        told = metadata if isinstance(metadata, dict) else {}
        yield VendorError(
            code=_text(detail["reason"]),
            message=_text(told.get("message")),
            field=_text(told.get("field")),
        )
    for violation in _dicts(detail.get("fieldViolations")):
        field = _text(violation.get("field"))
        yield VendorError(
            code="", message=f"{field}: {_text(violation.get('description'))}", field=field
        )


def _with_details(body: dict[str, object]) -> str:
    details = body.get("details")
    texts = [_text(detail) for detail in details] if isinstance(details, list) else []
    return " ".join(filter(None, [_text(body.get("message")), *texts]))


def _dicts(value: object) -> list[dict[str, object]]:
    items = value[:MAX_ERRORS] if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value)[:MAX_MESSAGE]


class _Verdict:
    """Turns one failed answer into the error to raise."""

    def __init__(
        self,
        answer: HttpAnswer,
        *,
        operation: str,
        is_read: bool,
        special_codes: Mapping[str, type[ConnectorError]],
    ) -> None:
        self._answer = answer
        self._special_codes = special_codes
        self._operation = operation
        self._is_read = is_read

    def raise_for(self, errors: tuple[VendorError, ...]) -> NoReturn:
        """The vendor said what is wrong: go by its code first, by the HTTP status second."""
        first = errors[0]
        code = ERROR_WORDS.get(first.code, first.code)
        message = "; ".join(error.message for error in errors if error.message)[:MAX_MESSAGE]
        kind = self._kind_by_code(code) or self._kind_by_status() or VendorRefused
        raise self._error(
            kind, message or "refused without a reason", code=first.code, field=first.field
        )

    def raise_for_unreadable(self) -> NoReturn:
        """No contract's answer. 401, 429 and 5xx speak for themselves; others prove nothing."""
        status = self._answer.status
        decided = status in {401, 429} or status >= 500
        kind = self._kind_by_status() if decided else None
        if kind is None:
            kind = VendorContractBroken if self._is_read else OutcomeUnknown
        size = len(self._answer.body)
        raise self._error(
            kind, f"expected a known JSON envelope, found {size} bytes with HTTP {status}"
        )

    def _kind_by_code(self, code: str) -> type[ConnectorError] | None:
        if code in self._special_codes:
            return self._special_codes[code]
        if self._answer.status in {401, 429} or self._answer.status >= 500:
            return self._kind_by_status()
        kinds: dict[str, type[ConnectorError]] = {
            "401": AccessTokenRejected,
            "403": CredentialRejected,
            ACCESS_DENIED: CredentialRejected,
            "404": VendorNotFound,
            RESOURCE_DELETED: VendorNotFound,
            UNKNOWN_RESOURCE: VendorNotFound,
            NOT_WRITABLE: VendorRefused,
            "429": VendorRateLimited,
            SERVER_FAULT: self._server_fault,
            "503": self._server_fault,
        }
        return kinds.get(code)

    def _kind_by_status(self) -> type[ConnectorError] | None:
        status = self._answer.status
        if status >= 500:
            return self._server_fault
        kinds: dict[int, type[ConnectorError]] = {
            401: AccessTokenRejected,
            403: CredentialRejected,
            404: VendorNotFound,
            429: VendorRateLimited,
        }
        return kinds.get(status)

    @property
    def _server_fault(self) -> type[ConnectorError]:
        return VendorUnavailable if self._is_read else OutcomeUnknown

    def _error(
        self, kind: type[ConnectorError], message: str, *, code: str = "", field: str = ""
    ) -> ConnectorError:
        limited = kind is VendorRateLimited
        return kind(
            f"FreshBooks: {message}",
            next_step=NEXT_STEPS.get(kind, ""),
            vendor=VENDOR,
            operation=self._operation,
            status=self._answer.status,
            code=code,
            field=field,
            request_id=request_id_of(self._answer),
            retry_after_s=retry_after_of(self._answer) if limited else None,
        )


NEXT_STEPS: dict[type[ConnectorError], str] = {
    CredentialRejected: "Check the role and the scopes of the FreshBooks login that was connected.",
    AccessTokenRejected: "Connect FreshBooks again.",
}


def request_id_of(answer: HttpAnswer) -> str:
    """The id by which FreshBooks' support finds the call, if it sent one."""
    return answer.headers.get("X-Request-Id", "")[:100]


def retry_after_of(answer: HttpAnswer) -> float | None:
    """Seconds to wait as FreshBooks asks, an hour at most; None if it named no usable number."""
    try:
        seconds = float(answer.headers.get("Retry-After", ""))
    except ValueError:
        return None
    if not math.isfinite(seconds) or seconds < 0:
        return None
    return min(seconds, MAX_RETRY_AFTER_S)
