"""The book of one Stripe account in one mode: its keys, objects, mails, answers and alarms."""

import heapq
import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe.types import Obj

# Kinds that the state always shows, be they empty.
KINDS = (
    *("customer", "invoice", "invoice_payment", "payment_intent", "charge", "refund", "dispute"),
    *("credit_note", "payment_record", "event", "webhook_endpoint", "balance_transaction"),
)


@dataclass
class ApiKey:
    """A secret or restricted key."""

    secret: str
    permissions: frozenset[str] | None = None
    """None for a secret key, which may do everything."""
    status: str = "active"
    """active, revoked or expired."""

    def allows(self, slug: str) -> bool:
        """Whether the key may do this; write includes read."""
        if self.permissions is None or slug in self.permissions:
            return True
        return slug.endswith("_read") and slug.removesuffix("_read") + "_write" in self.permissions

    def masked(self) -> str:
        """The key as error texts show it."""
        head = "_".join(self.secret.split("_")[:2])
        return f"{head}_{'*' * 20}{self.secret[-4:]}"


@dataclass
class StoredAnswer:
    """The answer kept for an idempotency key."""

    fingerprint: str
    status: int
    body: str
    at: float


@dataclass
class Account:
    """One account in one mode. A live and a test account of one id share nothing else."""

    id: str
    name: str
    email: str
    country: str
    default_currency: str
    livemode: bool
    created: int
    default_version: str
    keys: list[ApiKey] = field(default_factory=list)
    tables: dict[str, dict[str, Obj]] = field(default_factory=dict)
    by_id: dict[str, Obj] = field(default_factory=dict)
    lines: dict[str, list[Obj]] = field(default_factory=dict)
    """Invoice or credit note id -> its lines, in the order they are answered."""
    payments_of: dict[str, list[Obj]] = field(default_factory=dict)
    """Id of an invoice, payment intent or payment record -> its invoice payments."""
    pending_items: dict[str, Obj] = field(default_factory=dict)
    """Invoice items that wait for an invoice."""
    numbered: dict[str, list[Obj]] = field(default_factory=dict)
    """Invoice number -> the invoices that have or had it."""
    emails: list[Obj] = field(default_factory=list)
    answers: dict[str, StoredAnswer] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    """Idempotency keys of requests that are being executed."""
    alarms: list[tuple[float, int, str, str]] = field(default_factory=list)
    broken_writes: list[str] = field(default_factory=list)
    """For each coming write, whether it ends in a 500 "before" or "after" it was done."""
    alarm_count: int = 0

    def table(self, kind: str) -> dict[str, Obj]:
        """All objects of a kind, oldest first."""
        return self.tables.setdefault(kind, {})

    def add(self, obj: Obj) -> Obj:
        """Keep a new object."""
        self.table(obj["object"])[obj["id"]] = obj
        self.by_id[obj["id"]] = obj
        return obj

    def drop(self, obj: Obj) -> None:
        """Forget an object."""
        self.table(obj["object"]).pop(obj["id"], None)
        self.by_id.pop(obj["id"], None)
        self.pending_items.pop(obj["id"], None)

    def set_alarm(self, at: float, task: str, object_id: str) -> None:
        """Have something done at a moment of the sandbox clock."""
        self.alarm_count += 1
        heapq.heappush(self.alarms, (at, self.alarm_count, task, object_id))

    def due_alarm(self, now: float) -> tuple[str, str] | None:
        """Take out the next alarm whose moment has come."""
        if not self.alarms or self.alarms[0][0] > now:
            return None
        _at, _number, task, object_id = heapq.heappop(self.alarms)
        return task, object_id

    def describe(self) -> Obj:
        """Everything, for the control API."""
        described: Obj = {
            "id": self.id,
            "name": self.name,
            "livemode": self.livemode,
            "country": self.country,
            "default_currency": self.default_currency,
            "keys": [
                {
                    "secret": key.secret,
                    "status": key.status,
                    "permissions": None if key.permissions is None else sorted(key.permissions),
                }
                for key in self.keys
            ],
            "emails": self.emails,
            "idempotency_keys": {key: answer.status for key, answer in self.answers.items()},
            "lines": self.lines,
        }
        for kind in (*KINDS, *self.tables):
            described[plural(kind)] = list(self.table(kind).values())
        described["events"] = [short_event(event) for event in self.table("event").values()]
        return described


def short_event(event: Obj) -> Obj:
    """Show of an event what happened to which object, but not the whole object."""
    data = json.loads(event["_data"])
    about = {key: data["object"].get(key) for key in ("id", "object")}
    return {**public(event), "data": {**data, "object": about}}


def plural(kind: str) -> str:
    """Name a table in the state, e.g. `customers`."""
    return kind.replace(".", "_") + "s"


SCALARS = frozenset({str, int, bool, type(None)})


def copied(value: Any) -> Any:
    """Copy JSON; much faster than copy.deepcopy, and called for every answer and event."""
    if isinstance(value, dict):
        return {k: v if v.__class__ in SCALARS else copied(v) for k, v in value.items()}
    if isinstance(value, list):
        return [v if v.__class__ in SCALARS else copied(v) for v in value]
    return value


def public(obj: Obj) -> Obj:
    """Copy an object without the simulator's own notes."""
    return {
        key: value if value.__class__ in SCALARS else copied(value)
        for key, value in obj.items()
        if key[0] != "_"
    }
