"""What the connector asked of both vendors, from the simulators' record of every request."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAKING_STEPS = frozenset({"add_lines", "finalize", "send", "update_lines"})
_STRIPE_INVOICE = re.compile(r"^/v1/invoices/(?P<id>in_\w+)(?:/(?P<step>\w+))?$")
_STATUS_FIELDS = frozenset({"status", "v3_status", "payment_status", "display_status"})


@dataclass(frozen=True)
class Made:
    """One request."""

    vendor: str
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int | None

    @property
    def key(self) -> str:
        """Its idempotency key."""
        return self.headers.get("Idempotency-Key", "")

    @property
    def is_write(self) -> bool:
        """Whether it may have changed something at the vendor."""
        return self.method != "GET"


class RequestsMade:
    """Every request of the demo, with the questions that are asked about them."""

    def __init__(self, record: Path) -> None:
        lines = record.read_text(encoding="utf-8").splitlines()
        self.all = [_made(json.loads(line)) for line in lines]

    def by_operation(self) -> Counter[tuple[str, str]]:
        """How many requests of each kind, ids left out."""
        return Counter((one.vendor, f"{one.method} {_without_ids(one.path)}") for one in self.all)

    def refreshes(self) -> int:
        """How often a token was refreshed."""
        return sum(
            one.path.endswith("/oauth/token")
            and isinstance(one.body, dict)
            and one.body.get("grant_type") == "refresh_token"
            and one.status == 200
            for one in self.all
        )

    def status_writes(self) -> list[str]:
        """Requests that could change an invoice in FreshBooks, or that carry a status."""
        return [
            f"{one.method} {one.path}"
            for one in self._writes("freshbooks")
            if "/invoices/invoices" in one.path or _STATUS_FIELDS & set(_names(one.body))
        ]

    def payment_writes(self, account_id: str) -> list[str]:
        """Requests that could change payments of one FreshBooks account."""
        return [
            f"{one.method} {one.path}"
            for one in self._writes("freshbooks")
            if f"/{account_id}/payments/payments" in one.path
        ]

    def payments_sent_twice(self) -> list[str]:
        """Notes of payments that FreshBooks was made to execute more than once."""
        sent: Counter[str] = Counter()
        for one in self._writes("freshbooks"):
            executed = one.status is None or one.status < 300
            if one.method == "POST" and one.path.endswith("/payments/payments") and executed:
                sent[str(one.body["payment"]["note"])] += 1
        return [note for note, count in sent.items() if count > 1]

    def making_writes(self) -> dict[str, int]:
        """Stripe invoice id -> how many different writes made it payable, its creation included."""
        keys: dict[str, set[str]] = defaultdict(set)
        for one in self._writes("stripe"):
            match = _STRIPE_INVOICE.match(one.path)
            if match and match["step"] in MAKING_STEPS:
                keys[match["id"]].add(one.key)
        return {invoice: len(found) + 1 for invoice, found in keys.items()}

    def altered_repeats(self) -> list[str]:
        """Idempotency keys under which two different bodies were sent."""
        bodies: dict[str, set[str]] = defaultdict(set)
        for one in self._writes("stripe"):
            if one.key:
                bodies[one.key].add(json.dumps([one.path, one.body], sort_keys=False))
        return [key for key, found in bodies.items() if len(found) > 1]

    def _writes(self, vendor: str) -> Iterator[Made]:
        return (one for one in self.all if one.vendor == vendor and one.is_write)


def _made(row: dict[str, Any]) -> Made:
    return Made(
        vendor=row["vendor"],
        method=row["method"],
        path=row["path"],
        headers=row["headers"],
        body=row.get("json", row.get("form")),
        status=row["status"],
    )


def _names(body: Any) -> Iterable[str]:
    """Every field name in a body, at any depth."""
    if isinstance(body, dict):
        for name, value in body.items():
            yield name
            yield from _names(value)
    elif isinstance(body, list):
        for item in body:
            yield from _names(item)


def _without_ids(path: str) -> str:
    path = re.sub(r"/account/\w+", "/account/…", path)
    path = re.sub(r"/account/…/(\w+/\w+)/\d+", r"/account/…/\1/…", path)
    path = re.sub(r"/(in|cus|we|pi|pr|acct)_\w+", r"/\1_…", path)
    return re.sub(r"/\d+", "/…", path)
