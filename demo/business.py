"""One business of the demo: what its people do in FreshBooks, and its clients in Stripe.

Every act also says what is to be expected from then on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from demo.books import Books, read_books
from demo.expected import Expected, expect
from demo.month import BusinessPlan, Fate, Invoice, digits
from demo.simulators import Simulator


@dataclass
class Business:
    """A business with its books at both vendors. `today` is the date in its books."""

    plan: BusinessPlan
    freshbooks: Simulator
    stripe: Simulator
    today: date
    account_id: str = ""
    stripe_account: str = ""
    stripe_key: str = ""
    tenant_id: int = 0
    client_ids: list[int] = field(default_factory=list)
    expected: dict[str, Expected] = field(default_factory=dict)
    debits: dict[str, str] = field(default_factory=dict)

    def open_accounts(self) -> None:
        """Sign up with both vendors and enter the clients."""
        made = self.freshbooks.act(
            "create_business",
            name=self.plan.name,
            email=self.plan.owner_email,
            currency=self.plan.currency,
            first_name=self.plan.owner,
        )
        self.account_id = made["account_id"]
        account = self.stripe.act(
            "create_account",
            name=self.plan.name,
            country=self.plan.country,
            default_currency=self.plan.currency.lower(),
        )
        self.stripe_account, self.stripe_key = account["account_id"], account["secret_key"]
        for client in self.plan.clients:
            entered = self.freshbooks.act(
                "create_client", account_id=self.account_id, client=client.as_freshbooks()
            )
            self.client_ids.append(entered["id"])

    def write_invoice(self, invoice: Invoice) -> Expected:
        """Write an invoice and, unless it is a draft, send it."""
        is_draft = invoice.fate in (Fate.DRAFT, Fate.DRAFT_THEN_SENT)
        client = self.plan.clients[invoice.client]
        written = self.freshbooks.act(
            "create_invoice",
            account_id=self.account_id,
            send=not is_draft,
            invoice={
                "customerid": self.client_ids[invoice.client],
                "create_date": (self.today - timedelta(days=invoice.days_ago)).isoformat(),
                "due_offset_days": invoice.due_days,
                "currency_code": invoice.currency,
                "discount_value": invoice.discount,
                "lines": [line.as_freshbooks(invoice.currency) for line in invoice.lines],
            },
        )
        expected = expect(
            invoice,
            mode=self.plan.mode,
            client=client.organization or f"{client.first_name} {client.last_name}",
            freshbooks_id=written["id"],
        )
        self.expected[invoice.key] = expected
        return expected

    def change_invoice(self, invoice: Invoice) -> None:
        """Change an invoice that was sent: its Stripe invoice must be replaced."""
        changed = invoice.changed()
        expected = self.expected[invoice.key]
        self.freshbooks.act(
            "edit_invoice",
            account_id=self.account_id,
            id=expected.freshbooks_id,
            invoice={"lines": [line.as_freshbooks(changed.currency) for line in changed.lines]},
        )
        expected.total = changed.total_minor()
        expected.revisions += 1

    def send_invoice(self, invoice: Invoice) -> None:
        """Send what was a draft."""
        expected = self.expected[invoice.key]
        self.freshbooks.act("send_invoice", account_id=self.account_id, id=expected.freshbooks_id)
        expected.is_draft = False

    def delete_invoice(self, invoice: Invoice) -> None:
        """Delete an invoice nobody has paid."""
        expected = self.expected[invoice.key]
        self.freshbooks.act("delete_invoice", account_id=self.account_id, id=expected.freshbooks_id)
        expected.deleted = True

    def enter_cheque(self, invoice: Invoice, amount: int) -> None:
        """Enter a cheque in FreshBooks."""
        expected = self.expected[invoice.key]
        self.freshbooks.act(
            "record_payment",
            account_id=self.account_id,
            invoiceid=expected.freshbooks_id,
            amount=str(Decimal(amount).scaleb(-digits(invoice.currency))),
            type="Check",
            date=self.today.isoformat(),
        )
        expected.cheques += amount

    def pay_by_card(self, invoice: Invoice, books: Books, amount: int | None = None) -> None:
        """A client pays on Stripe's page: all that remains, or a part."""
        expected = self.expected[invoice.key]
        wanted = expected.stripe_remaining if amount is None else amount
        self.stripe.act(
            "pay_invoice",
            account_id=self.stripe_account,
            invoice=books.of(expected.freshbooks_id).stripe_id,
            amount=wanted,
            method="card",
            outcome="succeeds",
        )
        expected.card += wanted
        expected.card_payments += 1

    def begin_bank_debit(self, invoice: Invoice, books: Books) -> None:
        """A client pays by bank debit, which takes days to arrive."""
        expected = self.expected[invoice.key]
        begun = self.stripe.act(
            "pay_invoice",
            account_id=self.stripe_account,
            invoice=books.of(expected.freshbooks_id).stripe_id,
            method="us_bank_account",
            outcome="processing",
        )
        self.debits[invoice.key] = begun["payment_intent"]
        expected.pending = expected.stripe_remaining

    def settle_bank_debit(self, invoice: Invoice) -> None:
        """The debit arrives."""
        expected = self.expected[invoice.key]
        self.stripe.act(
            "settle_payment",
            account_id=self.stripe_account,
            payment_intent=self.debits.pop(invoice.key),
        )
        expected.card += expected.pending
        expected.card_payments += 1
        expected.pending = 0

    def refund(self, invoice: Invoice, books: Books, amount: int) -> None:
        """Give a part of the money back, or all of it, in Stripe."""
        expected = self.expected[invoice.key]
        self.stripe.act(
            "refund",
            account_id=self.stripe_account,
            payment_intent=books.payment_intent(expected.freshbooks_id),
            amount=amount,
        )
        expected.returned += amount

    def dispute(self, invoice: Invoice, books: Books, *, lose: bool) -> None:
        """The payer's bank takes the money back; maybe for good."""
        expected = self.expected[invoice.key]
        charge = books.charge(expected.freshbooks_id)
        opened = self.stripe.act("dispute", account_id=self.stripe_account, charge=charge)
        expected.disputed = not lose
        if lose:
            self.stripe.act("lose_dispute", account_id=self.stripe_account, dispute=opened["id"])
            expected.returned += expected.card

    def of_fate(self, *fates: Fate) -> list[Invoice]:
        """The invoices with these fates that are written already."""
        return [
            invoice
            for invoice in self.plan.invoices
            if invoice.fate in fates and invoice.key in self.expected
        ]


def books_of(businesses: Iterable[Business]) -> list[Books]:
    """Both vendors' books of these businesses, all of the same moment."""
    listed = list(businesses)
    accounts = [(one.account_id, one.stripe_account) for one in listed]
    return read_books(listed[0].freshbooks, listed[0].stripe, accounts)
