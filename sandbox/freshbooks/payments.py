"""Payments: capped at what is outstanding, soft-deleted, editable even then."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sandbox.freshbooks.book import ACTIVE, DELETED, Account, Invoice, Payment
from sandbox.freshbooks.events import raise_event
from sandbox.freshbooks.fields import (
    LONG_LIMIT,
    NAME_LIMIT,
    Check,
    boolean,
    calendar_date,
    clean,
    integer,
    money,
    phase_of,
    require,
    text,
    vis_state,
)
from sandbox.freshbooks.filters import (
    contains,
    date_range,
    equals_number,
    equals_text,
    in_numbers,
    is_true,
    number_range,
    updated_range,
)
from sandbox.freshbooks.invoice_view import render_invoice
from sandbox.freshbooks.ledger import book_overpayment, settle, split
from sandbox.freshbooks.problems import DELETED as DELETED_ERRNO
from sandbox.freshbooks.problems import INVALID, NEGATIVE, Problem, not_found
from sandbox.freshbooks.resource import MakeFilter, Resource
from sandbox.freshbooks.times import eastern_text

TYPES = (
    "Check",
    "Credit",
    "Cash",
    "Bank Transfer",
    "Credit Card",
    "Debit",
    "PayPal",
    "2Checkout",
    "VISA",
    "MASTERCARD",
    "DISCOVER",
    "AMEX",
    "DINERS",
    "JCB",
    "ACH",
    "Other",
)
_READ_ONLY = frozenset({"clientid", "gateway", "creditid", "from_credit", "updated"})


class Payments(Resource[Payment]):
    """The payments of an account."""

    path = "payments/payments"
    thing, singular, plural, id_field = "payment", "payment", "payments", "logid"
    scope = "payments"

    @property
    def filters_vis_state(self) -> bool:  # type: ignore[override]
        """Undocumented for payments, hence a switch."""
        return self.world.switches["payments_vis_state_filter"] == "honoured"

    def rows(self, account: Account) -> dict[int, Payment]:
        """All payments."""
        return account.payments

    def candidates(self, account: Account, search: Mapping[str, list[str]]) -> Sequence[Payment]:
        """Those of one invoice are known without looking at all."""
        wanted = search.get("invoiceid", [""])[-1]
        if not wanted.isdecimal():
            return super().candidates(account, search)
        ids = account.payments_of_invoice.get(int(wanted), [])
        return [account.payments[payment_id] for payment_id in sorted(ids)]

    def client_of(self, row: Payment) -> int | None:
        """The customer may read it."""
        return row.client_id

    def create(self, account: Account, data: Mapping[str, Any]) -> Payment:
        """Record a payment; what is too much becomes credit of the client."""
        require(data, ("invoiceid", "amount", "date", "type"), "payment")
        given = self._clean(data)
        invoice = self._invoice(account, given["invoiceid"])
        amount = self._amount(data["amount"], invoice)
        return self.add(account, invoice, amount, given)

    def add(
        self, account: Account, invoice: Invoice, amount: Decimal, given: Mapping[str, Any]
    ) -> Payment:
        """Put a checked payment into the book; also used for what only FreshBooks makes."""
        parts, now = split(invoice, amount), self.world.now()
        payment = Payment(
            id=self.world.next_id(account, "payment"),
            invoice_id=invoice.id,
            client_id=invoice.client_id,
            amount=parts.taken,
            currency=invoice.currency,
            date=given["date"],
            type=given["type"],
            updated_at=now,
            note=given.get("note", ""),
            gateway=given.get("gateway"),
            credit_id=given.get("creditid"),
            transaction_id=given.get("transactionid"),
            send_client_notification=given.get("send_client_notification"),
        )
        account.payments[payment.id] = payment
        account.payments_of_invoice.setdefault(invoice.id, []).append(payment.id)
        if parts.excess > 0:
            book_overpayment(self.world, account, payment, parts.excess)
        self._notify_client(account, payment)
        self._settled(account, payment, "payment.create", now)
        return payment

    def update(self, account: Account, row: Payment, data: Mapping[str, Any]) -> None:
        """One phase: visibility or data. A deleted payment can be edited and stays deleted."""
        now, event = self.world.now(), "payment.update"
        if phase_of(data) == "vis_state":
            state = vis_state(data["vis_state"], (ACTIVE, DELETED), "payment")
            if state == DELETED != row.vis_state:
                event = "payment.delete"
                self._return_credit(account, row)
            row.vis_state = state
        elif phase_of(data) == "data":
            self._edit(account, row, data)
        row.updated_at = now
        self._settled(account, row, event, now)

    def _edit(self, account: Account, row: Payment, data: Mapping[str, Any]) -> None:
        given = self._clean(data)
        invoice = self._invoice(account, given.get("invoiceid", row.invoice_id), edited=row)
        amount = self._amount(data["amount"], invoice) if "amount" in data else row.amount
        if invoice.id != row.invoice_id:
            self._move(account, row, invoice)
        if "amount" in data:
            counted = row.amount if row.vis_state == ACTIVE else Decimal(0)
            parts = split(invoice, amount, counted)
            row.amount = parts.taken
            if parts.excess > 0:
                book_overpayment(self.world, account, row, parts.excess)
        row.date = given.get("date", row.date)
        row.type = given.get("type", row.type)
        row.note = given.get("note", row.note)
        row.transaction_id = given.get("transactionid", row.transaction_id)

    def _move(self, account: Account, row: Payment, invoice: Invoice) -> None:
        former = account.invoices[row.invoice_id]
        account.payments_of_invoice[former.id].remove(row.id)
        account.payments_of_invoice.setdefault(invoice.id, []).append(row.id)
        row.invoice_id, row.client_id = invoice.id, invoice.client_id
        settle(account, former, self.world.now())
        settle(account, invoice)

    def _return_credit(self, account: Account, row: Payment) -> None:
        """Deleting an applied credit frees it; an overpayment credit goes if the switch says."""
        if row.credit_id in account.credit_notes:
            account.credit_notes[row.credit_id].used -= row.amount
        goes = self.world.switches["deleted_overpayment_credit"] == "goes"
        if goes and row.overpayment_credit_id is not None:
            account.credit_notes[row.overpayment_credit_id].vis_state = DELETED

    def _settled(self, account: Account, payment: Payment, event: str, now: float) -> None:
        """Bump the invoice to the same second, then tell."""
        invoice = account.invoices[payment.invoice_id]
        counts = payment.vis_state == ACTIVE or event == "payment.delete"
        settle(account, invoice, now if counts else None)
        raise_event(self.world, account, event, payment.id)
        if counts and self.world.switches.on("payment_raises_invoice_update"):
            raise_event(self.world, account, "invoice.update", invoice.id)

    def _notify_client(self, account: Account, payment: Payment) -> None:
        wanted = payment.send_client_notification
        if wanted is None:
            wanted = self.world.switches.on("payment_notification_default")
        address = account.clients[payment.client_id].fields["email"]
        if wanted and address:
            email = {"to": [address], "about": f"Payment {payment.id}", "at": self.world.now()}
            account.emails.append(email)

    def _clean(self, data: Mapping[str, Any]) -> dict[str, Any]:
        switches = self.world.switches
        short = switches["note_limit"] == "255"
        checks: dict[str, Check] = {
            "invoiceid": integer,
            "date": calendar_date,
            "type": self._type,
            "note": text(NAME_LIMIT if short else LONG_LIMIT),
            "send_client_notification": lambda v: None if v is None else boolean(v),
        }
        if switches["transactionid_write"] == "stored":
            checks["transactionid"] = lambda value: value
        rest = {name: value for name, value in data.items() if name != "amount"}
        return clean(rest, checks, thing="payment", switches=switches, read_only=_READ_ONLY)

    def _type(self, value: Any) -> str:
        refused = self.world.switches["unknown_payment_type"] == "refused"
        if not isinstance(value, str) or (refused and value not in TYPES):
            raise Problem(INVALID, "Invalid payment type.", value=value)
        return value

    def _amount(self, value: Any, invoice: Invoice) -> Decimal:
        try:
            amount = money(value, invoice.currency)
            if amount < 0:
                raise Problem(NEGATIVE, "Amount must not be negative.", value=amount)
            if not self.world.money.fits(amount, invoice.currency):
                raise Problem(INVALID, "Too many decimals.", value=amount)
        except Problem as problem:
            raise problem.about("amount", "payment") from problem
        return amount

    def _invoice(self, account: Account, number: int, edited: Payment | None = None) -> Invoice:
        invoice = account.invoices.get(number)
        if invoice is None:
            raise not_found("invoice", "invoiceid", number)
        staying = edited is not None and edited.invoice_id == number
        if invoice.vis_state == DELETED and not staying:
            raise Problem(DELETED_ERRNO, "Invoice is deleted.", field="invoiceid", thing="payment")
        return invoice

    def render(self, account: Account, row: Payment, includes: Collection[str]) -> dict[str, Any]:
        """The payment as the API shows it."""
        shown = {
            "id": row.id,
            "logid": row.id,
            "accounting_systemid": account.account_id,
            "invoiceid": row.invoice_id,
            "clientid": row.client_id,
            "amount": self.world.money.json(row.amount, row.currency),
            "date": row.date.isoformat(),
            "type": row.type,
            "note": row.note,
            "gateway": row.gateway,
            "transactionid": row.transaction_id,
            "orderid": None,
            "creditid": row.credit_id,
            "overpaymentid": row.overpayment_id,
            "bulk_paymentid": None,
            "from_credit": row.credit_id is not None,
            "send_client_notification": row.send_client_notification,
            "updated": eastern_text(row.updated_at),
            "vis_state": row.vis_state,
        }
        if "invoice" in includes:
            invoice = account.invoices[row.invoice_id]
            shown["invoice"] = render_invoice(self.world, account, invoice, ())
        for name in ("order", "credit_note"):
            if name in includes:
                shown[name] = None
        return shown

    def filters(self, account: Account) -> Mapping[str, MakeFilter[Payment]]:
        """Keys documented for payments."""

        def client_name(row: Payment) -> str:
            return str(account.clients[row.client_id].fields["organization"])

        def kind(values: list[str]) -> Any:
            wanted = {"invoice": False, "credit": True}.get(values[-1])
            return None if wanted is None else lambda row: (row.credit_id is not None) is wanted

        return {
            "logid": equals_number(lambda row: row.id),
            "logids[]": in_numbers(lambda row: row.id),
            "invoiceid": equals_number(lambda row: row.invoice_id),
            "clientid": equals_number(lambda row: row.client_id),
            "clientids[]": in_numbers(lambda row: row.client_id),
            "customerid": equals_number(lambda row: row.client_id),
            "customerids[]": in_numbers(lambda row: row.client_id),
            "type": equals_text(lambda row: row.type),
            "currency": equals_text(lambda row: row.currency),
            "notes": contains(lambda row: row.note),
            "from_credit": is_true(lambda row: row.credit_id is not None),
            "client_name": contains(client_name),
            "number": equals_text(lambda row: account.invoices[row.invoice_id].number),
            "payment_or_credit": kind,
            **number_range("amount", lambda row: row.amount),
            **date_range("date", lambda row: row.date),
            **updated_range(self.world.switches),
        }
