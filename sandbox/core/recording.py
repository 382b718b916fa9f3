"""Remembers every request: one JSON line in a file, and counters in memory.

Secrets are not written: authorization and signature headers are left out, secret
form fields are replaced by a short digest, so that equal values stay recognisable.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from sandbox.core.vendor import Request

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
        if self._file is None:
            return
        line = {
            "vendor": vendor,
            "method": request.method,
            "path": request.path,
            "query": _grouped(request.query),
            "headers": _safe_headers(request),
            **_body(request),
            "status": status,
            "at": round(time.time(), 3),
        }
        self._file.write(json.dumps(line) + "\n")
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


def _safe_headers(request: Request) -> dict[str, str]:
    return {
        name: value
        for name, value in request.headers.items()
        if name.lower() not in SECRET_HEADERS and "signature" not in name.lower()
    }


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    text = request.body.decode("utf-8", "replace")
    if "json" in request.headers.get("content-type", ""):
        try:
            return {"json": _masked(json.loads(text))}
        except ValueError:
            return {"json": text}
    return {"form": _masked(_grouped(parse_qsl(text, keep_blank_values=True)))}


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
        key: _digest(item) if key in secret and isinstance(item, str) else _masked(item)
        for key, item in value.items()
    }


def _digest(secret: str) -> str:
    return "hidden:" + hashlib.sha256(secret.encode()).hexdigest()[:12]
