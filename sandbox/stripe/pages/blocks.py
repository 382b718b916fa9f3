"""Rows and badges that the pages are made of."""

from html import escape
from urllib.parse import urlsplit

from sandbox.stripe.book import Account
from sandbox.stripe.money import shown
from sandbox.stripe.types import Obj

SHOWN_ROWS = 200
NOTICES = {
    "succeeds": "Your payment has arrived. Thank you!",
    "processing": "Your bank debit is on its way. This takes a few days.",
    "fails": "Your card was declined. Please try another way to pay.",
    "bad_amount": "Please enter an amount such as 120.00.",
}


def badge(word: str) -> str:
    """Give a small colored label."""
    return f'<span class="badge {escape(word)}">{escape(word)}</span>'


def invoice_rows(account: Account) -> str:
    """Give the newest invoices of an account."""
    rows = []
    for invoice in list(reversed(account.table("invoice").values()))[:SHOWN_ROWS]:
        number = escape(invoice["number"] or "draft")
        url = invoice["hosted_invoice_url"]
        label = f'<a href="{escape(urlsplit(url).path)}">{number}</a>' if url else number
        currency = invoice["currency"]
        rows.append(
            f"<tr><td>{label}</td><td>{escape(invoice['customer_name'] or '')}</td>"
            f"<td>{badge(invoice['status'])}</td>"
            f'<td class="num">{shown(invoice["total"], currency)}</td>'
            f'<td class="num">{shown(invoice["amount_remaining"], currency)}</td></tr>'
        )
    return "".join(rows)


def payment_rows(account: Account) -> str:
    """Give the newest payments of an account."""
    rows = []
    for charge in list(reversed(account.table("charge").values()))[:SHOWN_ROWS]:
        state = "refunded" if charge["refunded"] else charge["status"]
        marks = badge(state) + (badge("disputed") if charge["disputed"] else "")
        rows.append(
            f"<tr><td><code>{charge['id']}</code></td>"
            f"<td>{escape(charge['payment_method_details']['type'])}</td><td>{marks}</td>"
            f'<td class="num">{shown(charge["amount"], charge["currency"])}</td></tr>'
        )
    return "".join(rows)


def line_rows(lines: list[Obj], currency: str) -> str:
    """Give the lines of an invoice."""
    return "".join(
        f"<tr><td>{escape(line['description'] or '')}</td>"
        f'<td class="num">{escape(line["quantity_decimal"])}</td>'
        f'<td class="num">{shown(line["amount"], currency)}</td></tr>'
        for line in lines
    )


def total_rows(account: Account, invoice: Obj) -> str:
    """Give subtotal, taxes, total, balance, what is paid and what remains."""
    rows = [("Subtotal", invoice["subtotal"])]
    for tax in invoice["total_taxes"]:
        rate = account.table("tax_rate")[tax["tax_rate_details"]["tax_rate"]]
        label = f"{rate['display_name']} ({rate['percentage']} %)"
        rows.append((label, tax["amount"]))
    rows.append(("Total", invoice["total"]))
    applied = invoice["starting_balance"] - (invoice["ending_balance"] or 0)
    if applied:
        rows.append(("Applied balance", applied))
    if invoice["pre_payment_credit_notes_amount"]:
        rows.append(("Credit notes", -invoice["pre_payment_credit_notes_amount"]))
    if invoice["amount_paid"]:
        rows.append(("Paid", -invoice["amount_paid"]))
    rows.append(("Amount remaining", invoice["amount_remaining"]))
    return "".join(
        f'<tr><td>{escape(label)}</td><td class="num">{shown(amount, invoice["currency"])}</td></tr>'
        for label, amount in rows
    )
