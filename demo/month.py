"""The month that is played through: which invoices, and what becomes of each. Pure, from a seed.

Every business has the same mix of fates; clients, lines, amounts and dates come from the seed. The
totals are computed here by FreshBooks' rules, so that both vendors' books are held against figures
that neither of them made.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from demo.people import CABINET_CLIENTS, CABINET_WORK, STUDIO_CLIENTS, STUDIO_WORK, Client


class Fate(StrEnum):
    """What becomes of an invoice."""

    UNPAID = "sent, not paid yet"
    PAID_BEFORE = "cheque before connecting"
    PART_BEFORE = "cheque before, rest card"
    PAID = "paid by card"
    PART_PAID = "part paid by card"
    TWO_PARTS = "card, in two parts"
    CHEQUE = "cheque for all of it"
    CHEQUE_PART = "cheque for a part"
    CHEQUE_THEN_CARD = "cheque, rest by card"
    EDITED = "changed after sending"
    EDITED_THEN_PAID = "changed, then paid"
    DRAFT = "still a draft"
    DRAFT_THEN_SENT = "draft, sent later, paid"
    DELETED = "deleted unpaid"
    BANK_DEBIT = "bank debit, settled later"
    REFUND_PART = "card, a part refunded"
    REFUND_ALL = "card, all of it refunded"
    DISPUTE = "card, then disputed"
    DISPUTE_LOST = "card, lost to a dispute"
    TOO_SMALL = "below Stripe's minimum"
    NO_EMAIL = "client without e-mail"
    LOST_CREATION = "its webhook was lost"
    LOST_PAYMENT = "payment's webhooks lost"
    DOUBLE_PAYMENT = "payment's webhooks twice"
    UNANSWERED = "FreshBooks' answer lost"


# Before the tenant connects, and after it is live; one entry for each invoice.
HISTORY = (
    *(Fate.UNPAID,) * 2,
    *(Fate.PAID,) * 5,
    Fate.PAID_BEFORE,
    Fate.PART_BEFORE,
    Fate.DRAFT,
)
LIVE = (
    Fate.UNPAID,
    *(Fate.PAID,) * 2,
    *(Fate.PART_PAID,) * 2,
    *(Fate.TWO_PARTS,) * 2,
    Fate.CHEQUE,
    Fate.CHEQUE_PART,
    Fate.CHEQUE_THEN_CARD,
    Fate.EDITED,
    Fate.EDITED_THEN_PAID,
    Fate.DRAFT_THEN_SENT,
    Fate.DELETED,
    Fate.BANK_DEBIT,
    Fate.REFUND_PART,
    Fate.REFUND_ALL,
    Fate.DISPUTE,
    Fate.DISPUTE_LOST,
    Fate.TOO_SMALL,
    Fate.NO_EMAIL,
    Fate.LOST_CREATION,
    Fate.LOST_PAYMENT,
    Fate.DOUBLE_PAYMENT,
    Fate.UNANSWERED,
)

# Name and percent of each tax, in the order FreshBooks adds them.
TAXES: dict[str, tuple[tuple[str, str], ...]] = {
    "ontario": (("HST", "13"),),
    "quebec": (("GST", "5"), ("QST", "9.975")),
    "columbia": (("GST", "5"), ("PST", "7")),
    "vermont": (("VT sales tax", "6"),),
    "maine": (("ME sales tax", "5.5"),),
    "texas": (("TX sales tax", "8.25"),),
    "newyork": (("NYC sales tax", "8.875"),),
    "germany": (("USt", "19"),),
    "france": (("TVA", "20"),),
    "spain": (("IVA", "21"),),
    "britain": (("VAT", "20"),),
    "australia": (("GST", "10"),),
    "japan": (("消費税", "10"),),
    "none": (),
}
QUANTITIES = ("1", "1", "2", "3", "12", "1.5", "0.25", "2.75", "7.5")
MINOR_DIGITS = {"JPY": 0}
YEN_PER_UNIT = 140


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of an invoice. Amounts are decimal texts, as people type them."""

    name: str
    quantity: str
    unit_cost: str
    taxes: tuple[tuple[str, str], ...]

    def as_freshbooks(self, currency: str) -> dict[str, object]:
        """The line in FreshBooks' field names."""
        line: dict[str, object] = {
            "name": self.name,
            "qty": self.quantity,
            "unit_cost": {"amount": self.unit_cost, "code": currency},
        }
        for which, (name, percent) in enumerate(self.taxes, start=1):
            line[f"taxName{which}"], line[f"taxAmount{which}"] = name, percent
        return line


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """One invoice to be written, and its fate."""

    key: str
    fate: Fate
    client: int
    currency: str
    days_ago: int
    due_days: int
    discount: str
    lines: tuple[Line, ...]

    def total_minor(self) -> int:
        """What it comes to: discount before tax, each line's taxes rounded by themselves."""
        left = 1 - Decimal(self.discount) / 100
        subtotal = tax = Decimal(0)
        for line in self.lines:
            amount = self._round(Decimal(line.quantity) * Decimal(line.unit_cost))
            subtotal += amount
            for _, percent in line.taxes:
                tax += self._round(amount * left * Decimal(percent) / 100)
        discount = self._round(subtotal * Decimal(self.discount) / 100)
        return int((subtotal - discount + tax).scaleb(digits(self.currency)))

    def changed(self) -> Invoice:
        """The invoice after the edit: one hour or piece more on its first line."""
        first = self.lines[0]
        more = replace(first, quantity=str(Decimal(first.quantity) + 1))
        return replace(self, lines=(more, *self.lines[1:]))

    def _round(self, amount: Decimal) -> Decimal:
        return amount.quantize(Decimal(1).scaleb(-digits(self.currency)), ROUND_HALF_UP)


@dataclass(frozen=True, kw_only=True)
class BusinessPlan:
    """One tenant: who it is, what it chose, its clients and its month."""

    name: str
    slug: str
    mode: str
    owner: str
    owner_email: str
    country: str
    currency: str
    time_zone: str
    clients: tuple[Client, ...]
    history: tuple[Invoice, ...]
    live: tuple[Invoice, ...]

    @property
    def invoices(self) -> tuple[Invoice, ...]:
        """All of them, in the order they are written."""
        return self.history + self.live


def plan_month(seed: int) -> tuple[BusinessPlan, BusinessPlan]:
    """Both businesses. The same seed gives the same month, to the cent."""
    cabinets = _business(
        seed,
        BusinessPlan(
            name="Maple Ridge Cabinets",
            slug="maple-ridge",
            mode="record",
            owner="Dana",
            owner_email="dana@mapleridge.example",
            country="CA",
            currency="CAD",
            time_zone="America/Toronto",
            clients=CABINET_CLIENTS,
            history=(),
            live=(),
        ),
        CABINET_WORK,
    )
    studio = _business(
        seed,
        BusinessPlan(
            name="Blue Harbor Studio",
            slug="blue-harbor",
            mode="observe",
            owner="Ellis",
            owner_email="ellis@blueharbor.example",
            country="US",
            currency="USD",
            time_zone="America/New_York",
            clients=STUDIO_CLIENTS,
            history=(),
            live=(),
        ),
        STUDIO_WORK,
    )
    return cabinets, studio


def digits(currency: str) -> int:
    """Decimal places of a currency of the demo."""
    return MINOR_DIGITS.get(currency, 2)


def _business(seed: int, plan: BusinessPlan, work: tuple[tuple[str, int], ...]) -> BusinessPlan:
    source = random.Random(f"{seed} {plan.slug}")
    fates = [*HISTORY, *LIVE]
    # Older invoices first, as their numbers will say; the history ends before the live part begins.
    ages = sorted((source.randint(4, 30) for _ in HISTORY), reverse=True)
    ages += sorted((source.randint(0, 3) for _ in LIVE), reverse=True)
    invoices = [
        _invoice(source, plan, work, fate=fate, number=number, days_ago=age)
        for number, (fate, age) in enumerate(zip(fates, ages, strict=True), start=1)
    ]
    count = len(HISTORY)
    return replace(plan, history=tuple(invoices[:count]), live=tuple(invoices[count:]))


def _invoice(
    source: random.Random,
    plan: BusinessPlan,
    work: tuple[tuple[str, int], ...],
    *,
    fate: Fate,
    number: int,
    days_ago: int,
) -> Invoice:
    index = _client_for(source, plan, fate, number)
    client = plan.clients[index]
    small = fate == Fate.TOO_SMALL
    lines = (
        (Line(name="Postage", quantity="1", unit_cost="0.35", taxes=()),)
        if small
        else tuple(_line(source, client, work) for _ in range(source.randint(1, 4)))
    )
    return Invoice(
        key=f"{plan.slug}/{number:02}",
        fate=fate,
        client=index,
        currency=client.currency,
        days_ago=days_ago,
        due_days=source.choice((14, 30, 30, 45)),
        discount="0" if small else source.choice(("0", "0", "0", "10", "2.5")),
        lines=lines,
    )


def _client_for(source: random.Random, plan: BusinessPlan, fate: Fate, number: int) -> int:
    """Whose invoice it is: everybody gets some, but certain fates need certain clients."""
    with_email = [index for index, client in enumerate(plan.clients) if client.email]
    if fate == Fate.NO_EMAIL:
        return next(index for index, client in enumerate(plan.clients) if not client.email)
    if fate == Fate.TOO_SMALL:
        return next(i for i in with_email if plan.clients[i].currency == plan.currency)
    if fate == Fate.BANK_DEBIT:
        debits = [i for i in with_email if plan.clients[i].currency == "USD"]
        return source.choice(debits)
    return with_email[number % len(with_email)]


def _line(source: random.Random, client: Client, work: tuple[tuple[str, int], ...]) -> Line:
    name, price = source.choice(work)
    if digits(client.currency) == 0:
        cost = str(price * YEN_PER_UNIT)
    else:
        cost = f"{price}.{source.choice(('00', '00', '50', '95'))}"
    return Line(
        name=name,
        quantity=source.choice(QUANTITIES),
        unit_cost=cost,
        taxes=TAXES[client.tax],
    )
