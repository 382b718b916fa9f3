"""FreshBooks invoice to Stripe invoice, to the minor unit or not at all.

The head of the invoice and the checks on the whole; `lines` and `taxes` do the parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from connector.currencies import MINIMUM_CHARGE_MINOR
from connector.errors import NotRepresentable, UnsupportedCurrency
from connector.idempotency import body_hash
from connector.mapping.clients import require_email
from connector.mapping.lines import line_bodies
from connector.mapping.taxes import tax_lines
from connector.mapping.text import clean, clean_lines, fit, plain_decimal, shorten
from connector.money import Money
from connector.vendors.freshbooks.records import FreshBooksInvoice, InvoiceLine

MAX_NUMBER = 26
MAX_MEMO = 1500
MAX_FOOTER = 5000
MAX_FIELD_VALUE = 140
MAX_METADATA_VALUE = 500
# Stripe refuses a due date that has passed when the call arrives. How far ahead it must be is not
# documented, so an hour is kept, and some time for the call.
DUE_DATE_MARGIN = timedelta(minutes=70)
_SAFE_NUMBER = re.compile(r"[A-Za-z0-9._/-]+")

__all__ = [
    "InvoiceDraft",
    "content_hash",
    "require_email",
    "stripe_sum",
    "to_stripe_invoice",
]


@dataclass(frozen=True, kw_only=True)
class InvoiceDraft:
    """What to send for one invoice.

    `create` is the body of "create invoice". `lines` are the bodies for "add lines" in the order to
    send them: last line first, because Stripe lists new lines before older ones. `total` is what
    Stripe's total must be before the invoice may be finalized. `below_minimum` says that Stripe
    would mark the invoice paid by itself instead of collecting it.
    """

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
    """Build the Stripe invoice that mirrors one FreshBooks invoice to the minor unit.

    Shapes: bodies of Stripe "create invoice" and "add lines". `create` depends on `now` once the due
        date is near or past, so a repeated call with the same idempotency key must send the stored
        body, not a newly built one.
    Units: Stripe's integers; lines and taxes sum to exactly `invoice.amount`.
    Raises: NotRepresentable with the reason; UnsupportedCurrency; AmountNotRepresentable.
    """
    if now.tzinfo is None or revision < 1:
        raise ValueError("`now` needs a time zone and revisions count from 1.")
    _require_one_currency(invoice)
    if invoice.amount.is_negative:
        raise NotRepresentable(
            f"The invoice comes to {invoice.amount}; Stripe cannot collect a negative amount.",
            next_step="Issue a credit or pay the client back; this invoice is not sent to Stripe.",
            vendor="stripe",
        )
    invoice.amount.to_stripe()
    notes: list[str] = []
    if invoice.deposit:
        notes.append(
            f"FreshBooks asks for a deposit of {invoice.deposit} first; Stripe has no deposits and asks "
            "for the whole. What is paid of it in FreshBooks is reported to Stripe as usual."
        )
    bodies = line_bodies(invoice, tax_lines(invoice, notes), notes)
    _require_exact(invoice, bodies)
    create = _head(invoice, revision=revision, now=now, notes=notes)
    create["customer"] = customer_id
    create["metadata"] = _metadata(invoice, freshbooks_account_id, revision)
    below_minimum = _below_minimum(invoice.amount, notes)
    return InvoiceDraft(
        create=create,
        lines=tuple(reversed(bodies)),
        total=invoice.amount,
        notes=tuple(dict.fromkeys(notes)),
        content_hash=content_hash(invoice),
        below_minimum=below_minimum,
    )


def content_hash(invoice: FreshBooksInvoice) -> str:
    """Hash over everything of the invoice that shows on the Stripe invoice.

    Left out on purpose: payments, status, `updated`, line ids (FreshBooks renumbers them on every
    change), our revision, and anything that depends on the present time.
    """
    return body_hash(
        {
            "client": invoice.client_id,
            "number": invoice.number,
            "dates": [invoice.create_date.isoformat(), invoice.due_date.isoformat()],
            "currency": invoice.currency_code,
            "texts": [invoice.po_number, invoice.notes, invoice.terms],
            "amount": invoice.amount.to_decimal_string(),
            "discount": [
                plain_decimal(invoice.discount_percent),
                invoice.discount_total.to_decimal_string(),
                invoice.discount_description,
            ],
            "lines": [_line_content(line) for line in invoice.lines],
        }
    )


def stripe_sum(lines: Iterable[dict[str, Any]]) -> int:
    """What Stripe will make of these lines: amounts and taxes, in Stripe's integers."""
    total = 0
    for line in lines:
        if "amount" in line:
            total += line["amount"]
        else:
            total += line["price_data"]["unit_amount"] * line["quantity"]
        total += sum(tax["amount"] for tax in line.get("tax_amounts", ()))
    return total


def _line_content(line: InvoiceLine) -> list[object]:
    return [
        line.name,
        line.description,
        plain_decimal(line.quantity),
        plain_decimal(line.unit_cost),
        line.amount.to_decimal_string(),
        [[tax.name, plain_decimal(tax.percent), tax.number] for tax in line.taxes],
        line.compounded_tax,
    ]


def _require_one_currency(invoice: FreshBooksInvoice) -> None:
    amounts = [invoice.amount, invoice.discount_total, *(line.amount for line in invoice.lines)]
    others = {amount.currency for amount in amounts} - {invoice.currency_code}
    if others:
        raise UnsupportedCurrency(
            f"The invoice is in {invoice.currency_code} but has amounts in "
            f"{', '.join(sorted(others))}.",
            next_step="Check the invoice in FreshBooks.",
            vendor="freshbooks",
        )


def _require_exact(invoice: FreshBooksInvoice, bodies: list[dict[str, Any]]) -> None:
    """The last gate: whatever the parts did, the bodies must sum to FreshBooks' total."""
    expected, found = invoice.amount.to_stripe(), stripe_sum(bodies)
    if expected != found:
        raise NotRepresentable(
            f"The Stripe lines would not sum to the invoice's total of {invoice.amount} "
            f"(expected {expected}, found {found} in Stripe's units)."
        )


def _head(
    invoice: FreshBooksInvoice, *, revision: int, now: datetime, notes: list[str]
) -> dict[str, Any]:
    head: dict[str, Any] = {
        "collection_method": "send_invoice",
        "auto_advance": False,
        "pending_invoice_items_behavior": "exclude",
        "currency": invoice.currency_code.lower(),
        # Empty: a coupon on the Stripe customer must not change FreshBooks' total.
        "discounts": "",
    }
    fields: dict[str, str] = {}
    head |= _number(invoice, revision, fields)
    if invoice.po_number.strip():
        fields["PO number"] = clean(invoice.po_number)
    head |= _dates(invoice, now, fields, notes)
    if memo := clean_lines(invoice.notes):
        head["description"] = fit(memo, MAX_MEMO, what="Notes", notes=notes)
    if footer := clean_lines(invoice.terms):
        head["footer"] = fit(footer, MAX_FOOTER, what="Terms", notes=notes)
    shown = [
        {"name": name, "value": fit(value, MAX_FIELD_VALUE, what=name, notes=notes)}
        for name, value in fields.items()
        if value
    ]
    return head | ({"custom_fields": shown} if shown else {})


def _number(invoice: FreshBooksInvoice, revision: int, fields: dict[str, str]) -> dict[str, str]:
    """FreshBooks' number as Stripe's where it fits; otherwise Stripe makes one and ours is shown."""
    ours = clean(invoice.number)
    suffix = f"-R{revision}" if revision > 1 else ""
    number = ours[: MAX_NUMBER - len(suffix)] + suffix if suffix else ours
    safe = _SAFE_NUMBER.fullmatch(ours) is not None and len(number) <= MAX_NUMBER
    if not safe or number != ours:
        fields["Invoice number"] = ours
    return {"number": number} if safe else {}


def _dates(
    invoice: FreshBooksInvoice, now: datetime, fields: dict[str, str], notes: list[str]
) -> dict[str, int]:
    """Due and issue date. Stripe refuses a due date in the past, so then the soonest one is used."""
    dates: dict[str, int] = {}
    due = datetime.combine(invoice.due_date, time(23, 59, 59), UTC)
    if due <= now + DUE_DATE_MARGIN:
        due = (now + timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
        fields["Due date"] = invoice.due_date.isoformat()
        notes.append(
            f"Due date {invoice.due_date.isoformat()} has passed, or is about to; Stripe takes only "
            "future ones, so the soonest is used and the original is shown on the invoice."
        )
    dates["due_date"] = int(due.timestamp())
    # Noon UTC is the same calendar day nearly everywhere; on the day itself noon may be ahead.
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    issued = datetime.combine(invoice.create_date, time(12), UTC)
    if invoice.create_date <= now.astimezone(UTC).date() and invoice.create_date.year >= 1970:
        dates["effective_at"] = int(min(issued, this_hour).timestamp())
    else:
        fields["Invoice date"] = invoice.create_date.isoformat()
        notes.append("The invoice date is in the future; Stripe will print the day of sending.")
    return dates


def _metadata(invoice: FreshBooksInvoice, account_id: str, revision: int) -> dict[str, str]:
    metadata = {
        "fb_account": account_id,
        "fb_invoice_id": str(invoice.id),
        "fb_invoice_number": shorten(clean(invoice.number), MAX_METADATA_VALUE),
        "fb_revision": str(revision),
    }
    return {name: value for name, value in metadata.items() if value}


def _below_minimum(total: Money, notes: list[str]) -> bool:
    minimum = MINIMUM_CHARGE_MINOR.get(total.currency, 1)
    if total.amount_minor >= minimum:
        return False
    notes.append(
        f"{total} is below the smallest amount Stripe collects ({Money(minimum, total.currency)}): "
        "Stripe would mark the invoice paid and put the amount on the customer's balance."
    )
    return True
