"""Plays one history in several ways, and tells how everything stands at the end of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connector.jobs import kinds
from connector.models import CollectedPayment
from tests.money.cases import Story
from tests.money.histories import Author, Step, bursts
from tests.money.news import Mailbox, hear, listen
from tests.money.playing import Ending, look
from tests.pipeline.shop import Shop, open_shop
from tests.pipeline.simulators import Simulators
from tests.pipeline.vendor_side import line

Recording = CollectedPayment.Recording
WHOLE = 10**6  # a burst that only a step which must find all settled can end


# How the news travel -----------------------------------------------------------------------------


def hear_late(shop: Shop, mailbox: Mailbox) -> None:
    """The last comes first, and every third comes twice."""
    while hooks := mailbox.take():
        mailbox.hand_over([*reversed(hooks), *hooks[::3]])
        shop.settle()


def only_poll(shop: Shop, _: Mailbox) -> None:
    """No webhook ever comes."""
    shop.poll()
    shop.poll()  # what we wrote ourselves is news as well


def only_compare(shop: Shop, _mailbox: Mailbox) -> None:
    """Neither a webhook nor an event ever comes: the full comparison finds what changed on invoices,
    and the movements of Stripe's balance what went back of settled ones.
    """
    for _ in range(2):
        shop.enqueue(kinds.POLL_MONEY)
        shop.reconcile()


@dataclass(frozen=True, kw_only=True)
class Way:
    """How one play of a history differs from another."""

    tell: Callable[[Shop, Mailbox], None]
    listens: bool = True
    burst: int = WHOLE  # so many things happen before anybody is told


WAYS = {
    "told at once": Way(tell=hear, burst=8),
    "told late, reversed, some twice": Way(tell=hear_late),
    "polled": Way(tell=only_poll, listens=False),
    "compared": Way(tell=only_compare, listens=False),
}


# Playing -----------------------------------------------------------------------------------------


@dataclass
class Stage:
    """One tenant that lives through a history."""

    shop: Shop
    stories: dict[int, Story]
    made: dict[int, dict[str, Any]] = field(default_factory=dict)
    """By number: what the vendors made of a payment, refund or cheque."""

    def happen(self, step: Step) -> None:
        """Do what the step says, at the vendor where it happens."""
        getattr(self, f"_{step.verb}")(step)

    def _pay(self, step: Step) -> None:
        self._paid(step)

    def _debit(self, step: Step) -> None:
        self._paid(step, method="us_bank_account", outcome="processing")

    def _paid(self, step: Step, **how: str) -> None:
        invoice = self.stories[step.invoice].stripe_invoice
        paid = self.shop.st("pay_invoice", invoice=invoice, amount=step.amount, **how)
        self.made[step.thing] = paid

    def _settle(self, step: Step) -> None:
        paid = self.made[step.thing]
        intent = paid["payment_intent"]
        paid.update(self.shop.st("settle_payment", payment_intent=intent))

    def _fail(self, step: Step) -> None:
        intent = self.made[step.thing]["payment_intent"]
        self.shop.st("fail_payment", payment_intent=intent)

    def _refund(self, step: Step) -> None:
        charge = self.made[step.of]["charge"]
        self.made[step.thing] = self.shop.st("refund", charge=charge, amount=step.amount)

    def _fail_refund(self, step: Step) -> None:
        self.shop.st("fail_refund", refund=self.made[step.thing]["id"])

    def _dispute(self, step: Step) -> None:
        paid = self.made[step.thing]
        paid["dispute"] = self.shop.st("dispute", charge=paid["charge"])["id"]

    def _win(self, step: Step) -> None:
        self.shop.st("win_dispute", dispute=self.made[step.thing]["dispute"])

    def _lose(self, step: Step) -> None:
        self.shop.st("lose_dispute", dispute=self.made[step.thing]["dispute"])

    def _cheque(self, step: Step) -> None:
        invoice = self.stories[step.invoice].invoice
        self.made[step.thing] = {"id": self.shop.cheque(invoice, decimal(step.amount))}

    def _delete_cheque(self, step: Step) -> None:
        self.shop.fb("delete_payment", id=self.made[step.thing]["id"])

    def _delete_ours(self, step: Step) -> None:
        self.shop.fb("delete_payment", id=self._ours(step))

    def _edit_ours(self, step: Step) -> None:
        changes = {"amount": decimal(step.amount)}
        self.shop.fb("edit_payment", id=self._ours(step), payment=changes)

    def _raise_total(self, step: Step) -> None:
        invoice = self.stories[step.invoice].invoice
        (row,) = (row for row in self.shop.fb_book()["invoices"] if row["id"] == invoice)
        lines = [line(row["amount"]["amount"]), line(decimal(step.amount))]
        self.shop.fb("edit_invoice", id=invoice, invoice={"lines": lines})

    def _ours(self, step: Step) -> int:
        """The live FreshBooks payment that names this Stripe payment."""
        link = self.made[step.thing]["invoice_payment"]
        payments = self.shop.fb_payments(self.stories[step.invoice].invoice)
        found = [row["id"] for row in payments if link in (row["note"] or "")]
        assert len(found) == 1, f"{step}: {len(found)} payments of ours in FreshBooks, not 1"
        return int(found[0])


def decimal(minor: int) -> str:
    """Minor units as FreshBooks writes them."""
    return f"{minor // 100}.{minor % 100:02d}"


def replay(
    simulators: Simulators, mailbox: Mailbox, seed: int, steps: int, way: Way
) -> dict[str, Any]:
    """Play a seed's history in one way; the final state without ids and times."""
    author = Author(seed)
    asked = [invoice.asks for invoice in author.invoices]
    history = author.write(steps)
    shop = open_shop(simulators.freshbooks, simulators.stripe)
    if way.listens:
        listen(shop, mailbox)
    stories = {n: Story(shop, shop.invoice(decimal(asks))) for n, asks in enumerate(asked)}
    way.tell(shop, mailbox)
    book = shop.st_book()
    for story in stories.values():
        story.notice(book)
    stage = Stage(shop, stories)
    for burst in bursts(history, way.burst):
        for step in burst:
            stage.happen(step)
        way.tell(shop, mailbox)
    assert not shop.jobs(state="dead")
    return {
        f"invoice {number}": normal(end)
        for number, end in look(shop, {str(n): story for n, story in stories.items()}).items()
    }


def normal(end: Ending) -> dict[str, Any]:
    """What must be equal however the news travelled."""
    link = end.link
    return {
        **end.books.normal(),
        "status": link["collection_status"],
        "state": link["state"],
        "returned_minor": link["returned_minor"],
        "fb_outstanding": link["freshbooks_outstanding_minor"],
        "st_remaining": link["stripe_remaining_minor"],
        "collected": sorted(_collected(row) for row in end.collected),
        "cheques": sorted(
            (row["amount_minor"], row["deleted"], row["reporting"]) for row in end.outside
        ),
        "differences": sorted(
            (row["kind"], row["freshbooks_minor"], row["stripe_minor"]) for row in end.differences
        ),
        "journal": vars(end.totals),
    }


def _collected(row: dict[str, Any]) -> tuple[Any, ...]:
    """One payment. "Never recorded" and "taken back" are the same where all of it went back."""
    lost = row["disputed_minor"] if row["dispute_status"] == "lost" else 0
    kept = row["amount_minor"] - row["refunded_minor"] - lost
    nothing = kept == 0 and row["recording"] in {Recording.OBSERVED, Recording.TAKEN_BACK}
    return (
        row["amount_minor"],
        row["refunded_minor"],
        row["dispute_status"],
        row["disputed_minor"],
        "nothing" if nothing else row["recording"],
        0 if nothing else row["freshbooks_amount_minor"] or 0,
        row["changed_by_person"],
    )
