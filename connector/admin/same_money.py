"""Buttons with which people say whether a payment in FreshBooks is Stripe's own money.

They stand wherever somebody meets the question: on the payment in FreshBooks, on the Stripe payment
that waits because of it, on the invoice, and on its discrepancy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from connector import decisions_outside
from connector.admin.buttons import Button, Click
from connector.admin.display import money
from connector.models import CollectedPayment, OutsidePayment
from connector.roles import DECIDE

NEVER_SURE = (
    "Nothing was decided: no payment that was entered by hand fits exactly one Stripe payment that "
    "is not recorded. Open the payment in FreshBooks that you mean, and choose."
)
InvoiceIds = Callable[[list[Any]], Iterable[int]]


def _same(rows: list[OutsidePayment], click: Click) -> int:
    """The chosen one on a page; in a list only what is beyond doubt."""
    if click.choice:
        (row,) = rows
        return decisions_outside.say_same_as(
            row.pk, int(click.choice), because=click.reason, cause=click.cause
        )
    invoices = {row.invoice_id for row in rows}
    return decisions_outside.say_same(
        invoices, because=click.reason, cause=click.cause, only={row.pk for row in rows}
    )


def _choices(row: OutsidePayment) -> list[tuple[str, str]]:
    return [(str(other.pk), _named(other)) for other in decisions_outside.candidates(row)]


def _named(row: CollectedPayment) -> str:
    paid = f", paid {row.paid_at:%Y-%m-%d}" if row.paid_at else ""
    payment = row.stripe_payment_intent_id or row.stripe_charge_id
    return f"{money(row.amount_minor, row.currency)}{paid}, {payment}"


def _is_open(row: OutsidePayment) -> bool:
    return not (row.is_decided or row.deleted)


SAME = Button(
    name="same_money",
    label="Same money",
    permission=DECIDE,
    explain="This payment is what Stripe collected, entered in FreshBooks by hand. The Stripe "
    "payment is not recorded once more, and Stripe is not told of this one.",
    press=_same,
    done="{rows} is Stripe's own money.",
    noun="payment",
    nothing=NEVER_SURE,
    icon="link",
    variant="primary",
    asks_reason=True,
    choices=_choices,
    fits=lambda row: _is_open(row) and bool(decisions_outside.candidates(row)),
)
OTHER = Button(
    name="other_money",
    label="Other money",
    permission=DECIDE,
    explain="This payment is a cheque, cash or the like, and none of what Stripe collected. Stripe is "
    "told of it, and it no longer stops a Stripe payment from being recorded.",
    press=lambda rows, click: decisions_outside.say_other(
        [row.pk for row in rows], because=click.reason, cause=click.cause
    ),
    done="{rows} said to be other money.",
    noun="payment",
    nothing="Nothing was decided: it was decided already, or is gone from FreshBooks.",
    icon="call_split",
    asks_reason=True,
    fits=_is_open,
)
TAKE_BACK = Button(
    name="undecide",
    label="Take the decision back",
    permission=DECIDE,
    explain="The question is open again. What Stripe was told meanwhile, and what was recorded, "
    "stays.",
    press=lambda rows, click: decisions_outside.take_back(
        [row.pk for row in rows], because=click.reason, cause=click.cause
    ),
    done="{rows} undecided again.",
    noun="payment",
    nothing="Nothing was decided about it.",
    icon="undo",
    asks_reason=True,
    fits=lambda row: row.is_decided,
)


def for_twins(invoices_of: InvoiceIds) -> tuple[Button, Button]:
    """The same two where a row is about an invoice: they decide its payments that may be twins."""

    def waiting(rows: list[Any]) -> decisions_outside.Twins:
        return decisions_outside.twins_of(invoices_of(rows))

    def same(rows: list[Any], click: Click) -> int:
        return decisions_outside.say_same(
            invoices_of(rows), because=click.reason, cause=click.cause
        )

    def other(rows: list[Any], click: Click) -> int:
        twins = {row.pk for row, _ in waiting(rows)}
        return decisions_outside.say_other(twins, because=click.reason, cause=click.cause)

    def fits(row: Any) -> bool:
        return bool(waiting([row]))

    about = "The invoice has a payment in FreshBooks that may be Stripe's, entered by hand. "
    return (
        replace(
            SAME,
            press=same,
            choices=None,
            fits=fits,
            explain=about + "It is the same money: "
            "the Stripe payment is not recorded once more, and Stripe is not told of it.",
        ),
        replace(
            OTHER,
            press=other,
            fits=fits,
            explain=about + "It is other money: Stripe is told "
            "of it, and it no longer stops the Stripe payment from being recorded.",
        ),
    )
