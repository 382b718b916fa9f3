"""Keeps invoices, payments and client credit consistent with each other."""

from dataclasses import dataclass
from decimal import Decimal

from sandbox.freshbooks.book import ACTIVE, Account, CreditNote, Invoice, Payment
from sandbox.freshbooks.events import raise_event
from sandbox.freshbooks.money import ZERO
from sandbox.freshbooks.problems import BAD_TOTAL, Problem
from sandbox.freshbooks.times import eastern_day
from sandbox.freshbooks.totals import compute_totals
from sandbox.freshbooks.world import World


@dataclass(frozen=True)
class Split:
    """A payment amount: what the invoice takes and what was too much."""

    taken: Decimal
    excess: Decimal


def recompute_total(world: World, invoice: Invoice) -> None:
    """After lines, discount or currency changed."""
    totals = compute_totals(
        invoice.lines, invoice.discount_percent, invoice.currency, world.money, world.switches
    )
    if totals.total < 0:
        raise Problem(
            BAD_TOTAL,
            "Invoice total must not be negative.",
            field="amount",
            thing="invoice",
            value=totals.total,
        )
    invoice.total, invoice.discount_total = totals.total, totals.discount


def active_payments(account: Account, invoice: Invoice) -> list[Payment]:
    """Payments that count."""
    ids = account.payments_of_invoice.get(invoice.id, [])
    payments = [account.payments[payment_id] for payment_id in ids]
    return [payment for payment in payments if payment.vis_state == ACTIVE]


def settle(account: Account, invoice: Invoice, at: float | None = None) -> None:
    """Recount what was paid; with a moment given the invoice counts as changed then."""
    payments = active_payments(account, invoice)
    invoice.paid = sum((payment.amount for payment in payments), ZERO)
    invoice.date_paid = max((payment.date for payment in payments), default=None)
    if at is not None:
        invoice.updated_at = at


def split(invoice: Invoice, amount: Decimal, already_counted: Decimal = ZERO) -> Split:
    """Cap a payment at what is outstanding; `already_counted` is its own older amount."""
    room = max(invoice.outstanding + already_counted, ZERO)
    taken = min(amount, room)
    return Split(taken, amount - taken)


def book_overpayment(world: World, account: Account, payment: Payment, excess: Decimal) -> None:
    """Book what was too much as credit of the client and name it on the payment."""
    credit = add_credit_note(
        world,
        account,
        client_id=payment.client_id,
        kind="overpayment",
        amount=excess,
        currency=payment.currency,
    )
    payment.overpayment_credit_id = credit.id
    if world.switches["overpaymentid_target"] == "credit_id":
        payment.overpayment_id = credit.id
    else:
        payment.overpayment_id = world.next_id(account, "payment")


def add_credit_note(
    world: World, account: Account, *, client_id: int, kind: str, amount: Decimal, currency: str
) -> CreditNote:
    """Give a client credit."""
    number = world.next_id(account, "credit_note")
    now = world.now()
    credit = CreditNote(
        id=number,
        client_id=client_id,
        number=f"{len(account.credit_notes) + 1:07d}",
        type=kind,
        date=eastern_day(now),
        currency=currency,
        amount=amount,
        updated_at=now,
    )
    account.credit_notes[credit.id] = credit
    raise_event(world, account, "credit_note.create", credit.id)
    return credit


def payment_status(invoice: Invoice) -> str:
    """unpaid, partial or paid; a zero invoice without payments is unpaid."""
    if invoice.paid <= 0:
        return "unpaid"
    return "paid" if invoice.outstanding <= 0 else "partial"


def is_overdue(world: World, invoice: Invoice) -> bool:
    """Sent, not paid and past its due date, judged when asked; nothing is touched."""
    if invoice.status not in (2, 3) or payment_status(invoice) == "paid":
        return False
    due_ordinal = invoice.create_date.toordinal() + invoice.due_offset_days
    return eastern_day(world.now()).toordinal() > due_ordinal
