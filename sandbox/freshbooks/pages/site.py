"""The pages themselves: businesses, clients, invoices, payments; forms act like a person."""

from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sandbox.core.vendor import ActRefused, Request, Response, Route
from sandbox.freshbooks.acts import Acts
from sandbox.freshbooks.pages.business import business_page
from sandbox.freshbooks.pages.invoice import invoice_page, public_invoice_page, read_lines_form
from sandbox.freshbooks.pages.layout import field, form, link, page, redirect, section, table
from sandbox.freshbooks.world import World

Form = dict[str, str]
_HOME = "/"
_BUSINESS = "/business/{account_id}"
_INVOICE = _BUSINESS + "/invoices/{id}"


class Site:
    """Routes of the pages."""

    def __init__(self, world: World, acts: Acts) -> None:
        self._world, self._acts = world, acts

    def routes(self) -> list[Route]:
        """Pages to look at, and the posts behind their forms."""
        posts: dict[str, Callable[[Form], dict[str, Any]]] = {
            "/businesses": lambda f: {"do": "create_business", **f},
            f"{_BUSINESS}/clients": _new_client,
            f"{_BUSINESS}/clients/{{id}}": _edited_client,
            f"{_BUSINESS}/clients/{{id}}/delete": lambda f: {"do": "delete_client", **f},
            f"{_BUSINESS}/invoices": _new_invoice,
            _INVOICE: _edited_invoice,
            f"{_INVOICE}/send": lambda f: {"do": "send_invoice", **f},
            f"{_INVOICE}/delete": lambda f: {"do": "delete_invoice", **f},
            f"{_INVOICE}/payments": _new_payment,
            f"{_INVOICE}/payments/{{payment_id}}": _edited_payment,
            f"{_INVOICE}/payments/{{payment_id}}/delete": _deleted_payment,
        }
        pages = {
            _HOME: self._home,
            _BUSINESS: self._business,
            _INVOICE: self._invoice,
            "/link/{account_id}-{id}": self._public_invoice,
        }
        return [Route("GET", path, self._page(show)) for path, show in pages.items()] + [
            Route("POST", path, self._post(read)) for path, read in posts.items()
        ]

    def _page(self, show: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            try:
                return show(request)
            except (ActRefused, LookupError, ValueError):
                return page("Not found", error="There is nothing here.", status=404)

        return answer

    def _post(self, read: Callable[[Form], dict[str, Any]]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            body = dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
            back = _page_behind(request.path)
            try:
                self._acts.act(read({**body, **request.params}))
            except ActRefused as refusal:
                return redirect(f"{back}?{urlencode({'error': str(refusal)})}")
            return redirect(back)

        return answer

    def _home(self, request: Request) -> Response:
        book = self._world.book
        rows = [
            (
                link(f"/business/{business.account_id}", business.name)
                if business.account_id
                else escape(business.name),
                escape(identity.email),
                escape(membership.role),
                escape(business.account_id or "none"),
            )
            for identity in book.identities.values()
            for membership in identity.memberships
            for business in (book.businesses[membership.business_id],)
        ]
        return page(
            "Businesses",
            section(
                "Logins", table(["Business", "Login", "Role", "Account"], rows, "No business yet.")
            ),
            section(
                "New business",
                form(
                    "/businesses",
                    field("Name", "name"),
                    field("Login (e-mail)", "email", kind="email", size=24),
                    field("Currency", "currency", "USD", size=4),
                    button="Create",
                ),
            ),
            error=dict(request.query).get("error", ""),
        )

    def _business(self, request: Request) -> Response:
        account = self._acts.account(request.params)
        return business_page(self._world, account, self._acts, dict(request.query).get("error", ""))

    def _invoice(self, request: Request) -> Response:
        account = self._acts.account(request.params)
        invoice = account.invoices[int(request.params["id"])]
        return invoice_page(account, invoice, self._acts, dict(request.query).get("error", ""))

    def _public_invoice(self, request: Request) -> Response:
        account = self._acts.account(request.params)
        invoice = account.invoices[int(request.params["id"])]
        self._acts.invoices.mark_viewed(account, invoice)
        return public_invoice_page(self._world, account, invoice, self._acts)


def _page_behind(path: str) -> str:
    """Where a post leads back to: the invoice for everything below it, else the business."""
    parts = path.strip("/").split("/")
    if len(parts) < 2:
        return _HOME
    deep = len(parts) > 3 and parts[2] == "invoices" and parts[4:5] != ["delete"]
    return "/" + "/".join(parts[: 4 if deep else 2])


def _client_fields(form_data: Form) -> dict[str, str]:
    names = ("organization", "fname", "lname", "email", "currency_code", "p_city", "p_country")
    return {name: form_data[name] for name in names if form_data.get(name)}


def _new_client(f: Form) -> dict[str, Any]:
    return {"do": "create_client", "account_id": f["account_id"], "client": _client_fields(f)}


def _edited_client(f: Form) -> dict[str, Any]:
    return {**_new_client(f), "do": "edit_client", "id": f["id"]}


def _new_invoice(f: Form) -> dict[str, Any]:
    invoice = {
        "customerid": f.get("customerid", ""),
        "due_offset_days": f.get("due_offset_days") or "0",
        "lines": read_lines_form(f),
    }
    if f.get("create_date"):
        invoice["create_date"] = f["create_date"]
    if f.get("currency_code"):
        invoice["currency_code"] = f["currency_code"]
    send = f.get("then") == "send"
    return {"do": "create_invoice", "account_id": f["account_id"], "invoice": invoice, "send": send}


def _edited_invoice(f: Form) -> dict[str, Any]:
    invoice = {
        "create_date": f.get("create_date"),
        "due_offset_days": f.get("due_offset_days") or "0",
        "discount_value": f.get("discount_value") or "0",
        "notes": f.get("notes", ""),
        "lines": read_lines_form(f),
    }
    return {"do": "edit_invoice", "account_id": f["account_id"], "id": f["id"], "invoice": invoice}


def _new_payment(f: Form) -> dict[str, Any]:
    given = {name: f[name] for name in ("date", "type", "note") if f.get(name)}
    return {
        "do": "record_payment",
        "account_id": f["account_id"],
        "invoiceid": f["id"],
        "amount": f.get("amount", ""),
        **given,
    }


def _edited_payment(f: Form) -> dict[str, Any]:
    change = {name: f[name] for name in ("amount", "date", "type", "note") if f.get(name)}
    return {
        "do": "edit_payment",
        "account_id": f["account_id"],
        "id": f["payment_id"],
        "payment": change,
    }


def _deleted_payment(f: Form) -> dict[str, Any]:
    return {"do": "delete_payment", "account_id": f["account_id"], "id": f["payment_id"]}
