"""Holds requests of the product to FreshBooks against what FreshBooks documents.

FreshBooks ignores a filter, an include or a field that it does not know without a word, so a typing
mistake would only show at a real customer. Nothing may be written but payments and callbacks, and
no body may carry anything that looks like an invoice's status.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from tests.conformance.freshbooks_contract import (
    CALLBACK_EVENTS,
    OPERATIONS,
    PAYMENT_TYPES,
    Operation,
)
from tests.conformance.record import FRESHBOOKS, Sent, product_requests, unprintable

MAX_PER_PAGE = 100
_AMOUNT = re.compile(r"\d{1,12}(\.\d{1,4})?", re.ASCII)


def violations(record: Path) -> list[str]:
    """What is wrong with any FreshBooks request of the product in this record; empty if nothing."""
    found = [
        f"{sent.name}: {problem}"
        for sent in product_requests(record, FRESHBOOKS)
        for problem in problems(sent)
    ]
    return list(dict.fromkeys(found))


def problems(sent: Sent) -> list[str]:
    """What is wrong with one request."""
    operation = next(
        (
            one
            for one in OPERATIONS
            if one.method == sent.method and re.fullmatch(one.path, sent.path)
        ),
        None,
    )
    if operation is None:
        return ["no documented call"]
    return [
        *_query(sent, operation),
        *_form(sent, operation),
        *_body(sent, operation),
        *_statuses(sent.body),
        *unprintable(sent.body, "body"),
    ]


def _query(sent: Sent, operation: Operation) -> Iterator[str]:
    for key, value in sent.query.items():
        search = re.fullmatch(r"search\[([a-z_]+)\](\[\])?", key)
        if search:
            name = search[1] + (search[2] or "")
            if name not in operation.search:
                yield f"{key} is no documented filter"
            elif name.startswith(("updated_", "date_")) and not _is_day(value):
                yield f"{key} takes a whole day, not {value!r}"
        elif key == "include[]":
            wanted = set(value if isinstance(value, list) else [value])
            yield from (f"unknown include {one!r}" for one in sorted(wanted - operation.includes))
        elif key in {"page", "per_page"} and operation.paged:
            highest = MAX_PER_PAGE if key == "per_page" else 10_000
            if not (str(value).isdigit() and 1 <= int(value) <= highest):
                yield f"{key}={value!r}"
        else:
            yield f"unknown parameter {key!r}"


def _form(sent: Sent, operation: Operation) -> Iterator[str]:
    if not operation.form:
        if sent.form is not None:
            yield "a form where none is taken"
        return
    form = sent.form or {}
    yield from (f"unknown field {key!r}" for key in sorted(set(form) - operation.form))
    needed = {"client_id", "client_secret"}
    if "/token" in sent.path:
        needed |= {"redirect_uri", "grant_type"}
        kinds = {
            "authorization_code": {"code"},
            "refresh_token": {"refresh_token"},
        }
        needed |= kinds.get(str(form.get("grant_type")), {"grant_type of a known kind"})
    yield from (f"{key} is missing" for key in sorted(needed - set(form)))


def _body(sent: Sent, operation: Operation) -> Iterator[str]:
    if not operation.wrapper:
        if sent.body is not None:
            yield "a body where none is taken"
        return
    if not isinstance(sent.body, dict) or set(sent.body) != {operation.wrapper}:
        yield f"the body is not {{{operation.wrapper!r}: ...}}"
        return
    fields = sent.body[operation.wrapper]
    yield from (f"{key!r} cannot be written" for key in sorted(set(fields) - operation.fields))
    if "vis_state" in fields and set(fields) != {"vis_state"}:
        yield "vis_state swallows every other field of a body"
    check = {"payment": _payment, "callback": _callback}[operation.wrapper]
    yield from check(sent.method, fields)


def _payment(method: str, fields: Mapping[str, Any]) -> Iterator[str]:
    if set(fields) == {"vis_state"}:
        if fields["vis_state"] not in {0, 1}:
            yield f"vis_state {fields['vis_state']!r}"
        return
    if fields.get("send_client_notification") is not False:
        yield "send_client_notification is not false: FreshBooks may e-mail the client"
    amount = fields.get("amount", {})
    if not isinstance(amount.get("amount"), str) or not _AMOUNT.fullmatch(amount["amount"]):
        yield f"the amount is {amount!r}, not a decimal text"
    if not re.fullmatch("[A-Z]{3}", str(amount.get("code"))):
        yield f"the currency is {amount.get('code')!r}"
    if method == "POST":
        yield from _new_payment(fields)


def _new_payment(fields: Mapping[str, Any]) -> Iterator[str]:
    missing = {"invoiceid", "date", "type", "note"} - set(fields)
    yield from (f"{key} is missing" for key in sorted(missing))
    if type(fields.get("invoiceid")) is not int:
        yield "invoiceid is no number"
    if not _is_day(fields.get("date")):
        yield f"date {fields.get('date')!r}"
    if fields.get("type") not in PAYMENT_TYPES:
        yield f"unknown payment type {fields.get('type')!r}"


def _callback(method: str, fields: Mapping[str, Any]) -> Iterator[str]:
    if method == "POST":
        if set(fields) != {"event", "uri"}:
            yield "a callback is registered with event and uri"
        if fields.get("event") not in CALLBACK_EVENTS:
            yield f"unknown event {fields.get('event')!r}"
    elif not {"verifier", "resend"} & set(fields):
        yield "a callback is changed by its verifier or by asking for it again"


def _statuses(value: Any) -> Iterator[str]:
    """Any key at any depth that speaks of a status: FreshBooks alone computes it."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if "status" in str(key) or str(key).startswith("action_"):
                yield f"{key!r} is FreshBooks' to say"
            yield from _statuses(item)
    elif isinstance(value, list):
        for item in value:
            yield from _statuses(item)


def _is_day(value: Any) -> bool:
    try:
        return date.fromisoformat(str(value)).isoformat() == str(value)
    except ValueError:
        return False
