"""The rows that a statement is made of, streamed. Inside the tenant's scope.

Nothing is read invoice by invoice: each table is read once, in the order of the invoices, and the
streams are walked side by side (`Lane`), so memory does not grow with the ledger's age.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Max, Q

from connector import journal
from connector.models import CollectedPayment, InvoiceLink, MoneyFact

CHUNK = 2000
Kind = MoneyFact.Kind
_CREDITING = (Kind.CREDIT_NOTE, Kind.CREDIT_NOTE_VOIDED, Kind.BALANCE_APPLIED)
_SHARING = (Kind.REFUNDED, Kind.REFUND_FAILED)
_COLUMN: dict[str, str] = {
    **dict.fromkeys(journal.COLLECTING, "collected"),
    **dict.fromkeys(journal.RETURNING, "returned"),
    **dict.fromkeys(_CREDITING, "credited"),
    Kind.REPORTED: "reported",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceFact:
    """One fact of an invoice, as far as its sums need it."""

    currency: str
    column: str
    kind: str
    reference: str  # Stripe's payment, or FreshBooks' payment number
    amount: int
    at: datetime


class Lane:
    """A stream of rows that begin with an invoice's row id, in its order."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def take(self, invoice_pk: int) -> list[tuple[Any, ...]]:
        """The rows of this invoice; asked for in ascending order."""
        found = []
        while self._next is not None and self._next[0] <= invoice_pk:
            if self._next[0] == invoice_pk:
                found.append(self._next)
            self._next = next(self._rows, None)
        return found


def last_fact() -> int:
    """The newest fact there is: what comes after it is not looked at while a statement is made."""
    return MoneyFact.objects.aggregate(last=Max("pk"))["last"] or 0


def column_of(kind: str, *, ours: bool) -> str:
    """Which column of an invoice a fact moves; "" for none."""
    if kind in journal.RECORDING:
        return "recorded" if ours else "elsewhere"
    return _COLUMN.get(kind, "")


def loose_part(fact: dict[str, Any]) -> int:
    """What a fact adds to the money that stands for no invoice.

    A match moves money from there to an invoice. A refund that is larger than its part on the
    invoice gave back money that no invoice needed. Where all of a payment of several invoices went
    back, the refund itself names no invoice, and its parts on them are taken from it.
    """
    kind, amount = fact["kind"], int(fact["amount_minor"])
    if fact["invoice_id"] is None:
        return amount if kind in {Kind.STRAY, Kind.HELD, *journal.RETURNING} else 0
    if kind in {Kind.ALLOCATED, Kind.UNALLOCATED} or _is_share(fact):
        return -amount
    about = fact["about_minor"]
    if kind not in _SHARING or about is None:
        return 0
    sign = -1 if kind == Kind.REFUNDED else 1
    return sign * int(about) - amount


def _is_share(fact: dict[str, Any]) -> bool:
    return fact["kind"] in _SHARING and bool(fact["source_id"] == fact["payment_id"])


def invoice_rows() -> Iterator[dict[str, Any]]:
    """Every invoice that is known, in the order of its row."""
    rows = InvoiceLink.objects.order_by("pk").values(
        "pk",
        "freshbooks_invoice_id",
        "number",
        "client__name",
        "state",
        "currency",
        "issued_on",
        "due_on",
        "created_at",
        "freshbooks_vis_state",
        "freshbooks_status",
        "freshbooks_total_minor",
        "freshbooks_paid_minor",
        "freshbooks_outstanding_minor",
        "stripe_invoice_id",
        "stripe_status",
        "stripe_total_minor",
        "stripe_paid_minor",
        "stripe_remaining_minor",
    )
    return rows.iterator(chunk_size=CHUNK)


def facts_by_invoice(last: int) -> Lane:
    """All facts that move a column of an invoice, of any time."""
    rows = (
        MoneyFact.objects.filter(pk__lte=last, invoice__isnull=False)
        .order_by("invoice_id", "pk")
        .values_list(
            "invoice_id",
            "currency",
            "kind",
            "ours",
            "side",
            "payment_id",
            "source_id",
            "amount_minor",
            "happened_at",
        )
    )
    return Lane(rows.iterator(chunk_size=CHUNK))


def to_fact(row: tuple[Any, ...]) -> InvoiceFact:
    """One row of `facts_by_invoice`."""
    _, currency, kind, ours, side, payment, source, amount, at = row
    by_source = side == MoneyFact.Side.FRESHBOOKS
    return InvoiceFact(
        currency=currency,
        column=column_of(kind, ours=ours),
        kind=kind,
        reference=source if by_source else payment,
        amount=amount,
        at=at,
    )


def payments_by_invoice() -> Lane:
    """How the recording of each collected payment stands."""
    rows = CollectedPayment.objects.order_by("invoice_id", "pk").values_list(
        "invoice_id",
        "stripe_payment_intent_id",
        "stripe_charge_id",
        "recording",
        "freshbooks_payment_id",
        "refunds_unclear",
        "changed_by_person",
        "dispute_status",
        "undone",
        "written_minor",
        "freshbooks_amount_minor",
        "entered_by_hand__freshbooks_payment_id",
    )
    return Lane(rows.iterator(chunk_size=CHUNK))


FACT_FIELDS = (
    "kind",
    "side",
    "ours",
    "invoice_id",
    "amount_minor",
    "currency",
    "about_minor",
    "source_id",
    "payment_id",
    "presentment_minor",
    "presentment_currency",
    "settlement_minor",
    "settlement_currency",
    "exchange_rate",
    "fee_minor",
    "note",
    "happened_at",
    "seen_at",
)


def facts_between(start: datetime, end: datetime, last: int) -> Iterator[dict[str, Any]]:
    """The facts of the month in the order of time."""
    rows = MoneyFact.objects.filter(pk__lte=last, happened_at__gte=start, happened_at__lt=end)
    return (
        rows.order_by("happened_at", "pk")
        .values(
            *FACT_FIELDS, fb_id=F("invoice__freshbooks_invoice_id"), number=F("invoice__number")
        )
        .iterator(chunk_size=CHUNK)
    )


def loose_facts(before: datetime, last: int) -> Iterator[dict[str, Any]]:
    """The facts until then that may have moved money which stands for no invoice."""
    moves = (
        Q(invoice__isnull=True)
        | Q(kind__in=[Kind.ALLOCATED, Kind.UNALLOCATED])
        | Q(kind__in=_SHARING, source_id=F("payment_id"))
        | Q(kind__in=_SHARING, about_minor__isnull=False)
    )
    rows = MoneyFact.objects.filter(moves, pk__lte=last, happened_at__lt=before)
    return rows.order_by("payment_id", "pk").values(*FACT_FIELDS).iterator(chunk_size=CHUNK)
