"""FreshBooks invoice to Stripe invoice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.money import Money
from connector.vendors.freshbooks.records import FreshBooksInvoice


@dataclass(frozen=True, kw_only=True)
class InvoiceDraft:
    """Bodies of Stripe "create invoice" and "add lines" (in the order to send them)."""

    create: dict[str, Any]
    lines: tuple[dict[str, Any], ...]
    total: Money
    notes: tuple[str, ...]
    content_hash: str
    below_minimum: bool


def to_stripe_invoice(
    invoice: FreshBooksInvoice,
    *,
    customer_id: str,
    freshbooks_account_id: str,
    revision: int,
    now: datetime,
) -> InvoiceDraft:
    """Build the Stripe invoice that mirrors one FreshBooks invoice to the minor unit."""
    raise NotImplementedError


def content_hash(invoice: FreshBooksInvoice) -> str:
    """Hash over everything of the invoice that shows on the Stripe invoice."""
    raise NotImplementedError
