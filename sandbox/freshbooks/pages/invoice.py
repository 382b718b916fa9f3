"""The page of one invoice, for its business and for its client."""

from html import escape
from typing import Any

from sandbox.core.vendor import Response
from sandbox.freshbooks.acts import Acts
from sandbox.freshbooks.book import DELETED, DRAFT, Account, Invoice
from sandbox.freshbooks.pages.layout import (
    badge,
    button,
    choice,
    field,
    form,
    link,
    page,
    section,
    table,
)
from sandbox.freshbooks.payments import TYPES
from sandbox.freshbooks.world import World

_LINE_FIELDS = (
    ("name", "Item", 14),
    ("description", "Description", 18),
    ("qty", "Quantity", 4),
    ("unit_cost", "Unit price", 7),
    ("taxName1", "Tax", 5),
    ("taxAmount1", "%", 3),
    ("taxName2", "Second tax", 5),
    ("taxAmount2", "%", 3),
)
_KEPT_LINE_FIELDS = ("taxNumber1", "taxNumber2", "compounded_tax")
"""Not shown in the form, but an edit must not lose them."""


def invoice_page(account: Account, invoice: Invoice, acts: Acts, error: str) -> Response:
    """Figures, lines, payments, and what a bookkeeper can do with them."""
    shown = acts.invoices.render(account, invoice, ("lines",))
    base = f"/business/{account.account_id}/invoices/{invoice.id}"
    parts = [
        link(f"/business/{account.account_id}", "← all invoices"),
        section("Figures", _figures(shown), _buttons(base, invoice)),
        section("Lines", _lines_table(shown["lines"])),
        section("Payments", _payments(account, invoice, acts, base), _payment_form(base, shown)),
    ]
    if invoice.vis_state != DELETED:
        parts.append(section("Edit", _edit_form(base, shown)))
    return page(f"Invoice {invoice.number}", *parts, error=error)


def public_invoice_page(world: World, account: Account, invoice: Invoice, acts: Acts) -> Response:
    """What the client sees behind the share link."""
    if invoice.status == DRAFT or invoice.vis_state == DELETED:
        return page("Not found", error="This invoice is not available.", status=404)
    shown = acts.invoices.render(account, invoice, ("lines",))
    business = world.book.businesses[account.business_id]
    return page(
        f"Invoice {invoice.number} from {business.name}",
        section("Figures", _figures(shown)),
        section("Lines", _lines_table(shown["lines"])),
    )


def line_inputs(lines: list[dict[str, Any]]) -> str:
    """A row of inputs per line; empty ones are left out when read."""
    rows = [
        [_line_input(line, name, number, label, size) for name, label, size in _LINE_FIELDS]
        for number, line in enumerate(lines)
    ]
    kept = "".join(
        f'<input type="hidden" name="{name}-{number}" value="{escape(str(line[name]), quote=True)}">'
        for number, line in enumerate(lines)
        for name in _KEPT_LINE_FIELDS
        if line.get(name)
    )
    return table([label for _, label, _ in _LINE_FIELDS], rows, "") + kept


def _line_input(line: dict[str, Any], name: str, number: int, label: str, size: int) -> str:
    value = line.get(name)
    if name == "unit_cost" and value:
        value = value["amount"]
    if name.startswith("taxAmount") and not line.get(f"taxName{name[-1]}"):
        value = ""
    shown = "" if value is None else escape(str(value), quote=True)
    return f'<input name="{name}-{number}" size="{size}" value="{shown}" aria-label="{label}">'


def read_lines_form(form_data: dict[str, str]) -> list[dict[str, Any]]:
    """The lines of a form, as the API takes them."""
    lines: list[dict[str, Any]] = []
    names = [name for name, _, _ in _LINE_FIELDS] + list(_KEPT_LINE_FIELDS)
    for number in range(100):
        if f"name-{number}" not in form_data:
            break
        line: dict[str, Any] = {name: form_data.get(f"{name}-{number}", "") for name in names}
        if line["name"] or line["unit_cost"]:
            line["qty"] = line["qty"] or "1"
            line["unit_cost"] = {"amount": line["unit_cost"] or "0"}
            line["compounded_tax"] = line["compounded_tax"] == "True"
            lines.append({name: value for name, value in line.items() if value != ""})
    return lines


def _figures(shown: dict[str, Any]) -> str:
    figures = [
        ("Client", escape(shown["current_organization"] or "")),
        ("Status", badge(shown["v3_status"])),
        ("Payment status", badge(shown["payment_status"])),
        ("Date", escape(shown["create_date"])),
        ("Due", escape(shown["due_date"])),
        ("Total", escape(f"{shown['amount']['amount']} {shown['currency_code']}")),
        ("Paid", escape(shown["paid"]["amount"])),
        ("Outstanding", escape(shown["outstanding"]["amount"])),
        ("Last change", escape(shown["updated"])),
    ]
    cells = "".join(f"<tr><th>{name}</th><td>{html}</td></tr>" for name, html in figures)
    return f"<table>{cells}</table>"


def _buttons(base: str, invoice: Invoice) -> str:
    buttons = []
    if invoice.status == DRAFT and invoice.vis_state != DELETED:
        buttons.append(button(f"{base}/send", "Send", "primary"))
    if invoice.vis_state != DELETED:
        buttons.append(button(f"{base}/delete", "Delete invoice", "danger"))
    else:
        buttons.append('<p class="quiet">This invoice is deleted.</p>')
    return f'<div class="actions">{"".join(buttons)}</div>'


def _lines_table(lines: list[dict[str, Any]]) -> str:
    rows = [
        (
            escape(line["name"]),
            escape(line["description"]),
            escape(line["qty"]),
            escape(line["unit_cost"]["amount"]),
            escape(" + ".join(_tax_texts(line))),
            escape(line["amount"]["amount"]),
        )
        for line in lines
    ]
    headings = ["Item", "Description", ">Quantity", ">Unit price", "Tax", ">Amount"]
    return table(headings, rows, "No lines.")


def _tax_texts(line: dict[str, Any]) -> list[str]:
    return [
        f"{line[f'taxName{which}']} {line[f'taxAmount{which}']} %"
        for which in ("1", "2")
        if line[f"taxName{which}"]
    ]


def _payments(account: Account, invoice: Invoice, acts: Acts, base: str) -> str:
    rows = []
    for number in account.payments_of_invoice.get(invoice.id, []):
        payment = account.payments[number]
        if payment.vis_state == DELETED:
            continue
        shown = acts.payments.render(account, payment, ())
        amount = shown["amount"]["amount"]
        inputs = _payment_inputs(amount, shown["date"], shown["type"], shown["note"])
        rows.append(
            (
                escape(f"{amount} {payment.currency}"),
                form(f"{base}/payments/{number}", *inputs, button="Save"),
                button(f"{base}/payments/{number}/delete", "Delete", "danger"),
            )
        )
    return table([">Amount", "Edit", ""], rows, "No payment yet.")


def _payment_form(base: str, shown: dict[str, Any]) -> str:
    # No date: the act takes today's.
    inputs = _payment_inputs(shown["outstanding"]["amount"], "", "Check", "")
    return "<h2>Record a payment</h2>" + form(f"{base}/payments", *inputs, button="Record")


def _payment_inputs(amount: str, date: str, kind: str, note: str) -> list[str]:
    types = [(name, name) for name in TYPES]
    return [
        field("Amount", "amount", amount, size=8),
        field("Date", "date", date, kind="date"),
        choice("Type", "type", types, kind),
        field("Note", "note", note),
    ]


def _edit_form(base: str, shown: dict[str, Any]) -> str:
    head = [
        field("Date", "create_date", shown["create_date"], kind="date"),
        field("Due after days", "due_offset_days", str(shown["due_offset_days"]), size=4),
        field("Discount %", "discount_value", shown["discount_value"], size=4),
        field("Notes", "notes", shown["notes"], size=30),
    ]
    return form(base, *head, line_inputs([*shown["lines"], {}]), button="Save changes")
