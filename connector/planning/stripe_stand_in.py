"""Stripe's stand-in for a rehearsal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from connector.mapping.invoices import stripe_sum
from connector.money import Money
from connector.planning.stand_in import Body, StandIn
from connector.vendors.stripe.records import (
    StripeCustomer,
    StripeInvoice,
    StripeInvoicePayment,
    StripePage,
    StripePaymentRecord,
    StripeTaxId,
)

MADE_CUSTOMER = "cus-"
MADE = "in-"  # how the ids begin of invoices that exist in the rehearsal only


@dataclass
class StripeStandIn(StandIn):
    """Stripe as it was read, with what the rehearsal made there on top."""

    vendor = "stripe"
    invoices: dict[str, StripeInvoice] = field(default_factory=dict)
    records: dict[str, StripePaymentRecord] = field(default_factory=dict)

    def collection(self, invoice_id: str) -> tuple[StripeInvoice, tuple[StripeInvoicePayment, ...]]:
        """An invoice and its payments, from the lists."""
        if invoice_id.startswith(MADE):
            return self.invoices[invoice_id], ()
        known = self.world.stripe_invoices.get(invoice_id)
        if known is None or self.world.stripe_payments is None:
            invoice, payments = self.read("collection", invoice_id)
        else:
            invoice, payments = known, self.world.stripe_payments.get(invoice_id, ())
        return self.invoices.get(invoice_id, invoice), payments

    def get_invoice(self, invoice_id: str) -> StripeInvoice:
        """From the list."""
        known = self._known(invoice_id)
        return known if known is not None else self._read_invoice(invoice_id)

    def find_customers(self, *, email: str) -> tuple[StripeCustomer, ...]:
        """Those with exactly this address."""
        if self.world.customers is None:
            found: tuple[StripeCustomer, ...] = self.read("find_customers", email=email)
            return found
        return tuple(row for row in self.world.customers if row.email == email)

    def list_customers(self, *, cursor: str = "") -> StripePage[StripeCustomer]:
        """All of them on one page."""
        if self.world.customers is None:
            page: StripePage[StripeCustomer] = self.read("list_customers", cursor=cursor)
            return page
        return StripePage(rows=self.world.customers, next_cursor="")

    def create_customer(self, body: Body, **_: str) -> StripeCustomer:
        """Noted."""
        metadata = dict(body.get("metadata", {}))
        self.note("create_customer", metadata.get("fb_client_id", ""), body)
        customer = f"{MADE_CUSTOMER}{metadata.get('fb_client_id', '')}"
        return _customer(customer, body)

    def update_customer(self, customer_id: str, body: Body, **_: str) -> StripeCustomer:
        """Noted."""
        self.note("update_customer", customer_id, body)
        return _customer(customer_id, body)

    def list_tax_ids(self, customer_id: str, *, cursor: str = "") -> StripePage[StripeTaxId]:
        """Of a customer that is there; one of the rehearsal has what it was made with."""
        if customer_id.startswith(MADE_CUSTOMER):
            return StripePage(rows=(), next_cursor="")
        page: StripePage[StripeTaxId] = self.read("list_tax_ids", customer_id, cursor=cursor)
        return page

    def create_tax_id(self, customer_id: str, body: Body, **_: str) -> StripeTaxId:
        """Noted."""
        self.note("create_tax_id", customer_id, body)
        kind, value = str(body["type"]), str(body["value"])
        return StripeTaxId(id=f"txi-{value}", type=kind, value=value, created_at=datetime.now(UTC))

    def delete_tax_id(self, customer_id: str, tax_id: str) -> None:
        """Noted."""
        self.note("delete_tax_id", customer_id, {"id": tax_id})

    def create_invoice(self, body: Body, **_: str) -> StripeInvoice:
        """Noted; an empty draft."""
        made = _empty_draft(f"{MADE}{len(self.invoices) + 1}", body)
        self.note("create_invoice", made.id, body)
        return self._keep(made)

    def update_invoice(self, invoice_id: str, body: Body, **_: str) -> StripeInvoice:
        """Noted."""
        self.note("update_invoice", invoice_id, body)
        return self.get_invoice(invoice_id)

    def add_invoice_lines(self, invoice_id: str, lines: Sequence[Body], **_: str) -> StripeInvoice:
        """Noted; the total grows by the lines and their taxes."""
        before = self.get_invoice(invoice_id)
        added = Money.from_stripe(stripe_sum([dict(line) for line in lines]), before.currency)
        self.note("add_lines", invoice_id, {"lines": [dict(line) for line in lines]})
        total = before.total + added
        return self._keep(replace(before, total=total, amount_due=total, amount_remaining=total))

    def finalize_invoice(self, invoice_id: str, **_: str) -> StripeInvoice:
        """Noted; payable."""
        return self._end("finalize", invoice_id, status="open")

    def send_invoice(self, invoice_id: str, **_: str) -> StripeInvoice:
        """Noted; payable and e-mailed."""
        return self._end("send", invoice_id, status="open")

    def void_invoice(self, invoice_id: str, **_: str) -> StripeInvoice:
        """Noted."""
        return self._end("void", invoice_id, status="void")

    def delete_draft_invoice(self, invoice_id: str) -> None:
        """Noted."""
        self._end("delete", invoice_id, status="deleted")

    def pay_invoice_out_of_band(self, invoice_id: str, **_: str) -> StripeInvoice:
        """Noted; nothing remains."""
        remaining = self.get_invoice(invoice_id).amount_remaining
        return self._settle("pay_out_of_band", invoice_id, remaining)

    def report_payment_record(self, body: Body, **_: str) -> StripePaymentRecord:
        """Noted; it counts once it is attached."""
        asked = body["amount_requested"]
        amount = Money.from_stripe(asked["value"], str(asked["currency"]).upper())
        made = StripePaymentRecord(
            id=f"pr-{len(self.records) + 1}",
            amount=amount,
            payment_reference="",
            created_at=datetime.now(UTC),
            metadata={},
            refunded=Money.zero(amount.currency),
        )
        self.records[made.id] = made
        return made

    def attach_payment_record(
        self, invoice_id: str, payment_record_id: str, **_: str
    ) -> StripeInvoice:
        """Noted; the remainder shrinks. One that an earlier run reported is read."""
        known = self.records.get(payment_record_id)
        record = known or self.read("get_payment_record", payment_record_id)
        return self._settle("attach_payment", invoice_id, record.amount)

    def report_record_refund(
        self, payment_record_id: str, body: Body, **_: str
    ) -> StripePaymentRecord:
        """Noted; what an invoice counts of the record stays."""
        known = self.records.get(payment_record_id) or self.read(
            "get_payment_record", payment_record_id
        )
        back = Money.from_stripe(body["amount"]["value"], known.amount.currency)
        self.note("report_refund", payment_record_id, {"amount": str(back)})
        made: StripePaymentRecord = replace(known, refunded=known.refunded + back)
        self.records[made.id] = made
        return made

    def attach_payment_intent(
        self, invoice_id: str, payment_intent_id: str, **_: str
    ) -> StripeInvoice:
        """Noted; a payment of Stripe's own counts as far as something remains."""
        received: Money = self.read("get_payment_intent", payment_intent_id).amount_received
        remaining = self.get_invoice(invoice_id).amount_remaining
        counts = min(received, remaining)
        return self._settle("attach_payment", invoice_id, counts)

    def _settle(self, name: str, invoice_id: str, amount: Money) -> StripeInvoice:
        before = self.get_invoice(invoice_id)
        self.note(name, invoice_id, {"amount": str(amount)})
        left = before.amount_remaining - amount
        status = "paid" if left.is_zero else before.status
        paid = before.amount_paid + amount
        return self._keep(replace(before, status=status, amount_paid=paid, amount_remaining=left))

    def _end(self, name: str, invoice_id: str, *, status: str) -> StripeInvoice:
        before = self.get_invoice(invoice_id)
        body = {"number": before.number, "status": before.status, "total": str(before.total)}
        self.note(name, invoice_id, body)
        return self._keep(replace(before, status=status))

    def _known(self, invoice_id: str) -> StripeInvoice | None:
        return self.invoices.get(invoice_id) or self.world.stripe_invoices.get(invoice_id)

    def _read_invoice(self, invoice_id: str) -> StripeInvoice:
        """The whole collection was usually read already, and has it."""
        invoice, _ = self.read("collection", invoice_id)
        answer: StripeInvoice = invoice
        return answer

    def _keep(self, invoice: StripeInvoice) -> StripeInvoice:
        self.invoices[invoice.id] = invoice
        return invoice


def _customer(customer_id: str, body: Body) -> StripeCustomer:
    return StripeCustomer(
        id=customer_id,
        name=str(body.get("name", "")),
        email=str(body.get("email", "")),
        deleted=False,
        metadata=dict(body.get("metadata", {})),
    )


def _empty_draft(invoice_id: str, body: Body) -> StripeInvoice:
    currency = str(body["currency"]).upper()
    zero = Money.zero(currency)
    return StripeInvoice(
        id=invoice_id,
        status="draft",
        number=str(body.get("number", "")),
        customer_id=str(body["customer"]),
        total=zero,
        amount_due=zero,
        amount_paid=zero,
        amount_remaining=zero,
        amount_overpaid=zero,
        pre_payment_credits=zero,
        post_payment_credits=zero,
        starting_balance_minor=0,
        currency=currency,
        due_date=None,
        finalized_at=None,
        paid_at=None,
        hosted_invoice_url="",
        livemode=False,
        metadata=dict(body.get("metadata", {})),
    )
