"""What was collected on Stripe invoices, and telling Stripe of money collected elsewhere."""

from __future__ import annotations

from datetime import datetime

from connector.errors import VendorContractBroken
from connector.vendors.reading import Fields
from connector.vendors.stripe.api import Body, StripeApi, path_to
from connector.vendors.stripe.pages import all_readable, page_params, to_page
from connector.vendors.stripe.parsing import to_invoice, to_invoice_payment, to_payment_record
from connector.vendors.stripe.records import (
    StripeInvoice,
    StripeInvoicePayment,
    StripePage,
    StripePaymentRecord,
)

MAX_COLLECTION_PAGES = 20
WITH_METHOD = "data.payment.payment_intent.latest_charge"
Collected = tuple[StripeInvoice | None, StripeInvoicePayment]


class PaymentCalls(StripeApi):
    """Operations stripe.invoice_payments.* and stripe.payment_records.*."""

    def collection(self, invoice_id: str) -> tuple[StripeInvoice, tuple[StripeInvoicePayment, ...]]:
        """An invoice and all payments on it, in one read for most invoices.

        The invoice comes expanded with its payments; one without any, or an answer that does not
        expand it, costs a second read. The invoice may be a moment older than the payments only if
        they take more than one page.
        """
        payments: list[StripeInvoicePayment] = []
        invoice: StripeInvoice | None = None
        cursor = ""
        for _ in range(MAX_COLLECTION_PAGES):
            page = self._collection_page(invoice_id, cursor)
            for expanded, payment in page.rows:
                payments.append(payment)
                invoice = invoice or expanded
            cursor = page.next_cursor
            if not cursor:
                break
        else:
            raise VendorContractBroken(
                f"Stripe lists more than {MAX_COLLECTION_PAGES} pages of payments of one invoice.",
                vendor="stripe",
                operation="stripe.invoice_payments.collection",
            )
        if invoice is None:
            invoice = self._invoice_of_collection(invoice_id)
        return invoice, tuple(payments)

    def _collection_page(self, invoice_id: str, cursor: str) -> StripePage[Collected]:
        """One page of one invoice's payments. All must be readable: a sum is made of them."""

        def parse(source: Fields) -> StripePage[Collected]:
            page = all_readable(to_page(_with_invoice)(source))
            if any(payment.invoice_id != invoice_id for _, payment in page.rows):
                raise source.broken(
                    "data.invoice", expected=f"only rows of {invoice_id}", found="other rows"
                )
            return page

        return self.read(
            "stripe.invoice_payments.collection",
            path_to("invoice_payments"),
            parse,
            params={
                **page_params(cursor),
                "invoice": invoice_id,
                "expand": [WITH_METHOD, "data.invoice"],
            },
        )

    def _invoice_of_collection(self, invoice_id: str) -> StripeInvoice:
        return self.read("stripe.invoices.get", path_to("invoices", invoice_id), to_invoice)

    def list_invoice_payments(
        self, *, cursor: str = "", created_gte: datetime | None = None
    ) -> StripePage[StripeInvoicePayment]:
        """One page of payments on any invoice of the account, newest first, with their methods."""
        params = page_params(cursor, created_gte=created_gte)
        return self.read(
            "stripe.invoice_payments.list",
            path_to("invoice_payments"),
            to_page(to_invoice_payment),
            params={**params, "expand": [WITH_METHOD]},
        )

    def report_payment_record(self, body: Body, *, idempotency_key: str) -> StripePaymentRecord:
        """Report money that was received outside Stripe, e.g. a cheque."""
        return self.write(
            "stripe.payment_records.report",
            path_to("payment_records", "report_payment"),
            to_payment_record,
            body=body,
            idempotency_key=idempotency_key,
        )

    def get_payment_record(self, payment_record_id: str) -> StripePaymentRecord:
        """One payment record; its metadata tells whether it mirrors a FreshBooks payment."""
        return self.read(
            "stripe.payment_records.get",
            path_to("payment_records", payment_record_id),
            to_payment_record,
        )

    def report_record_refund(
        self, payment_record_id: str, body: Body, *, idempotency_key: str
    ) -> StripePaymentRecord:
        """Report that money received outside Stripe went back, or was never there.

        An invoice that the record is attached to may go on counting it: a payment is not detached.
        """
        return self.write(
            "stripe.payment_records.report_refund",
            path_to("payment_records", payment_record_id, "report_refund"),
            to_payment_record,
            body=body,
            idempotency_key=idempotency_key,
        )

    def attach_payment_record(
        self, invoice_id: str, payment_record_id: str, *, idempotency_key: str
    ) -> StripeInvoice:
        """Count a payment record towards an invoice; it cannot be detached again."""
        return self.write(
            "stripe.invoices.attach_payment",
            path_to("invoices", invoice_id, "attach_payment"),
            to_invoice,
            body={"payment_record": payment_record_id},
            idempotency_key=idempotency_key,
        )

    def attach_payment_intent(
        self, invoice_id: str, payment_intent_id: str, *, idempotency_key: str
    ) -> StripeInvoice:
        """Count a payment of Stripe's own towards an invoice; it cannot be detached again."""
        return self.write(
            "stripe.invoices.attach_payment",
            path_to("invoices", invoice_id, "attach_payment"),
            to_invoice,
            body={"payment_intent": payment_intent_id},
            idempotency_key=idempotency_key,
        )


def _with_invoice(source: Fields) -> Collected:
    expanded = isinstance(source.data.get("invoice"), dict)
    invoice = to_invoice(source.child("invoice")) if expanded else None
    return invoice, to_invoice_payment(source)
