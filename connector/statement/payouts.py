"""Payouts: what each deposit on the bank statement is made of. Inside the tenant's scope.

Everything here is in the settlement currency, as Stripe keeps its balance. A deposit belongs to the
month in which it arrives at the bank.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from connector.models import BalanceMovement, CollectedPayment, MoneyFact, Payout, StrayPayment
from connector.statement.reading import CHUNK
from connector.statement.records import BalanceLine, PayoutLine

GROUPS = ("gross", "fees", "refunds", "disputes", "reserves", "other")
PAYOUT_TYPES = frozenset(
    {"payout", "payout_cancel", "payout_failure", "payout_minimum_balance_hold"}
)
UNPAID = frozenset({"failed", "canceled"})
_GROUP = (
    dict.fromkeys(("charge", "payment"), "gross")
    | dict.fromkeys(
        (
            "refund",
            "payment_refund",
            "refund_failure",
            "payment_failure_refund",
            "partial_capture_reversal",
            "charge_failure",
        ),
        "refunds",
    )
    | dict.fromkeys(("dispute", "dispute_reversal", "issuing_dispute"), "disputes")
    | dict.fromkeys(
        ("stripe_fee", "stripe_fx_fee", "application_fee", "fee", "network_cost", "tax_fee", "tax"),
        "fees",
    )
    | dict.fromkeys(
        (
            "reserve_transaction",
            "reserved_funds",
            "reserve_hold",
            "reserve_release",
            "risk_reserved_funds",
        ),
        "reserves",
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What a balance movement came from: what the payer saw, and for which invoices."""

    amount: int
    currency: str
    invoices: str


def group_of(movement_type: str, category: str) -> str:
    """Which part of a payout a movement is; Stripe's category tells more than its type."""
    return _GROUP.get(category) or _GROUP.get(movement_type) or "other"


def read_payouts(first: date, after: date) -> tuple[PayoutLine, ...]:
    """The deposits that arrive from the first day until the day after the last."""
    payouts = list(
        Payout.objects.filter(arrives_on__gte=first, arrives_on__lt=after).order_by(
            "arrives_on", "pk"
        )
    )
    rows = BalanceMovement.objects.filter(
        payout_id__in=[payout.stripe_id for payout in payouts]
    ).exclude(type__in=PAYOUT_TYPES)
    lines: dict[str, list[BalanceLine]] = defaultdict(list)
    for payout_id, line in _lines(rows):
        lines[payout_id].append(line)
    return tuple(_payout(payout, lines[payout.stripe_id]) for payout in payouts)


def read_not_paid_out(before: datetime, after: date) -> tuple[BalanceLine, ...]:
    """What moved Stripe's balance until then and is in no deposit that has arrived by then."""
    on_its_way = Payout.objects.filter(Q(arrives_on__gte=after) | Q(status__in=UNPAID))
    waiting = ["", *on_its_way.values_list("stripe_id", flat=True)]
    rows = BalanceMovement.objects.filter(created_at__lt=before, payout_id__in=waiting).exclude(
        type__in=PAYOUT_TYPES
    )
    return tuple(line for _, line in _lines(rows))


def _payout(payout: Payout, lines: list[BalanceLine]) -> PayoutLine:
    net = sum(line.net for line in lines)
    return PayoutLine(
        id=payout.stripe_id,
        arrives_on=payout.arrives_on,
        status=payout.status,
        automatic=payout.automatic,
        currency=payout.currency,
        amount=payout.amount_minor,
        groups=groups_of(lines),
        net=net,
        rest=payout.amount_minor - net,
        why=_why(payout, payout.amount_minor - net),
        lines=tuple(lines),
    )


def groups_of(lines: Iterable[BalanceLine]) -> Mapping[str, int]:
    """Gross, less the fees, and so on: together the net."""
    sums = dict.fromkeys(GROUPS, 0)
    for line in lines:
        sums[line.group] += line.amount
        sums["fees"] -= line.fee
    return sums


def _why(payout: Payout, rest: int) -> str:
    if rest == 0:
        return ""
    if not payout.automatic:
        return "Asked for by hand: Stripe does not say which money it is made of."
    if payout.movements_read_at is None:
        return "What it is made of was not read yet."
    return "Stripe lists movements of another sum."


def _lines(rows: Any) -> Iterator[tuple[str, BalanceLine]]:
    found = list(rows.order_by("created_at", "pk").values(*_FIELDS).iterator(chunk_size=CHUNK))
    origins = _origins({row["source_id"] for row in found if row["source_id"]})
    for row in found:
        yield row["payout_id"], _line(row, origins.get(row["source_id"]))


_FIELDS = (
    "payout_id",
    "stripe_id",
    "created_at",
    "type",
    "reporting_category",
    "source_id",
    "currency",
    "amount_minor",
    "fee_minor",
    "net_minor",
    "exchange_rate",
    "description",
)


def _line(row: dict[str, Any], origin: Origin | None) -> BalanceLine:
    converted = origin if origin is not None and origin.currency != row["currency"] else None
    return BalanceLine(
        id=row["stripe_id"],
        at=row["created_at"],
        type=row["type"],
        group=group_of(row["type"], row["reporting_category"]),
        source=row["source_id"],
        invoices=origin.invoices if origin else "",
        currency=row["currency"],
        amount=row["amount_minor"],
        fee=row["fee_minor"],
        net=row["net_minor"],
        charged=None
        if converted is None
        else (1 if row["amount_minor"] >= 0 else -1) * converted.amount,
        charged_currency=converted.currency if converted else "",
        rate=rate_text(row["exchange_rate"]),
        description=row["description"],
    )


def rate_text(rate: Any) -> str:
    """An exchange rate without the zeros that the column adds."""
    if rate is None:
        return ""
    text = format(rate, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _origins(sources: set[str]) -> dict[str, Origin]:
    """By the source of a movement: charges of invoices, payments without, refunds, disputes.

    Asked for by thousands: the number of questions grows with the month, a thousandth as fast.
    """
    found: dict[str, Origin] = {}
    for part in batched(sorted(sources), 5000):
        found |= _origins_of(part)
    return found


def batched(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """The names in parts of at most this many."""
    for first in range(0, len(names), size):
        yield names[first : first + size]


def _origins_of(sources: Sequence[str]) -> dict[str, Origin]:
    found: dict[str, Origin] = {}
    strays = StrayPayment.objects.filter(charge_id__in=sources)
    for charge, amount, currency in strays.values_list("charge_id", "amount_minor", "currency"):
        found[charge] = Origin(amount=amount, currency=currency, invoices="")
    whole = set(found)
    facts = MoneyFact.objects.filter(source_id__in=sources, about_minor__isnull=False)
    for source, about, currency, number in facts.values_list(
        "source_id", "about_minor", "currency", "invoice__number"
    ):
        found[source] = Origin(amount=abs(about), currency=currency, invoices=number or "")
    charges = CollectedPayment.objects.filter(stripe_charge_id__in=sources).exclude(undone=True)
    for charge, amount, currency, number in charges.order_by("pk").values_list(
        "stripe_charge_id", "amount_minor", "currency", "invoice__number"
    ):
        known = found.get(charge)
        part = 0 if charge in whole else amount  # a matched payment was counted above
        found[charge] = Origin(
            amount=part + (known.amount if known else 0),
            currency=currency,
            invoices=f"{known.invoices}, {number}" if known and known.invoices else number,
        )
    return found
