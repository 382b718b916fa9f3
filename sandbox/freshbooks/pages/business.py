"""The page of one business: clients, invoices, and forms to make more."""

from html import escape
from typing import Any

from sandbox.core.vendor import Response
from sandbox.freshbooks.acts import Acts
from sandbox.freshbooks.book import DELETED, Account
from sandbox.freshbooks.pages.invoice import line_inputs
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
from sandbox.freshbooks.times import eastern_day
from sandbox.freshbooks.world import World

SHOWN_AT_MOST = 200


def business_page(world: World, account: Account, acts: Acts, error: str) -> Response:
    """Everything a bookkeeper needs at a glance; deleted records are not shown."""
    business = world.book.businesses[account.business_id]
    clients = _shown(acts.clients.rows(account))
    invoices = _shown(acts.invoices.rows(account))
    base = f"/business/{account.account_id}"
    names = [(str(one.id), one.fields["organization"] or one.fields["fname"]) for one in clients]
    return page(
        business.name,
        section("Invoices", _invoice_table(account, acts, invoices, base)),
        section("New invoice", _invoice_form(base, names, eastern_day(world.now()).isoformat())),
        section("Clients", _client_table(clients, base)),
        section("New client", form(f"{base}/clients", *_client_inputs({}), button="Add client")),
        error=error,
    )


def _shown(rows: dict[int, Any]) -> list[Any]:
    living = [row for row in rows.values() if row.vis_state != DELETED]
    return living[::-1][:SHOWN_AT_MOST]


def _invoice_table(account: Account, acts: Acts, invoices: list[Any], base: str) -> str:
    rows = []
    for invoice in invoices:
        shown = acts.invoices.render(account, invoice, ())
        rows.append(
            (
                link(f"{base}/invoices/{invoice.id}", invoice.number),
                escape(shown["current_organization"] or ""),
                escape(shown["create_date"]),
                escape(shown["due_date"]),
                badge(shown["v3_status"]),
                escape(f"{shown['amount']['amount']} {invoice.currency}"),
                escape(shown["outstanding"]["amount"]),
            )
        )
    headings = ["Number", "Client", "Date", "Due", "Status", ">Total", ">Outstanding"]
    return table(headings, rows, "No invoice yet.")


def _invoice_form(base: str, names: list[tuple[str, str]], today: str) -> str:
    if not names:
        return '<p class="quiet">Add a client first.</p>'
    return (
        f'<form method="post" action="{base}/invoices"><div class="row">'
        "<table><tr><td>"
        + choice("Client", "customerid", names)
        + "</td><td>"
        + field("Date", "create_date", today, kind="date")
        + "</td><td>"
        + field("Due after days", "due_offset_days", "30", kind="number", size=4)
        + "</td><td>"
        + field("Currency (client's if empty)", "currency_code", size=4)
        + "</td></tr></table></div>"
        + line_inputs([{}, {}])
        + '<div class="actions"><button name="then" value="send">Create and send</button>'
        + '<button class="plain" name="then" value="keep">Save as draft</button></div></form>'
    )


def _client_table(clients: list[Any], base: str) -> str:
    rows = [
        (
            form(f"{base}/clients/{one.id}", *_client_inputs(one.fields), button="Save"),
            button(f"{base}/clients/{one.id}/delete", "Delete", "danger"),
        )
        for one in clients
    ]
    return table(["Client", ""], rows, "No client yet.")


def _client_inputs(fields: dict[str, Any]) -> list[str]:
    inputs = (
        ("Organization", "organization", 18),
        ("First name", "fname", 9),
        ("Last name", "lname", 9),
        ("E-mail", "email", 20),
        ("Currency", "currency_code", 4),
        ("City", "p_city", 9),
        ("Country", "p_country", 9),
    )
    return [field(text, name, fields.get(name) or "", size=size) for text, name, size in inputs]
