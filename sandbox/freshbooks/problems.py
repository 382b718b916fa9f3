"""What can be wrong with a request, and how each API family says it.

Families: accounting (two forms, chosen by the header X-API-VERSION), auth, events and
online payments. See section 3.1 of the vendor contract.
"""

import re
from typing import Any

from sandbox.core.switches import Switches
from sandbox.core.vendor import Request, Response

REQUIRED, DENIED, INVALID, MALFORMED, UNMAPPABLE = 1001, 1003, 1004, 1005, 1006
DELETED, UNKNOWN, BAD_PER_PAGE, BAD_PAGE, NOT_A_NUMBER = 1011, 1012, 1013, 1014, 1015
TOO_LONG, BAD_PERCENT, DUPLICATE_TAX, BAD_FILTER = 1017, 1018, 1019, 1023
NEGATIVE, DUPLICATE, NOT_BOOLEAN, BAD_DATE = 1025, 1029, 1031, 1033
NOT_WRITABLE, BAD_TOTAL = 1038, 1040

_HTTP_OF_ERRNO = {
    DENIED: 403,
    NOT_WRITABLE: 403,
    MALFORMED: 400,
    UNKNOWN: 404,
    429: 429,
    500: 500,
}
_GRPC_OF_HTTP = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 422: 3, 429: 8, 500: 13}
_ONLINE_TYPE_OF_HTTP = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    429: "too_many_requests",
    500: "server_error",
}
_AUTH_ERROR_OF_HTTP = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    429: "rate_limited",
    500: "server_error",
}
_SEMANTIC = "The request was well-formed but was unable to be followed due to semantic errors."
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


class Problem(Exception):
    """A refusal. `field`, `thing` (the object) and `value` are what accounting names."""

    def __init__(
        self,
        errno: int,
        message: str,
        *,
        field: str | None = None,
        thing: str | None = None,
        value: Any = None,
        http: int | None = None,
    ) -> None:
        super().__init__(message)
        self.errno, self.message = errno, message
        self.field, self.thing, self.value = field, thing, value
        self.http = http or _HTTP_OF_ERRNO.get(errno, 422)
        self.retry_after_s: int | None = None

    def about(self, field: str, thing: str) -> "Problem":
        """The same, naming field and object where they were left open."""
        self.field = self.field or field
        self.thing = self.thing or thing
        return self


def unauthenticated() -> Problem:
    """No, an unknown or an expired token."""
    message = "The server could not verify that you are authorized to access the URL requested."
    return Problem(DENIED, message, http=401)


def not_found(thing: str, field: str, value: Any) -> Problem:
    """There is no such record in this account."""
    name = thing.replace("_", " ").capitalize()
    return Problem(UNKNOWN, f"{name} not found.", field=field, thing=thing, value=value)


def denied(message: str = "Permission Denied") -> Problem:
    """The role or the scope does not allow it."""
    return Problem(DENIED, message)


def too_many_requests(retry_after_s: int) -> Problem:
    """Rate limit."""
    problem = Problem(429, "Rate limit exceeded.", thing="request")
    problem.retry_after_s = retry_after_s
    return problem


def family_of(path: str) -> str:
    """Which API family a path belongs to."""
    for prefix in ("accounting", "events", "payments"):
        if path.startswith(f"/{prefix}/"):
            return prefix
    return "auth" if re.match(r"/(service/)?(auth|oauth)/", path) else "pages"


def render_problem(problem: Problem, request: Request, switches: Switches) -> Response:
    """The refusal in the words of the family asked."""
    newer = "X-API-VERSION" in request.headers
    family = family_of(request.path)
    headers = {}
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    status = problem.http
    if family == "accounting":
        body = _accounting(problem, newer=newer, as_object=switches["errors_form"] == "object")
        if switches.on("errors_with_http_200") and status < 429 and status != 401:
            status = 200
    elif family == "events":
        body = _events(problem, newer=newer)
    elif family == "payments":
        kind = _ONLINE_TYPE_OF_HTTP.get(status, "invalid_request")
        return Response(
            status,
            {"error_type": kind, "message": problem.message},
            headers,
            "application/vnd.api+json",
        )
    else:
        body = _auth(status, problem.message)
    return Response(status, body, headers)


def _auth(status: int, message: str) -> dict[str, Any]:
    if status == 401:
        message = "This action requires authentication to continue."
    return {
        "error": _AUTH_ERROR_OF_HTTP.get(status, "invalid_request"),
        "error_description": message,
    }


def _accounting(problem: Problem, *, newer: bool, as_object: bool) -> dict[str, Any]:
    if newer:
        metadata = {
            "object": problem.thing or "",
            "message": problem.message,
            "value": "" if problem.value is None else str(problem.value),
            "field": problem.field or "",
        }
        info = {
            "@type": _ERROR_INFO,
            "reason": str(problem.errno),
            "domain": "accounting.api.freshbooks.com",
            "metadata": metadata,
        }
        return {
            "code": _GRPC_OF_HTTP.get(problem.http, 2),
            "message": f"Request failed with status_code: {problem.http}",
            "details": [info],
        }
    if problem.http == 401:
        return _auth(401, "")
    error = {
        "errno": problem.errno,
        "field": problem.field,
        "message": problem.message,
        "object": problem.thing,
        "value": None if problem.value is None else str(problem.value),
    }
    return {"response": {"errors": error if as_object else [error]}}


def _events(problem: Problem, *, newer: bool) -> dict[str, Any]:
    semantic = problem.http == 422
    message = {
        401: "invalid_token: The request token failed to authenticate or validate.",
        404: "Requested resource could not be found.",
        422: "Invalid data in this request." if newer else _SEMANTIC,
    }.get(problem.http, problem.message)
    violations = problem.message.split("; ") if semantic else []
    if not newer:
        details = {"details": violations} if semantic else {}
        return {"errno": problem.http, "message": message, **details}
    fields = [
        {"field": field, "description": text.removeprefix("Value error, ")}
        for field, _, text in (violation.partition(": ") for violation in violations)
    ]
    bad_request = [{"@type": _BAD_REQUEST, "fieldViolations": fields}] if fields else []
    return {
        "code": _GRPC_OF_HTTP.get(problem.http, 2),
        "message": message,
        "details": bad_request,
    }
