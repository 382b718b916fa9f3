"""One business at both vendors, driven from outside: what its people do, what the books say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.factories import unique
from tests.sandbox.driving import FreshBooks, Vendor


@dataclass(kw_only=True)
class VendorSide:
    """A FreshBooks business and a Stripe account."""

    freshbooks: FreshBooks
    stripe: Vendor
    account_id: str
    stripe_account_id: str
    identity_id: int
    currency: str = "CAD"
    client_id: int | None = field(default=None, init=False)

    # What people do ----------------------------------------------------------------------------

    def fb(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Act in FreshBooks."""
        return self.freshbooks.act(do, account_id=self.account_id, **arguments)

    def st(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Act in Stripe."""
        return self.stripe.act(do, account_id=self.stripe_account_id, **arguments)

    def client(self, **fields: Any) -> int:
        data = {
            "organization": unique("Haddad "),
            "email": f"{unique('ap-')}@haddad.example",
            "p_country": "Canada",
            "currency_code": self.currency,
            **fields,
        }
        return int(self.fb("create_client", client=data)["id"])

    def invoice(
        self, *amounts: str, send: bool = True, client: int | None = None, **more: Any
    ) -> int:
        """A new invoice with one line per amount, to the shop's usual client."""
        if client is None:
            self.client_id = client = self.client_id or self.client()
        code = more.pop("currency", self.currency)
        data = {
            "customerid": client,
            "due_offset_days": 30,
            "currency_code": code,
            "lines": [line(amount, code) for amount in amounts or ("100.00",)],
            **more,
        }
        return int(self.fb("create_invoice", invoice=data, send=send)["id"])

    def edit(self, invoice_id: int, *amounts: str, **fields: Any) -> None:
        lines = {"lines": [line(amount, self.currency) for amount in amounts]} if amounts else {}
        self.fb("edit_invoice", id=invoice_id, invoice={**lines, **fields})

    def cheque(self, invoice_id: int, amount: str, **more: Any) -> int:
        return int(self.fb("record_payment", invoiceid=invoice_id, amount=amount, **more)["id"])

    def pay(self, invoice_id: int, amount: int | None = None, **more: Any) -> dict[str, Any]:
        """The client pays the open Stripe invoice of this FreshBooks invoice."""
        wanted = {} if amount is None else {"amount": amount}
        return self.st("pay_invoice", invoice=self.asking(invoice_id)["id"], **wanted, **more)

    # The vendors' own books --------------------------------------------------------------------

    def fb_book(self) -> dict[str, Any]:
        book: dict[str, Any] = self.freshbooks.state()["accounts"][self.account_id]
        return book

    def st_book(self) -> dict[str, Any]:
        accounts = self.stripe.state()["accounts"]
        return next(book for book in accounts if book["id"] == self.stripe_account_id)

    def fb_payments(self, invoice_id: int) -> list[dict[str, Any]]:
        """Live payments on an invoice, as FreshBooks has them."""
        rows = self.fb_book()["payments"]
        return [row for row in rows if row["invoiceid"] == invoice_id and row["vis_state"] == 0]

    def st_invoices(self, invoice_id: int) -> list[dict[str, Any]]:
        """All Stripe invoices made for a FreshBooks invoice, oldest first."""
        rows = self.st_book().get("invoices", [])
        return [row for row in rows if row["metadata"].get("fb_invoice_id") == str(invoice_id)]

    def statuses(self, invoice_id: int) -> list[str]:
        return [row["status"] for row in self.st_invoices(invoice_id)]

    def asking(self, invoice_id: int) -> dict[str, Any]:
        """The one Stripe invoice that asks for the money of a FreshBooks invoice."""
        (one,) = (row for row in self.st_invoices(invoice_id) if row["status"] == "open")
        return one


def line(amount: str, code: str = "CAD", **more: Any) -> dict[str, Any]:
    return {"name": "Work", "qty": "1", "unit_cost": {"amount": amount, "code": code}, **more}
