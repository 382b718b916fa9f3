"""Pages for people: the accounts, one account, and the invoice a customer opens from the mail."""

import datetime as dt
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qs, quote

from sandbox.core.vendor import Request, Response, Route
from sandbox.stripe.book import Account
from sandbox.stripe.context import Context
from sandbox.stripe.errors import StripeRefusedError
from sandbox.stripe.money import parsed, places, shown
from sandbox.stripe.pages.blocks import (
    NOTICES,
    badge,
    invoice_rows,
    line_rows,
    payment_rows,
    total_rows,
)
from sandbox.stripe.paying import pay_part
from sandbox.stripe.resources import invoice_payments
from sandbox.stripe.types import Obj
from sandbox.stripe.world import World

FOLDER = Path(__file__).parent
# What the form offers -> method and outcome.
CHOICES = {
    "card": ("card", "succeeds"),
    "declined": ("card", "fails"),
    "bank": ("us_bank_account", "processing"),
}


def page(name: str, title: str, values: dict[str, str], *, status: int = 200) -> Response:
    """Fill a template; every value is already HTML."""
    inner = Template((FOLDER / f"{name}.html").read_text(encoding="utf-8")).substitute(values)
    frame = Template((FOLDER / "frame.html").read_text(encoding="utf-8"))
    style = (FOLDER / "style.css").read_text(encoding="utf-8")
    body = frame.substitute(title=escape(title), style=style, body=inner)
    return Response(status, body, content_type="text/html")


def not_found() -> Response:
    """Say that there is no such page."""
    values = {"heading": "Not found", "text": "There is no such page."}
    return page("message", "Not found", values, status=404)


class Pages:
    """Answers the pages of a world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Every page."""
        return [
            Route("GET", "/", self.accounts),
            Route("GET", "/accounts/{account}/{mode}", self.account),
            Route("GET", "/i/{account}/{token}", self.invoice),
            Route("POST", "/i/{account}/{token}", self.pay),
            Route("GET", "/invoice/{account}/{token}/pdf", self.paper),
        ]

    def accounts(self, request: Request) -> Response:
        """List the accounts."""
        del request
        self._world.run_all_due()
        rows = "".join(account_row(account) for account in self._world.accounts.values())
        empty = '<tr><td colspan="5" class="quiet">No accounts yet.</td></tr>'
        return page("accounts", "Accounts", {"rows": rows or empty})

    def account(self, request: Request) -> Response:
        """Show the customers, invoices and payments of an account."""
        key = (request.params["account"], request.params["mode"] == "live")
        account = self._world.accounts.get(key)
        if account is None:
            return not_found()
        self._world.run_due(account)
        customers = [
            f"<tr><td>{escape(c['name'] or '')}</td><td>{escape(c['email'] or '')}</td>"
            f"<td><code>{c['id']}</code></td></tr>"
            for c in reversed(account.table("customer").values())
            if not c.get("deleted")
        ]
        values = {
            "name": escape(account.name),
            "id": escape(account.id),
            "mode": badge("live" if account.livemode else "test"),
            "customers": "".join(customers),
            "invoices": invoice_rows(account),
            "payments": payment_rows(account),
        }
        return page("account", account.name, values)

    def _find(self, request: Request) -> tuple[Context, Obj] | None:
        """Give the invoice of a public link."""
        path = f"/i/{request.params['account']}/{request.params['token']}"
        livemode = request.params["token"].startswith("live_")
        account = self._world.accounts.get((request.params["account"], livemode))
        if account is None:
            return None
        self._world.run_due(account)
        for invoice in account.table("invoice").values():
            if (invoice["hosted_invoice_url"] or "").endswith(path):
                return self._world.context(account), invoice
        return None

    def invoice(self, request: Request) -> Response:
        """Show an invoice to its customer."""
        found = self._find(request)
        if found is None:
            return not_found()
        notice = dict(request.query).get("notice", "")
        return invoice_page(*found, notice=NOTICES.get(notice, ""), action=request.path)

    def pay(self, request: Request) -> Response:
        """Pay an invoice, all of it or another amount, and show it again."""
        found = self._find(request)
        if found is None:
            return not_found()
        ctx, invoice = found
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        method, outcome = CHOICES.get(form.get("method", "card"), CHOICES["card"])
        amount = parsed(form.get("amount", ""), invoice["currency"])
        if amount is None:
            return seen_other(request.path, "bad_amount")
        try:
            pay_part(ctx, invoice, amount, method=method, outcome=outcome)
        except StripeRefusedError as error:
            text = escape(error.message)
            return invoice_page(ctx, invoice, notice=text, action=request.path, status=400)
        return seen_other(request.path, outcome)

    def paper(self, request: Request) -> Response:
        """Give the invoice as a file: a plain text is enough here."""
        found = self._find(request)
        if found is None:
            return not_found()
        _ctx, invoice = found
        total = shown(invoice["total"], invoice["currency"])
        text = f"Invoice {invoice['number']}\nTotal {total}\n"
        return Response(200, text, content_type="text/plain")


def seen_other(path: str, notice: str) -> Response:
    """Send the browser back to the page, so that reloading pays nothing."""
    return Response(303, "", {"Location": f"{path}?notice={quote(notice)}"}, "text/html")


def account_row(account: Account) -> str:
    """Give one line of the list of accounts."""
    mode = "live" if account.livemode else "test"
    href = f"/accounts/{quote(account.id)}/{mode}"
    return (
        f'<tr><td><a href="{href}">{escape(account.name)}</a></td>'
        f"<td><code>{escape(account.id)}</code></td><td>{badge(mode)}</td>"
        f"<td>{len(account.table('customer'))}</td><td>{len(account.table('invoice'))}</td></tr>"
    )


def invoice_page(
    ctx: Context, invoice: Obj, *, notice: str, action: str, status: int = 200
) -> Response:
    """Show an invoice with its lines and totals, and a way to pay what remains."""
    currency = invoice["currency"]
    remaining = invoice["amount_remaining"]
    payable = invoice["status"] in ("open", "uncollectible") and remaining > 0
    memo = invoice["description"]
    values = {
        "seller": escape(ctx.account.name),
        "number": escape(invoice["number"] or ""),
        "customer": escape(invoice["customer_name"] or invoice["customer_email"] or ""),
        "issued": day(invoice["effective_at"]),
        "due": day(invoice["due_date"]),
        "status": badge(invoice["status"]),
        "headline": shown(remaining if payable else invoice["total"], currency),
        "lines": line_rows(ctx.account.lines[invoice["id"]], currency),
        "totals": total_rows(ctx.account, invoice),
        "memo": f"<p class=memo>{escape(memo)}</p>" if memo else "",
        "footer": escape(invoice["footer"] or ""),
        "notice": f'<p class="notice">{notice}</p>' if notice else "",
        "pay": pay_form(invoice, action) if payable else closed(ctx, invoice),
    }
    return page("invoice", f"Invoice {invoice['number']}", values, status=status)


def pay_form(invoice: Obj, action: str) -> str:
    """Give the form with which a customer pays."""
    currency = invoice["currency"]
    amount = f"{shown(invoice['amount_remaining'], currency).split()[0].replace(',', '')}"
    step = "1" if places(currency) == 0 else f"0.{'0' * (places(currency) - 1)}1"
    form = Template((FOLDER / "pay.html").read_text(encoding="utf-8"))
    return form.substitute(
        action=escape(action), amount=amount, step=step, currency=currency.upper()
    )


def closed(ctx: Context, invoice: Obj) -> str:
    """Say why there is nothing to pay."""
    texts = {
        "paid": "Paid. Thank you!",
        "void": "This invoice was canceled. There is nothing to pay.",
    }
    text = texts.get(invoice["status"], "There is nothing to pay.")
    paid = invoice_payments.of(ctx, invoice["id"], "paid")
    when = day(paid[-1]["status_transitions"]["paid_at"]) if paid else ""
    return (
        f'<div class="closed {invoice["status"]}"><strong>{text}</strong><span>{when}</span></div>'
    )


def day(moment: int | None) -> str:
    """Write a date for people."""
    if moment is None:
        return "–"
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%b %-d, %Y")
