"""What a statement is made of. Amounts are integer minor units of the currency beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

HELD = "held"  # the state of money that Stripe holds for a customer
FORMAT = "ml-connector-statement/1"
# The columns of an invoice. Stripe has `collected + returned + reported`, FreshBooks
# `recorded + elsewhere`; `credited` moves no money and stands beside them.
COLUMNS = ("collected", "returned", "reported", "recorded", "elsewhere", "credited")

Sums = Mapping[str, int]  # column -> minor units
ByCurrency = Mapping[str, int]  # currency -> minor units


def no_sums() -> dict[str, int]:
    """All columns at nothing."""
    return dict.fromkeys(COLUMNS, 0)


def difference(sums: Sums) -> int:
    """What Stripe counts as paid beyond what FreshBooks does."""
    return (
        sums["collected"]
        + sums["returned"]
        + sums["reported"]
        - sums["recorded"]
        - sums["elsewhere"]
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """A part of a difference and its reason. `kind` is a key of `explaining.KINDS`."""

    kind: str
    amount: int
    payment: str  # Stripe's payment or FreshBooks' payment number


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceLine:
    """One invoice in one currency: `closing` is `opening` and `moved` together.

    `later` moved after the month, until the statement was made. The figures of both vendors are
    what they said last, None where they are not known or are in another currency.
    """

    invoice: int  # FreshBooks' id
    number: str
    client: str
    currency: str
    issued_on: date | None
    due_on: date | None
    stripe_invoice: str
    opening: Sums
    moved: Sums
    closing: Sums
    later: Sums
    difference: int
    explained: tuple[Explanation, ...]
    unexplained: int
    freshbooks_status: str
    freshbooks_total: int | None
    freshbooks_paid: int | None
    freshbooks_outstanding: int | None
    stripe_status: str
    stripe_total: int | None
    stripe_paid: int | None
    stripe_remaining: int | None
    freshbooks_unknown: int  # paid in FreshBooks by its own word, beyond the payments known here


@dataclass(frozen=True, kw_only=True, slots=True)
class Movement:
    """One fact of the month. `column` says what it moves, "" nothing; `loose` moves unmatched money."""

    at: datetime
    seen_at: datetime
    side: str
    kind: str
    invoice: int | None
    number: str
    column: str
    amount: int
    loose: int
    currency: str
    about: int | None
    source: str
    payment: str
    presentment: int | None
    presentment_currency: str
    settlement: int | None
    settlement_currency: str
    rate: str
    fee: int | None
    ours: bool
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LooseLine:
    """Stripe's money of one payment that stands for no invoice."""

    payment: str
    currency: str
    payer: str
    state: str
    reason: str
    opening: int
    moved: int
    closing: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceLine:
    """One movement of Stripe's balance: `amount` - `fee` = `net`, in the settlement currency."""

    id: str
    at: datetime
    type: str
    group: str  # one of `payouts.GROUPS`
    source: str
    invoices: str
    currency: str
    amount: int
    fee: int
    net: int
    charged: int | None  # what the payer was charged, where that was another currency
    charged_currency: str
    rate: str
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PayoutLine:
    """One deposit: `groups` sum up to `net`; `rest` is what the deposit has beyond it."""

    id: str
    arrives_on: date
    status: str
    automatic: bool
    currency: str
    amount: int
    groups: Mapping[str, int]
    net: int
    rest: int
    why: str  # why there is a rest
    lines: tuple[BalanceLine, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenDifference:
    """A discrepancy that was open when the month ended and is not closed yet, or closed later."""

    kind: str
    subject: str
    number: str
    severity: str
    currency: str
    freshbooks: int | None
    stripe: int | None
    explanation: str
    step: str
    owner: str
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TotalLine:
    """The sums of one currency."""

    currency: str
    invoices: int
    opening: Sums
    moved: Sums
    closing: Sums
    later: Sums
    difference: int
    explained: ByCurrency  # by kind
    unexplained: int
    loose_opening: int
    loose_moved: int
    loose_closing: int
    loose_held: int  # of the closing: bank transfers that Stripe holds for customers
    freshbooks_total: int
    freshbooks_paid: int
    freshbooks_outstanding: int
    stripe_total: int
    stripe_paid: int
    stripe_remaining: int
    freshbooks_unknown: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """The statement of one tenant's month."""

    tenant: str
    tenant_name: str
    month: str
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    payment_mode: str
    exponents: Mapping[str, int]
    invoices: tuple[InvoiceLine, ...]
    movements: tuple[Movement, ...]
    unmatched: tuple[LooseLine, ...]
    payouts: tuple[PayoutLine, ...]
    not_paid_out: tuple[BalanceLine, ...]
    totals: tuple[TotalLine, ...]
    open_differences: tuple[OpenDifference, ...]
    control: Mapping[str, ByCurrency]  # sums of the figures that nothing else adds up

    def plain(self) -> dict[str, Any]:
        """As JSON types: integers, texts, lists; times in ISO 8601, UTC."""
        return {"format": FORMAT, **plain(self)}


def plain(value: Any) -> Any:
    """A record as JSON types."""
    if isinstance(value, (str, int, type(None))):
        return value
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return {name: plain(getattr(value, name)) for name in _names(type(value))}


_NAMES: dict[type, tuple[str, ...]] = {}


def _names(kind: type) -> tuple[str, ...]:
    if kind not in _NAMES:
        _NAMES[kind] = tuple(field.name for field in fields(kind))
    return _NAMES[kind]
