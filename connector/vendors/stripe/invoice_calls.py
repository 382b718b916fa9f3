"""Invoices of a Stripe account: draft, lines, finalize, send, void, and paid elsewhere.

Bodies are built by `connector.mapping`; what order the calls come in is `connector.sync`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.vendors.stripe.api import Body, StripeApi, path_to
from connector.vendors.stripe.pages import page_params, to_page
from connector.vendors.stripe.parsing import to_invoice
from connector.vendors.stripe.records import StripeInvoice, StripePage


class InvoiceCalls(StripeApi):
    """Operations stripe.invoices.* and stripe.invoice_lines.*."""

    def create_invoice(self, body: Body, *, idempotency_key: str) -> StripeInvoice:
        """Create a draft."""
        return self.write(
            "stripe.invoices.create",
            path_to("invoices"),
            to_invoice,
            body=body,
            idempotency_key=idempotency_key,
        )

    def update_invoice(self, invoice_id: str, body: Body, *, idempotency_key: str) -> StripeInvoice:
        """Change the fields that `body` names; after finalization only metadata can change."""
        return self.write(
            "stripe.invoices.update",
            path_to("invoices", invoice_id),
            to_invoice,
            body=body,
            idempotency_key=idempotency_key,
        )

    def add_invoice_lines(
        self, invoice_id: str, lines: Sequence[Body], *, idempotency_key: str
    ) -> StripeInvoice:
        """Add lines to a draft in one call; 250 items fit on an invoice. Chunks are the caller's."""
        return self._act(
            "add_lines",
            invoice_id,
            {"lines": [dict(line) for line in lines]},
            idempotency_key=idempotency_key,
        )

    def finalize_invoice(self, invoice_id: str, *, idempotency_key: str) -> StripeInvoice:
        """Make a draft collectible. Stripe must not mail or remind by itself: no auto_advance."""
        return self._act(
            "finalize", invoice_id, {"auto_advance": False}, idempotency_key=idempotency_key
        )

    def send_invoice(self, invoice_id: str, *, idempotency_key: str) -> StripeInvoice:
        """Have Stripe e-mail the invoice to the customer; finalizes a draft."""
        return self._act("send", invoice_id, {}, idempotency_key=idempotency_key)

    def void_invoice(self, invoice_id: str, *, idempotency_key: str) -> StripeInvoice:
        """Void an open invoice; refused once a payment is on it."""
        return self._act("void", invoice_id, {}, idempotency_key=idempotency_key)

    def pay_invoice_out_of_band(self, invoice_id: str, *, idempotency_key: str) -> StripeInvoice:
        """Mark the whole remainder as paid outside Stripe; no charge is made."""
        return self._act(
            "pay", invoice_id, {"paid_out_of_band": True}, idempotency_key=idempotency_key
        )

    def delete_draft_invoice(self, invoice_id: str) -> None:
        """Delete a draft; refused for anything else."""
        self.delete("stripe.invoices.delete", path_to("invoices", invoice_id))

    def get_invoice(self, invoice_id: str) -> StripeInvoice:
        """One invoice; `status` is "deleted" if Stripe answers so for a deleted draft."""
        return self.read("stripe.invoices.get", path_to("invoices", invoice_id), to_invoice)

    def list_invoices(
        self,
        *,
        cursor: str = "",
        created_gte: datetime | None = None,
        customer: str | None = None,
    ) -> StripePage[StripeInvoice]:
        """One page of invoices, newest first, foreign ones included."""
        params = page_params(cursor, created_gte=created_gte)
        if customer is not None:
            params["customer"] = customer
        return self.read(
            "stripe.invoices.list", path_to("invoices"), to_page(to_invoice), params=params
        )

    def _act(
        self, verb: str, invoice_id: str, body: Body, *, idempotency_key: str
    ) -> StripeInvoice:
        return self.write(
            f"stripe.invoices.{verb}",
            path_to("invoices", invoice_id, verb),
            to_invoice,
            body=body,
            idempotency_key=idempotency_key,
        )
