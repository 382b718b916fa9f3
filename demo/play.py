"""The month, in four acts. Each ends when both vendors' books are as they should be."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from demo.books import Books, Mismatch
from demo.business import Business, books_of
from demo.month import Fate, Invoice
from demo.simulators import Simulator

PATIENCE_S = 300
LOOK_EVERY_S = 0.4
Say = Callable[[str], None]


class NotInStepError(RuntimeError):
    """The books did not come in step in time."""

    def __init__(self, act: str, mismatches: list[Mismatch]) -> None:
        super().__init__(f"{act}: {len(mismatches)} things are not as expected")
        self.mismatches = mismatches


class Play:
    """What people, banks and networks do, and waiting for what must follow from it."""

    def __init__(
        self, businesses: Sequence[Business], freshbooks: Simulator, stripe: Simulator, say: Say
    ) -> None:
        self.businesses = businesses
        self._freshbooks, self._stripe, self._say = freshbooks, stripe, say
        self.expiries = 0

    def before_connecting(self) -> None:
        """Both businesses have been writing invoices for weeks."""
        for business in self.businesses:
            business.open_accounts()
            for invoice in business.plan.history:
                expected = business.write_invoice(invoice)
                if invoice.fate == Fate.PAID_BEFORE:
                    business.enter_cheque(invoice, expected.total)
                elif invoice.fate == Fate.PART_BEFORE:
                    business.enter_cheque(invoice, _part(expected.total, 30))
        count = sum(len(business.expected) for business in self.businesses)
        self._say(f"{count} invoices are in FreshBooks already; two are paid, two in part")

    def first_import(self) -> None:
        """What was there before comes to Stripe."""
        self._await("the first import")
        self._say("everything from before is in Stripe, to the cent")

    def new_invoices(self) -> None:
        """New invoices, while webhooks get lost and Stripe has a bad day."""
        self._say("new invoices are sent; webhooks get lost, both vendors answer 429, 500, nothing")
        for business, invoice in self._of(Fate.LOST_CREATION, written=False):
            with self._freshbooks.meanwhile("drop_webhook", event="^invoice"):
                business.write_invoice(invoice)
        self._freshbooks.add_fault("status_429", times=4, path="^/accounting/")
        self._stripe.add_fault("status_429", times=6, path="^/v1/")
        self._stripe.add_fault("reset_after", method="POST", path="/add_lines$")
        self._stripe.add_fault("status_500", method="POST", path="/finalize$")
        self._stripe.add_fault("reset_after", method="POST", path="^/v1/invoices$")
        for business in self.businesses:
            for invoice in business.plan.live:
                if invoice.key not in business.expected:
                    business.write_invoice(invoice)
        self._await("the new invoices")
        self._say("all of them are in Stripe, each once, the two impossible ones with a reason")

    def first_payments(self) -> None:
        """Clients pay, cheques come, people change their minds, a token expires."""
        books = self._books()
        for business, invoice in self._of(Fate.UNANSWERED):
            self._pay_unanswered(business, invoice, books[business.plan.slug])
        for business in self.businesses:
            self._freshbooks.act("expire_tokens", account_id=business.account_id, access_only=True)
            self.expiries += 1
        self._say("access tokens expire, clients pay, cheques arrive, invoices are changed")
        for business, invoice in self._of(*_FIRST):
            _FIRST[invoice.fate](business, invoice, books[business.plan.slug])
        self._await("the first payments")
        self._say("payments, cheques and changes have arrived on the other side")

    def later_payments(self) -> None:
        """The rest is paid; the webhooks about it are lost or come twice."""
        books = self._books()
        self._say("the rest is paid; webhooks about it are lost, or come twice")
        for business, invoice in self._of(Fate.LOST_PAYMENT):
            with self._stripe.meanwhile("drop_webhook", event=""):
                business.pay_by_card(invoice, books[business.plan.slug])
        for business, invoice in self._of(Fate.DOUBLE_PAYMENT):
            with self._stripe.meanwhile("duplicate_webhook", event=""):
                business.pay_by_card(invoice, books[business.plan.slug])
        for business, invoice in self._of(*_LATER):
            _LATER[invoice.fate](business, invoice, books[business.plan.slug])
        self._await("the later payments")
        self._say("some of the money goes back: refunds, disputes, a dispute that is lost")
        books = self._books()
        for business, invoice in self._of(*_LAST):
            _LAST[invoice.fate](business, invoice, books[business.plan.slug])
        self._await("what went back")
        self._say("the month is over")

    def _pay_unanswered(self, business: Business, invoice: Invoice, books: Books) -> None:
        """FreshBooks takes the payment, but its answer never arrives."""
        records = business.plan.mode == "record"
        if records:
            path = f"^/accounting/account/{business.account_id}/payments/payments$"
            self._freshbooks.add_fault("timeout_after", method="POST", path=path)
        business.pay_by_card(invoice, books)
        if records:
            self._until(
                lambda: self._freshbooks.struck()["timeout_after"], "a payment without an answer"
            )

    def _of(self, *fates: Fate, written: bool = True) -> list[tuple[Business, Invoice]]:
        return [
            (business, invoice)
            for business in self.businesses
            for invoice in business.plan.invoices
            if invoice.fate in fates and (invoice.key in business.expected) == written
        ]

    def _books(self) -> dict[str, Books]:
        slugs = [business.plan.slug for business in self.businesses]
        return dict(zip(slugs, books_of(self.businesses), strict=True))

    def mismatches(self) -> list[Mismatch]:
        """Where the books are not as expected at this moment."""
        books = self._books()
        return [
            problem
            for business in self.businesses
            for problem in books[business.plan.slug].mismatches(business.expected.values())
        ]

    def _await(self, act: str) -> None:
        """Until both books are as expected and every prepared fault has struck."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            problems = self.mismatches()
            faults = self._freshbooks.waiting_faults() + self._stripe.waiting_faults()
            if not problems and not faults:
                return
            if time.monotonic() > deadline:
                unused = [Mismatch("faults", "not struck yet", 0, faults)] if faults else []
                raise NotInStepError(act, problems + unused)
            time.sleep(LOOK_EVERY_S)

    def _until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise NotInStepError(what, [])
            time.sleep(LOOK_EVERY_S)


Step = Callable[[Business, Invoice, Books], None]


def _pay_all(business: Business, invoice: Invoice, books: Books) -> None:
    business.pay_by_card(invoice, books)


def _pay_part(business: Business, invoice: Invoice, books: Books) -> None:
    total = business.expected[invoice.key].total
    business.pay_by_card(invoice, books, _part(total, 40))


def _cheque_for_all(business: Business, invoice: Invoice, _books: Books) -> None:
    business.enter_cheque(invoice, business.expected[invoice.key].total)


def _cheque_for_part(business: Business, invoice: Invoice, _books: Books) -> None:
    business.enter_cheque(invoice, _part(business.expected[invoice.key].total, 35))


def _change(business: Business, invoice: Invoice, _books: Books) -> None:
    business.change_invoice(invoice)


def _send(business: Business, invoice: Invoice, _books: Books) -> None:
    business.send_invoice(invoice)


def _delete(business: Business, invoice: Invoice, _books: Books) -> None:
    business.delete_invoice(invoice)


def _debit(business: Business, invoice: Invoice, books: Books) -> None:
    business.begin_bank_debit(invoice, books)


def _settle(business: Business, invoice: Invoice, _books: Books) -> None:
    business.settle_bank_debit(invoice)


def _refund_part(business: Business, invoice: Invoice, books: Books) -> None:
    business.refund(invoice, books, _part(business.expected[invoice.key].card, 25))


def _refund_all(business: Business, invoice: Invoice, books: Books) -> None:
    business.refund(invoice, books, business.expected[invoice.key].card)


def _dispute(business: Business, invoice: Invoice, books: Books) -> None:
    business.dispute(invoice, books, lose=invoice.fate == Fate.DISPUTE_LOST)


def _part(total: int, percent: int) -> int:
    return total * percent // 100


_FIRST: dict[Fate, Step] = {
    Fate.PAID: _pay_all,
    Fate.PART_BEFORE: _pay_all,
    Fate.PART_PAID: _pay_part,
    Fate.TWO_PARTS: _pay_part,
    Fate.CHEQUE: _cheque_for_all,
    Fate.CHEQUE_PART: _cheque_for_part,
    Fate.CHEQUE_THEN_CARD: _cheque_for_part,
    Fate.EDITED: _change,
    Fate.EDITED_THEN_PAID: _change,
    Fate.DRAFT_THEN_SENT: _send,
    Fate.DELETED: _delete,
    Fate.BANK_DEBIT: _debit,
    Fate.REFUND_PART: _pay_all,
    Fate.REFUND_ALL: _pay_all,
    Fate.DISPUTE: _pay_all,
    Fate.DISPUTE_LOST: _pay_all,
}
_LATER: dict[Fate, Step] = {
    Fate.TWO_PARTS: _pay_all,
    Fate.CHEQUE_THEN_CARD: _pay_all,
    Fate.EDITED_THEN_PAID: _pay_all,
    Fate.DRAFT_THEN_SENT: _pay_all,
    Fate.BANK_DEBIT: _settle,
}
_LAST: dict[Fate, Step] = {
    Fate.REFUND_PART: _refund_part,
    Fate.REFUND_ALL: _refund_all,
    Fate.DISPUTE: _dispute,
    Fate.DISPUTE_LOST: _dispute,
}
