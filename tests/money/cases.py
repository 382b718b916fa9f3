"""What may happen to the money of one invoice, step by step, and how it must stand at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.pipeline.shop import Shop
from tests.pipeline.vendor_side import line


@dataclass
class Story:
    """One case that is being played: its invoice, and the last thing of each kind about it."""

    shop: Shop
    invoice: int = 0
    stripe_invoice: str = ""
    made: dict[str, Any] = field(default_factory=dict)

    def notice(self, st_book: Mapping[str, Any]) -> None:
        """Which Stripe invoice asks the client for the money now."""
        rows = [
            row["id"]
            for row in st_book["invoices"]
            if row["metadata"].get("fb_invoice_id") == str(self.invoice)
            and row["status"] in {"open", "paid"}
        ]
        self.stripe_invoice = rows[-1] if rows else ""


Step = Callable[[Story], object]


@dataclass(frozen=True, kw_only=True)
class Case:
    """After each step everybody is told, and people approve what waits for them.

    `status` is the collection status at the end. `open` are the kinds of difference that stay
    although everything was written that may be; without "payment_not_recorded", "paid_differs" or
    another kind that speaks of payments, Stripe and FreshBooks must agree to the cent.
    """

    steps: tuple[Step, ...]
    status: str
    open: frozenset[str] = frozenset()
    amount: str = "100.00"
    currency: str = "CAD"
    rare: bool = False
    """Played in one way only, the hardest."""
    own_client: bool = False
    """Leaves a credit with its client, which Stripe would use for the client's next invoice."""


def pay(amount: int | None = None, **how: Any) -> Step:
    def step(story: Story) -> None:
        wanted = {} if amount is None else {"amount": amount}
        story.made.update(
            story.shop.st("pay_invoice", invoice=story.stripe_invoice, **wanted, **how)
        )

    return step


def debit(amount: int | None = None) -> Step:
    return pay(amount, method="us_bank_account", outcome="processing")


def settle(story: Story) -> None:
    intent = story.made["payment_intent"]
    story.made.update(story.shop.st("settle_payment", payment_intent=intent))


def fail(story: Story) -> None:
    story.shop.st("fail_payment", payment_intent=story.made["payment_intent"])


def refund(amount: int | None = None, status: str = "succeeded") -> Step:
    def step(story: Story) -> None:
        more = {} if amount is None else {"amount": amount}
        made = story.shop.st("refund", charge=story.made["charge"], status=status, **more)
        story.made["refund"] = made["id"]

    return step


def fail_refund(story: Story) -> None:
    story.shop.st("fail_refund", refund=story.made["refund"])


def settle_refund(story: Story) -> None:
    story.shop.st("settle_refund", refund=story.made["refund"])


def dispute(story: Story) -> None:
    story.made["dispute"] = story.shop.st("dispute", charge=story.made["charge"])["id"]


def win(story: Story) -> None:
    story.shop.st("win_dispute", dispute=story.made["dispute"])


def lose(story: Story) -> None:
    story.shop.st("lose_dispute", dispute=story.made["dispute"])


def cheque(amount: str) -> Step:
    return lambda story: story.made.update(cheque=story.shop.cheque(story.invoice, amount))


def delete_cheque(story: Story) -> None:
    story.shop.fb("delete_payment", id=story.made["cheque"])


def credit(amount: int) -> Step:
    return lambda story: story.shop.st(
        "credit_invoice", invoice=story.stripe_invoice, amount=amount
    )


def edit(amount: str) -> Step:
    return lambda story: story.shop.edit(story.invoice, amount)


def change_currency(code: str) -> Step:
    return lambda story: story.shop.edit(
        story.invoice, currency_code=code, lines=[line("100.00", code)]
    )


def delete(story: Story) -> None:
    story.shop.fb("delete_invoice", id=story.invoice)


def both(*steps: Step) -> Step:
    """Before anybody is told of the first, the others have happened."""

    def step(story: Story) -> None:
        for each in steps:
            each(story)

    return step


CASES: dict[str, Case] = {
    "full": Case(steps=(pay(),), status="paid"),
    "partial": Case(steps=(pay(4000),), status="partly_paid"),
    "two-parts": Case(steps=(pay(4000), pay()), status="paid"),
    "two-parts-at-once": Case(rare=True, steps=(both(pay(4000), pay()),), status="paid"),
    "over": Case(
        steps=(pay(12000),),
        status="overpaid",
        open=frozenset({"overpaid", "payment_not_recorded"}),
        own_client=True,
    ),
    "over-then-refunded-to-the-total": Case(
        rare=True,
        steps=(pay(12000), refund(2000)),
        status="paid",
        open=frozenset({"payment_not_recorded", "refunded"}),  # a person was asked, and must answer
        own_client=True,
    ),
    "other-currency": Case(steps=(pay(),), status="paid", amount="5000", currency="JPY"),
    "currency-changed-after-payment": Case(
        steps=(pay(), change_currency("USD")),
        status="",
        open=frozenset({"currency_differs"}),
    ),
    "debit-settles": Case(steps=(debit(), settle), status="paid"),
    "debit-fails-later": Case(steps=(debit(), fail), status="unpaid"),
    "debit-fails-then-card": Case(rare=True, steps=(debit(), fail, pay()), status="paid"),
    "refund-full": Case(steps=(pay(), refund()), status="refunded", open=frozenset({"refunded"})),
    "refund-partial": Case(
        steps=(pay(), refund(3000)), status="partly_paid", open=frozenset({"refunded"})
    ),
    "refund-before-anybody-looked": Case(
        rare=True,
        steps=(both(pay(), refund(3000)),),
        status="partly_paid",
        open=frozenset({"refunded"}),
    ),
    "refund-in-two": Case(
        rare=True,
        steps=(pay(), refund(3000), refund(7000)),
        status="refunded",
        open=frozenset({"refunded"}),
    ),
    "refund-of-a-part-payment": Case(
        rare=True,
        steps=(pay(4000), refund(1000)),
        status="partly_paid",
        open=frozenset({"refunded"}),
    ),
    "refund-pending-then-there": Case(
        rare=True,
        steps=(pay(), refund(3000, "pending"), settle_refund),
        status="partly_paid",
        open=frozenset({"refunded"}),
    ),
    "refund-full-fails-later": Case(steps=(pay(), refund(), fail_refund), status="paid"),
    "refund-full-before-anybody-looked-fails-later": Case(
        rare=True, steps=(both(pay(), refund()), fail_refund), status="paid"
    ),
    "refund-partial-fails-later": Case(
        rare=True, steps=(pay(), refund(3000), fail_refund), status="paid"
    ),
    "dispute-open": Case(
        rare=True, steps=(pay(), dispute), status="disputed", open=frozenset({"disputed"})
    ),
    "dispute-won": Case(steps=(pay(), dispute, win), status="paid"),
    "dispute-lost": Case(
        steps=(pay(), dispute, lose), status="refunded", open=frozenset({"refunded"})
    ),
    "cheque-whole": Case(steps=(cheque("100.00"),), status="paid_outside"),
    "cheque-part": Case(steps=(cheque("40.00"),), status="partly_paid"),
    "cheque-part-then-card": Case(rare=True, steps=(cheque("40.00"), pay()), status="paid"),
    "cheque-deleted-after-report": Case(
        rare=True,
        steps=(cheque("40.00"), delete_cheque),
        status="unpaid",
        open=frozenset({"payment_taken_back"}),
    ),
    "credit-note": Case(
        steps=(credit(3000),), status="unpaid", open=frozenset({"credit_note_in_stripe"})
    ),
    "credit-note-after-payment": Case(
        rare=True,
        steps=(pay(), credit(3000)),
        status="paid",
        open=frozenset({"credit_note_in_stripe"}),
        own_client=True,
    ),
    "edited-after-sending": Case(steps=(edit("80.00"), pay()), status="paid"),
    "edited-after-payment": Case(
        steps=(pay(), edit("130.00")),
        status="partly_paid",
        open=frozenset({"changed_after_payment"}),
    ),
    "deleted-before-payment": Case(steps=(delete,), status="not_collected"),
    "deleted-after-payment": Case(
        steps=(pay(), delete), status="", open=frozenset({"deleted_in_freshbooks"})
    ),
}


def cases_of(mode: str, delivery: str) -> dict[str, Case]:
    """What is played in this way: all in the hardest, the most telling in every other."""
    hardest = (mode, delivery) == ("record", "disorder")
    return {name: case for name, case in CASES.items() if hardest or not case.rare}
