"""What FreshBooks is known to answer: the shapes of its published samples and captured bodies.

FreshBooks publishes no schema. Of several bodies of one record, what all have is required, what
any has is allowed, with the types that were seen; what they only ever show as null may be anything.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.core.vendor import Request

ACCOUNTING = r"/accounting/account/\w+"
ANY = "*"
"""Stands for every key of an object whose keys are ids."""


@dataclass
class Shape:
    """Types seen at one place, and for objects and lists what was seen inside."""

    types: set[type] = field(default_factory=set)
    fields: dict[str, "Shape"] = field(default_factory=dict)
    required: set[str] | None = None
    items: "Shape | None" = None

    def learn(self, value: Any) -> None:
        """One more body."""
        if value is None:
            return
        self.types.add(type(value))
        if isinstance(value, dict):
            named = {name for name, inner in value.items() if name not in OPTIONAL}
            self.required = named if self.required is None else self.required & named
            for name, inner in value.items():
                self.fields.setdefault(name, Shape()).learn(inner)
        elif isinstance(value, list):
            self.items = self.items or Shape()
            for item in value:
                self.items.learn(item)

    def problems(self, value: Any, where: str = "") -> list[str]:
        """Where a value is other than what was seen."""
        if value is None or not self.types:
            return []
        if type(value) not in self.types:
            return [f"{where}: {value!r:.60} has a type that was never seen there"]
        if isinstance(value, list):
            items = self.items or Shape()
            return [text for item in value for text in items.problems(item, f"{where}[]")]
        return self._inside(value, where) if isinstance(value, dict) else []

    def _inside(self, value: dict[str, Any], where: str) -> list[str]:
        if ANY in self.fields:
            return [t for one in value.values() for t in self.fields[ANY].problems(one, where)]
        if not self.fields:
            return []
        found = [f"{where}.{name} is missing" for name in (self.required or set()) - set(value)]
        found += [f"{where}.{name} is unknown" for name in set(value) - set(self.fields)]
        for name in set(value) & set(self.fields):
            found += self.fields[name].problems(value[name], f"{where}.{name}")
        return sorted(found)


# Only there if asked for ("include"), or depending on a question that is open.
OPTIONAL = frozenset(
    {
        *("lines", "presentation", "allowed_gateways", "direct_links", "owner", "contacts"),
        *("outstanding_balance", "credit_balance", "draft_balance", "overdue_balance"),
        *("grand_total_balance", "last_activity", "late_reminders", "late_fee", "system"),
        *("version", "uuid", "id_token", "state", "test_amount"),
    }
)


@dataclass(frozen=True)
class Answer:
    """A call, and the bodies that show what it answers."""

    path: str
    samples: tuple[str, ...]
    wraps: tuple[str, str]
    """What a single record and a list of them stand under."""
    named: tuple[str, ...] = ()
    """Fields that the documentation names, and no sample shows."""


ANSWERS = (
    Answer(
        rf"{ACCOUNTING}/users/clients(/\d+)?",
        ("client", "client_created_with_email_only", "clients_page"),
        ("client", "clients"),
        ("uuid", "credit_balance", "draft_balance", "overdue_balance", "outstanding_balance"),
    ),
    Answer(
        rf"{ACCOUNTING}/invoices/invoices(/\d+)?",
        ("invoice", "invoices_page", "invoice_every_include"),
        ("invoice", "invoices"),
        ("email",),
    ),
    Answer(
        rf"{ACCOUNTING}/payments/payments(/\d+)?",
        ("payment", "payments_page", "payment_created_overpaying", "payment_deleted"),
        ("payment", "payments"),
        ("client", "invoice"),
    ),
    Answer(
        r"/events/account/\w+/events/callbacks(/\d+)?",
        ("callback", "callbacks_page", "callbacks_empty"),
        ("callback", "callbacks"),
    ),
)
WHOLE = {
    r"/payments/account/\w+/invoice/\d+/payment_options": "payment_options",
    r"/payments/account/\w+/gateway": "gateway_connections",
    r"(/service)?/auth/oauth/token": "token",
    r"(/service)?/auth/api/v1/users/me": "users_me",
}
PAGING = {"page", "pages", "per_page", "total"}


class FreshBooksContract:
    """The shapes of all answers and webhooks that there are bodies of."""

    def __init__(self, samples: Path) -> None:
        self._samples = samples
        self._records = {one.path: self._record_shape(one) for one in ANSWERS}
        self._whole = {path: learned([self._body(name)]) for path, name in WHOLE.items()}
        self._refusals = [
            learned([body])
            for file in sorted((samples / "errors").glob("*.json"))
            for body in bodies(json.loads(file.read_text(encoding="utf-8")))
        ]
        deliveries = json.loads((samples / "callbacks_signed.json").read_text(encoding="utf-8"))
        signed = [json.loads(one["signed_text"]) for one in deliveries]
        self._webhook_fields = {name for one in signed for name in one}

    def of_answer(self, request: Request, status: int, body: Any) -> list[str]:
        """What is wrong with an answer; nothing where no sample of such a call is known."""
        if status >= 400 or _is_refusal(body):
            return self._of_refusal(body)
        for path, shape in self._whole.items():
            if re.fullmatch(path, request.path):
                return shape.problems(body)
        for one in ANSWERS:
            if re.fullmatch(one.path, request.path):
                return self._of_records(one, body)
        return []

    def of_webhook(self, body: Any) -> list[str]:
        """What is wrong with the form fields of a delivery."""
        missing = {"name", "object_id"} - set(body)
        return sorted(
            [f"{name} is missing" for name in missing]
            + [f"{name} is unknown" for name in set(body) - self._webhook_fields]
        )

    def _of_refusal(self, body: Any) -> list[str]:
        found = [shape.problems(_with_listed_errors(body)) for shape in self._refusals]
        return [] if [] in found else [f"no known form of a refusal: {min(found, key=len)[:3]}"]

    def _of_records(self, one: Answer, body: Any) -> list[str]:
        result = body.get("response", {}).get("result") if isinstance(body, dict) else None
        if result is None:
            return [] if body == {"response": {}} else ["no response.result"]
        single, several = one.wraps
        if set(result) == {single}:
            return self._records[one.path].problems(result[single])
        if set(result) != {several, *PAGING}:
            return [f"result has {sorted(result)}"]
        return [text for row in result[several] for text in self._records[one.path].problems(row)]

    def _record_shape(self, one: Answer) -> Shape:
        single, several = one.wraps
        results = [self._body(name)["response"]["result"] for name in one.samples]
        shape = learned([row for got in results for row in got.get(several) or [got.get(single)]])
        shape.fields |= {name: Shape() for name in one.named}
        return shape

    def _body(self, name: str) -> Any:
        body = json.loads((self._samples / f"{name}.json").read_text(encoding="utf-8"))
        body = body.get("body", body)
        if name == "token":
            body["direct_buy_tokens"] = None  # seen beside the documented fields
        return keyed_by_account(body) if name == "users_me" else body


def learned(values: Iterable[Any]) -> Shape:
    """The shape of these bodies."""
    shape = Shape()
    for value in values:
        shape.learn(value)
    return shape


def bodies(content: Any) -> list[Any]:
    """The bodies in one file of refusals: one, or a list, some with their HTTP status beside."""
    found = content if isinstance(content, list) else [content]
    return [one.get("body", one) for one in found]


def keyed_by_account(person: Any) -> Any:
    """users/me with any account's id as key where the sample has its own."""
    for name in ("permissions", "subscription_statuses"):
        inner = person["response"][name]
        person["response"][name] = {ANY: next(iter(inner.values()))}
    return person


def _is_refusal(body: Any) -> bool:
    """Also under HTTP 200."""
    if not isinstance(body, dict):
        return False
    inner = body.get("response", {})
    return {"code", "details"} <= set(body) or (isinstance(inner, dict) and "errors" in inner)


def _with_listed_errors(body: Any) -> Any:
    """Whether `errors` is a list or a single object is an open question."""
    inner = body.get("response") if isinstance(body, dict) else None
    if isinstance(inner, dict) and isinstance(inner.get("errors"), dict):
        return {"response": {"errors": [inner["errors"]]}}
    return body
