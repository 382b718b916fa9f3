"""Random histories of the money of several invoices: what people, payers and banks do, in order.

A history is made from a seed alone, before anything is played, so that it is the same however the
news of it travel. What may happen next follows a small model of each invoice.

Some steps ask that everything before them was carried over, because their outcome rightly depends
on it: somebody can only change or delete the payment that we made once we made it; a cheque that is
deleted before Stripe was told of it is never reported, afterwards the report stands; an invoice that
is raised, voided or deleted before its payment was recorded leaves that payment to a person. They
are marked `settled`. No two amounts of an invoice are equal, because payments that could be twins
are left to a person, and which of two twins came first is a matter of timing as well. For the same
reason an overpayment is the last that happens to its invoice. And a cheque is not deleted once its
invoice was paid in full: the last of it that Stripe is told of marks the whole as paid, which cannot
be taken back, and which one was the last is a matter of timing too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

LEAST = 200  # minor units; Stripe takes no less than 50


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that happens. `thing` numbers the payment, refund or cheque; `of` what it refunds."""

    verb: str
    invoice: int
    thing: int = -1
    of: int = -1
    amount: int = 0
    settled: bool = False

    def __str__(self) -> str:
        mark = " (all carried over before)" if self.settled else ""
        return f"{self.verb} {self.thing} {self.amount} on invoice {self.invoice}{mark}"


@dataclass
class Paid:
    """A card payment or bank debit."""

    number: int
    amount: int
    state: str = "paid"  # processing, paid, failed
    dispute: str = ""  # open, won, lost
    refunds: dict[int, int] = field(default_factory=dict)
    touched: bool = False  # somebody changed or deleted our payment for it

    @property
    def kept(self) -> int:
        return 0 if self.dispute == "lost" else self.amount - sum(self.refunds.values())


@dataclass
class Invoice:
    """The model of one invoice: what may still happen to it."""

    number: int
    asks: int  # what Stripe asks for, first of all
    spent: int = 0  # of it: paid, under way, or reported from elsewhere
    paid: list[Paid] = field(default_factory=list)
    cheques: list[int] = field(default_factory=list)
    amounts: set[int] = field(default_factory=set)
    over: bool = False
    raised: bool = False
    filled: bool = False  # paid in full at some time

    def spend(self, amount: int) -> None:
        """Take it from what Stripe still asks for."""
        self.spent += amount
        self.filled |= self.spent == self.asks


class Author:
    """Writes one history."""

    def __init__(self, seed: int, invoices: int = 12) -> None:
        self._random = random.Random(seed)
        self._things = 0
        self.invoices = [
            Invoice(number, self._random.randrange(300_00, 900_00)) for number in range(invoices)
        ]

    def write(self, steps: int) -> list[Step]:
        """A history of so many steps."""
        history: list[Step] = []
        while len(history) < steps:
            invoice = self._random.choice([row for row in self.invoices if not row.over])
            verbs = list(VERBS)
            verb = self._random.choices(verbs, [VERBS[name] for name in verbs])[0]
            found = getattr(self, f"_{verb}")(invoice)
            if found is not None:
                history.append(found)
        return history

    # One method for each verb: the step, or None where it cannot happen -------------------------

    def _pay(self, invoice: Invoice) -> Step | None:
        return self._paying(invoice, "pay", "paid")

    def _debit(self, invoice: Invoice) -> Step | None:
        return self._paying(invoice, "debit", "processing")

    def _paying(self, invoice: Invoice, verb: str, state: str) -> Step | None:
        amount = self._amount(invoice, invoice.asks - invoice.spent)
        if not amount:
            return None
        made = Paid(self._next(), amount, state)
        invoice.paid.append(made)
        invoice.spend(amount)
        return Step(verb=verb, invoice=invoice.number, thing=made.number, amount=amount)

    def _settle(self, invoice: Invoice) -> Step | None:
        return self._debit_ends(invoice, "settle", "paid")

    def _fail(self, invoice: Invoice) -> Step | None:
        return self._debit_ends(invoice, "fail", "failed")

    def _debit_ends(self, invoice: Invoice, verb: str, state: str) -> Step | None:
        made = self._one(invoice, lambda paid: paid.state == "processing")
        if made is None:
            return None
        made.state = state
        if state == "failed":
            invoice.spent -= made.amount
        return Step(verb=verb, invoice=invoice.number, thing=made.number)

    def _refund(self, invoice: Invoice) -> Step | None:
        made = self._one(invoice, lambda paid: _here(paid) and not paid.dispute and paid.kept > 0)
        if made is None:
            return None
        whole = made.kept <= LEAST or self._random.random() < 0.4
        amount = made.kept if whole else self._amount(invoice, made.kept - 1)
        if not amount:
            return None
        refund = self._next()
        made.refunds[refund] = amount
        return Step(
            verb="refund", invoice=invoice.number, thing=refund, of=made.number, amount=amount
        )

    def _fail_refund(self, invoice: Invoice) -> Step | None:
        made = self._one(invoice, lambda paid: bool(paid.refunds))
        if made is None:
            return None
        refund = self._random.choice(sorted(made.refunds))
        del made.refunds[refund]
        return Step(verb="fail_refund", invoice=invoice.number, thing=refund)

    def _dispute(self, invoice: Invoice) -> Step | None:
        made = self._one(
            invoice, lambda paid: _here(paid) and not paid.dispute and not paid.refunds
        )
        if made is None:
            return None
        made.dispute = "open"
        return Step(verb="dispute", invoice=invoice.number, thing=made.number)

    def _win(self, invoice: Invoice) -> Step | None:
        return self._dispute_ends(invoice, "win", "won")

    def _lose(self, invoice: Invoice) -> Step | None:
        return self._dispute_ends(invoice, "lose", "lost")

    def _dispute_ends(self, invoice: Invoice, verb: str, state: str) -> Step | None:
        made = self._one(invoice, lambda paid: paid.dispute == "open")
        if made is None:
            return None
        made.dispute = state
        return Step(verb=verb, invoice=invoice.number, thing=made.number)

    def _cheque(self, invoice: Invoice) -> Step | None:
        amount = self._amount(invoice, invoice.asks - invoice.spent)
        if not amount or invoice.raised:
            return None
        cheque = self._next()
        invoice.cheques.append(cheque)
        invoice.spend(amount)
        return Step(verb="cheque", invoice=invoice.number, thing=cheque, amount=amount)

    def _delete_cheque(self, invoice: Invoice) -> Step | None:
        if invoice.filled or not invoice.cheques:
            return None
        cheque = invoice.cheques.pop(self._random.randrange(len(invoice.cheques)))
        return Step(verb="delete_cheque", invoice=invoice.number, thing=cheque, settled=True)

    def _delete_ours(self, invoice: Invoice) -> Step | None:
        made = self._recorded(invoice)
        if made is None:
            return None
        made.touched = True
        return Step(verb="delete_ours", invoice=invoice.number, thing=made.number, settled=True)

    def _edit_ours(self, invoice: Invoice) -> Step | None:
        made = self._recorded(invoice)
        if made is None or made.kept <= LEAST:
            return None
        made.touched = True
        amount = made.kept - self._random.randrange(1, LEAST)
        return Step(
            verb="edit_ours", invoice=invoice.number, thing=made.number, amount=amount, settled=True
        )

    def _raise_total(self, invoice: Invoice) -> Step | None:
        if invoice.raised or not self._one(invoice, _here):
            return None
        invoice.raised = True
        return Step(verb="raise_total", invoice=invoice.number, amount=1234, settled=True)

    def _overpay(self, invoice: Invoice) -> Step | None:
        left = invoice.asks - invoice.spent
        under_way = any(paid.state == "processing" for paid in invoice.paid)
        if left < LEAST or under_way or sum(row.over for row in self.invoices) == 2:
            return None
        invoice.over = True
        amount = left + self._random.randrange(LEAST, 10 * LEAST)
        return Step(
            verb="pay", invoice=invoice.number, thing=self._next(), amount=amount, settled=True
        )

    # Choosing --------------------------------------------------------------------------------------

    def _next(self) -> int:
        self._things += 1
        return self._things

    def _one(self, invoice: Invoice, wanted: Callable[[Paid], bool]) -> Paid | None:
        found = [paid for paid in invoice.paid if wanted(paid)]
        return self._random.choice(found) if found else None

    def _recorded(self, invoice: Invoice) -> Paid | None:
        return self._one(invoice, lambda paid: _here(paid) and not paid.touched and paid.kept > 0)

    def _amount(self, invoice: Invoice, most: int) -> int:
        """An amount that this invoice has not seen; 0 if there is no room for one."""
        if most < LEAST:
            return 0
        if self._random.random() < 0.1:
            amount = most
        else:
            amount = self._random.randrange(LEAST, max(LEAST + 1, min(most, 60_00)))
        if amount in invoice.amounts:
            return 0
        invoice.amounts.add(amount)
        return amount


def _here(paid: Paid) -> bool:
    return paid.state == "paid"


# How often each is tried.
VERBS = {
    "pay": 10,
    "debit": 4,
    "settle": 4,
    "fail": 2,
    "refund": 8,
    "fail_refund": 3,
    "dispute": 3,
    "win": 2,
    "lose": 2,
    "cheque": 4,
    "delete_cheque": 0.4,
    "delete_ours": 0.4,
    "edit_ours": 0.4,
    "raise_total": 0.2,
    "overpay": 0.2,
}


def bursts(history: list[Step], size: int) -> Iterator[list[Step]]:
    """The history in pieces of at most `size` steps; one that must find all settled begins one."""
    burst: list[Step] = []
    for step in history:
        if burst and (step.settled or len(burst) == size):
            yield burst
            burst = []
        burst.append(step)
    if burst:
        yield burst
