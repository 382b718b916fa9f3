"""What the checkers read: the vendors' own books and records first, our rows where a rule is about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Query = Callable[..., list[Row]]
"""A statement and its values; over all tenants."""


@dataclass(frozen=True, kw_only=True)
class Connected:
    """One tenant and its accounts at both vendors."""

    tenant_id: int
    slug: str
    mode: str
    account_id: str
    stripe_account_id: str
    identity_id: int
    hears: str = "both"
    """How it learns of news: both, webhooks or polls."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request to a vendor, as the simulator recorded it. `status` None: nobody got the answer."""

    vendor: str
    method: str
    path: str
    query: Row
    headers: dict[str, str]
    body: Any
    status: int | None
    at: float
    credential: str = ""

    @property
    def key(self) -> str:
        """Its idempotency key."""
        return next((v for k, v in self.headers.items() if k.lower() == "idempotency-key"), "")

    @property
    def is_write(self) -> bool:
        """Whether it may have changed something."""
        return self.method != "GET"


@dataclass(kw_only=True)
class Evidence:
    """Everything at one moment of rest."""

    freshbooks: Row
    """`GET /_sandbox/state` of FreshBooks."""
    stripe: Row
    tenants: list[Connected]
    query: Query
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """The moment of rest."""
    requests: list[Request] = field(default_factory=list)
    tries: list[Row] = field(default_factory=list)
    """Every try of a webhook: vendor, number, url, event, body, forged, status, error, at."""
    acts: list[Row] = field(default_factory=list)
    """What people did, oldest first: at, vendor, do, the arguments, and `result`."""

    @cached_property
    def pairs(self) -> list[Pair]:
        """Each tenant's two books."""
        stripe = {book["id"]: book for book in self.stripe["accounts"]}
        return [
            Pair(
                one,
                self.freshbooks["accounts"][one.account_id],
                stripe[one.stripe_account_id],
            )
            for one in self.tenants
        ]

    def tenant_rows(self, table: str, what: str = "*", where: str = "true") -> list[Row]:
        """Rows of one of our tables that belong to the tenants of this run."""
        ids = [one.tenant_id for one in self.tenants]
        statement = f"SELECT {what} FROM {table} WHERE tenant_id = ANY(%s) AND {where} ORDER BY id"
        return self.query(statement, ids)

    def slug(self, tenant_id: int) -> str:
        """A tenant's name in messages."""
        names = {one.tenant_id: one.slug for one in self.tenants}
        return names.get(tenant_id, f"tenant {tenant_id}")


@dataclass
class Pair:
    """One tenant's books at both vendors, indexed."""

    of: Connected
    freshbooks: Row
    stripe: Row

    @cached_property
    def twins(self) -> dict[int, list[Row]]:
        """FreshBooks invoice id -> every Stripe invoice that names it, oldest first."""
        found: dict[int, list[Row]] = {}
        for row in self.stripe.get("invoices", []):
            named = row["metadata"].get("fb_invoice_id", "")
            if named.isdigit():
                found.setdefault(int(named), []).append(row)
        return found

    @cached_property
    def payments(self) -> dict[int, list[Row]]:
        """FreshBooks invoice id -> its FreshBooks payments, deleted ones included."""
        found: dict[int, list[Row]] = {}
        for row in self.freshbooks["payments"]:
            found.setdefault(row["invoiceid"], []).append(row)
        return found

    @cached_property
    def invoices(self) -> dict[int, Row]:
        """FreshBooks invoices by id."""
        return {row["id"]: row for row in self.freshbooks["invoices"]}

    @cached_property
    def stripe_payments(self) -> dict[str, list[Row]]:
        """Stripe invoice id -> its settled InvoicePayments of real Stripe money."""
        found: dict[str, list[Row]] = {}
        for row in self.stripe.get("invoice_payments", []):
            if row["status"] == "paid" and row["payment"].get("payment_intent"):
                found.setdefault(row["invoice"], []).append(row)
        return found

    def living(self, invoice_id: int) -> list[Row]:
        """The Stripe invoices of a FreshBooks invoice that stand."""
        return [row for row in self.twins.get(invoice_id, []) if row["status"] in ALIVE]

    def name(self, invoice_id: int) -> str:
        """An invoice in messages."""
        return f"{self.of.slug} invoice {invoice_id}"


ALIVE = frozenset({"draft", "open", "paid", "uncollectible"})
LIVE = 0  # FreshBooks' vis_state of a record that counts
DELETED = 1


def read_requests(path: Path) -> list[Request]:
    """The record file of the simulators."""
    return [as_request(row) for row in read_lines(path)]


def read_lines(path: Path) -> Iterator[Row]:
    """A file of one JSON object per line; nothing if there is none."""
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def as_request(row: Row) -> Request:
    """One line of the record."""
    return Request(
        vendor=row["vendor"],
        method=row["method"],
        path=row["path"],
        query=row["query"],
        headers=row["headers"],
        body=row.get("json", row.get("form")),
        status=row["status"],
        at=row["at"],
        credential=row.get("credential", ""),
    )
