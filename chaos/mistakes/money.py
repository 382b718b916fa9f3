"""Mistakes about money and writes to the vendors."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from django.test.utils import override_settings

from chaos.deterministic.world import World
from chaos.mistakes.changing import replaced
from chaos.mistakes.drills import end, pay_with, send_with, sent
from chaos.mistakes.mistake import Mistake
from connector.errors import VendorRefused
from connector.idempotency import find_marker
from connector.money import Money
from connector.sync import payments, recording_guards
from connector.vendors.stripe import errors
from connector.vendors.stripe.api import StripeApi


@contextmanager
def _no_marker_look_up(_: World) -> Iterator[None]:
    with replaced(recording_guards, "find_by_marker", lambda *_: None):
        yield


@contextmanager
def _no_settle_time(_: World) -> Iterator[None]:
    with override_settings(PAYMENT_SETTLE_S=0), replaced(payments, "LOOKS", 1):
        yield


@contextmanager
def _automatic_key(_: World) -> Iterator[None]:
    right = StripeApi.write

    def wrong(self: StripeApi, *given: Any, **named: Any) -> Any:
        return right(self, *given, **{**named, "idempotency_key": str(uuid.uuid4())})

    with replaced(StripeApi, "write", wrong):
        yield


@contextmanager
def _refused_409(_: World) -> Iterator[None]:
    right = errors._refusal

    def wrong(status: int, body: errors.ErrorBody) -> Any:
        return (VendorRefused, body.code) if status == 409 else right(status, body)

    with replaced(errors, "_refusal", wrong):
        yield


@contextmanager
def _float_money(_: World) -> Iterator[None]:
    def wrong(cls: type[Money], text: str, currency: str) -> Money:
        return cls(int(float(text) * 100), currency)

    with replaced(Money, "from_decimal", classmethod(wrong)):
        yield


def _odd_amounts(world: World) -> None:
    sent(world, "19.99", "1.15")


def _exact(world: World) -> list[str]:
    """I08 with figures that no Money of ours has touched."""
    asked = {row["metadata"]["fb_invoice_id"]: row for row in world.shop.st_book()["invoices"]}
    found = []
    for row in world.shop.fb_book()["invoices"]:
        wanted = int(Decimal(row["amount"]["amount"]) * 100)
        twin = asked.get(str(row["id"]))
        if twin is None or twin["total"] != wanted:
            total = twin["total"] if twin else None
            found.append(f"I08 invoice {row['id']}: Stripe asks {total}, FreshBooks {wanted}")
    return found + end(world)


def _sent_once(world: World) -> list[str]:
    """I06: nobody took anything back, so no marker is in two payments, live or not."""
    notes = [row["note"] or "" for row in world.shop.fb_book()["payments"]]
    markers = Counter(find_marker(note) for note in notes)
    found = [
        f"I06 {count} payments were made with one marker" for count in markers.values() if count > 1
    ]
    return found + end(world)


MISTAKES = (
    Mistake(
        name="no marker look-up",
        what="An unanswered payment is sent again without looking for its marker.",
        make=_no_marker_look_up,
        drill=pay_with("timeout_done"),
        check=_sent_once,
    ),
    Mistake(
        name="no settle time",
        what="A payment that is not there at once is taken for never made.",
        make=_no_settle_time,
        drill=pay_with("late_commit"),
        check=_sent_once,
    ),
    Mistake(
        name="automatic key of the SDK",
        what="Each call to Stripe gets a random idempotency key.",
        make=_automatic_key,
        drill=send_with("timeout_done", "POST /v1/invoices"),
        check=end,
    ),
    Mistake(
        name="409 is a failure",
        what="A key in use counts as a refusal.",
        make=_refused_409,
        drill=send_with("key_in_use", "POST /v1/invoices"),
        check=end,
    ),
    Mistake(
        name="float money",
        what="Amounts go through float.",
        make=_float_money,
        drill=_odd_amounts,
        check=_exact,
    ),
)
