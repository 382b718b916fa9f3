"""The journal of money: facts from both vendors, each kept once (ADR 7).

What is shown of an invoice's collection is derived from these facts, and can be made again from
them alone. Inside a scope; the caller holds its fence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum

from connector.models import InvoiceLink, MoneyFact
from connector.money import Money

Kind = MoneyFact.Kind
# What adds to, and takes from, the money that Stripe collected for an invoice.
COLLECTING = (Kind.COLLECTED, Kind.ALLOCATED, Kind.UNALLOCATED)
RETURNING = (Kind.REFUNDED, Kind.REFUND_FAILED, Kind.DISPUTE_LOST)
RECORDING = (
    Kind.PAYMENT,
    Kind.PAYMENT_CHANGED,
    Kind.PAYMENT_DELETED,
    Kind.PAYMENT_RESTORED,
)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One fact. `money` is signed: what it adds to the money on the invoice, in its currency.

    `key` says which fact it is; the same key is kept once, whoever tells it and however often.
    `invoice` is None for money that names no invoice of ours.
    """

    side: MoneyFact.Side
    kind: MoneyFact.Kind
    key: str
    source_id: str
    money: Money
    happened_at: datetime
    invoice: InvoiceLink | None = None
    payment_id: str = ""
    about: Money | None = None
    presentment: Money | None = None
    settlement: Money | None = None  # before the fee, in the currency of Stripe's balance
    fee: Money | None = None
    exchange_rate: Decimal | None = None  # as Stripe gave it: minor units x rate
    ours: bool = False
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Sums of one invoice's facts, in minor units of its currency.

    `collected` is all that Stripe took, `returned` the part of it that went back (positive);
    `recorded` are the living payments in FreshBooks that we made, `elsewhere` those of others, of
    which Stripe was told `reported`.
    """

    collected: int = 0
    returned: int = 0
    recorded: int = 0
    elsewhere: int = 0
    reported: int = 0


def keep(
    tenant_id: int, facts: Iterable[Fact], *, correlation_id: UUID | None = None
) -> list[MoneyFact]:
    """Keep the facts that are not known yet; answer those that were new."""
    rows = {fact.key: _row(tenant_id, fact, correlation_id) for fact in facts}
    known = set(MoneyFact.objects.filter(key__in=rows).values_list("key", flat=True))
    new = [row for key, row in rows.items() if key not in known]
    MoneyFact.objects.bulk_create(new, ignore_conflicts=True)
    return new


def _row(tenant_id: int, fact: Fact, correlation_id: UUID | None) -> MoneyFact:
    shown, settled, fee = fact.presentment, fact.settlement, fact.fee
    return MoneyFact(
        tenant_id=tenant_id,
        invoice=fact.invoice,
        side=fact.side,
        kind=fact.kind,
        key=fact.key[:200],
        source_id=fact.source_id[:80],
        payment_id=fact.payment_id[:80],
        amount_minor=fact.money.amount_minor,
        currency=fact.money.currency,
        about_minor=None if fact.about is None else fact.about.amount_minor,
        presentment_minor=None if shown is None else shown.amount_minor,
        presentment_currency="" if shown is None else shown.currency,
        settlement_minor=None if settled is None else settled.amount_minor,
        settlement_currency="" if settled is None else settled.currency,
        fee_minor=None if fee is None else fee.amount_minor,
        exchange_rate=fact.exchange_rate,
        ours=fact.ours,
        note=fact.note[:300],
        happened_at=fact.happened_at,
        correlation_id=correlation_id,
    )


def totals_of(invoice_ids: Iterable[int]) -> dict[int, Totals]:
    """Totals by invoice link id, from the facts alone, each in its invoice's currency."""
    sums: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    rows = MoneyFact.objects.filter(invoice_id__in=list(invoice_ids)).values_list(
        "invoice_id", "invoice__currency", "currency", "kind", "ours", "amount_minor"
    )
    for invoice_id, wanted, currency, kind, ours, amount in rows.iterator():
        name = _sum_of(kind, ours=ours)
        if invoice_id is not None and name and currency == wanted:
            sums[invoice_id][name] += -amount if name == "returned" else amount
    return {invoice_id: Totals(**found) for invoice_id, found in sums.items()}


def _sum_of(kind: str, *, ours: bool) -> str:
    if kind in COLLECTING:
        return "collected"
    if kind in RETURNING:
        return "returned"
    if kind in RECORDING:
        return "recorded" if ours else "elsewhere"
    return "reported" if kind == Kind.REPORTED else ""


def told_of(invoice_ids: Iterable[int]) -> dict[str, int]:
    """What Stripe was told of each payment elsewhere, by FreshBooks' number, from the facts alone."""
    rows = MoneyFact.objects.filter(invoice_id__in=list(invoice_ids), kind=Kind.REPORTED)
    sums = rows.order_by().values_list("payment_id").annotate(told=Sum("amount_minor"))
    return {number: int(told) for number, told in sums}
