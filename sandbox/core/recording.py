"""Remembers every request: one JSON line in a file, and counters in memory.

Secrets are not written: authorization and signature headers are left out, secret
form fields are replaced by a short digest, so that equal values stay recognisable.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from sandbox.core.vendor import Request
from sandbox.core.webhooks import Ticket

SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
SECRET_FIELDS = frozenset(
    {
        "access_token",
        "client_secret",
        "code",
        "code_verifier",
        "refresh_token",
        "secret",
        "token",
        "verifier",
    }
)


class Recorder:
    """Writes the record file, if there is one, and counts per vendor."""

    def __init__(self, path: Path | None = None) -> None:
        # The file stays open for the life of the process, hence no "with".
        self._file = path.open("a", encoding="utf-8") if path else None
        self._calls: Counter[tuple[str, str, str, int | None]] = Counter()

    def record(self, vendor: str, request: Request, status: int | None) -> None:
        """Note one request; status None = the client got no answer."""
        self._calls[(vendor, request.method, request.route, status)] += 1
        if self._file is not None:
            self._file.write(json.dumps(noted(vendor, request, status)) + "\n")
            self._file.flush()

    def calls(self, vendor: str) -> dict[str, Any]:
        """Counts per method and route template, and by status ("none" = no answer)."""
        rows: dict[tuple[str, str], Counter[str]] = {}
        for (whose, method, route, status), count in self._calls.items():
            if whose == vendor:
                by_status = rows.setdefault((method, route), Counter())
                by_status["none" if status is None else str(status)] += count
        calls = [
            {"method": method, "route": route, "count": counts.total(), "by_status": dict(counts)}
            for (method, route), counts in sorted(rows.items())
        ]
        return {"total": sum(counts.total() for counts in rows.values()), "calls": calls}

    def reset(self, vendor: str) -> None:
        """Forget the counters of a vendor; the file stays."""
        for key in [key for key in self._calls if key[0] == vendor]:
            del self._calls[key]

    def close(self) -> None:
        """Close the record file."""
        if self._file is not None:
            self._file.close()


def noted(vendor: str, request: Request, status: int | None) -> dict[str, Any]:
    """One request as a line of the record."""
    return {
        "vendor": vendor,
        "method": request.method,
        "path": request.path,
        "query": _grouped(request.query),
        "headers": _safe_headers(request),
        **_credential(request),
        **_body(request),
        "status": status,
        "at": round(time.time(), 3),
    }


class WebhookRecorder:
    """Appends every try of a webhook to a file, if there is one: what was said, and the answer.

    Of a body only its own fields are kept, not what they hold.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._file = path.open("a", encoding="utf-8") if path else None

    def of(self, vendor: str) -> Callable[[Ticket], None]:
        """What notes the tries of one vendor."""

        def note(ticket: Ticket) -> None:
            if self._file is not None:
                self._file.write(json.dumps(tried(vendor, ticket, ticket.tries[-1])) + "\n")
                self._file.flush()

        return note

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def tried(vendor: str, ticket: Ticket, one: dict[str, Any]) -> dict[str, Any]:
    """One try of a webhook as a line of the record."""
    delivery = ticket.delivery
    said = _decoded(delivery.body, delivery.content_type)
    fields = said if isinstance(said, dict) else {}
    return {
        "vendor": vendor,
        "number": ticket.number,
        "url": delivery.url,
        "event": delivery.event,
        "forged": ticket.forged,
        "body": {name: value for name, value in fields.items() if not isinstance(value, dict)},
        **one,
    }


def _safe_headers(request: Request) -> dict[str, str]:
    return {
        name: value
        for name, value in request.headers.items()
        if name.lower() not in SECRET_HEADERS and "signature" not in name.lower()
    }


def _credential(request: Request) -> dict[str, str]:
    """Which credential was used, without telling it."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return {"credential": digest(secret.strip())} if scheme.lower() == "bearer" else {}


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    content_type = request.headers.get("content-type", "")
    name = "json" if "json" in content_type else "form"
    return {name: _decoded(request.body, content_type)}


def _decoded(body: bytes, content_type: str) -> Any:
    """A body without secrets; JSON that is none stays text."""
    text = body.decode("utf-8", "replace")
    if "json" not in content_type:
        return _masked(_grouped(parse_qsl(text, keep_blank_values=True)))
    try:
        return _masked(json.loads(text))
    except ValueError:
        return text


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Pairs as an object; a repeated key gets a list."""
    grouped: dict[str, Any] = {}
    for key, value in pairs:
        if key not in grouped:
            grouped[key] = value
        elif isinstance(grouped[key], list):
            grouped[key].append(value)
        else:
            grouped[key] = [grouped[key], value]
    return grouped


def _masked(value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if not isinstance(value, dict):
        return value
    # In an amount of money, "code" is a currency and no authorisation code.
    secret = SECRET_FIELDS - {"code"} if "amount" in value else SECRET_FIELDS
    return {
        key: digest(item) if key in secret and isinstance(item, str) else _masked(item)
        for key, item in value.items()
    }


def digest(secret: str) -> str:
    """What stands in the record instead of a secret."""
    return "hidden:" + hashlib.sha256(secret.encode()).hexdigest()[:12]
