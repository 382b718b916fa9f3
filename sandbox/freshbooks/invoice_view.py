"""How an invoice is shown: derived statuses, money objects, includes."""

from collections.abc import Callable, Collection
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sandbox.freshbooks.book import DISPUTED, DRAFT, PAID, VIEWED, Account, Invoice
from sandbox.freshbooks.ledger import is_overdue, payment_status
from sandbox.freshbooks.lines import render_lines
from sandbox.freshbooks.money import ZERO, plain
from sandbox.freshbooks.times import eastern_text, eastern_version, utc_text
from sandbox.freshbooks.world import World

_CONSTANTS: dict[str, Any] = {
    "autobill_status": None,
    "basecampid": 0,
    "dispute_status": None,
    "estimateid": 0,
    "ext_archive": 0,
    "generation_date": None,
    "gmail": False,
    "last_order_status": None,
    "ownerid": 1,
    "parent": 0,
    "payment_details": "",
    "sentid": 1,
}
_FEE_FACTOR = Decimal("1.0298")  # makes net_paid_amount as long and useless as the real one


def deposit_wanted(invoice: Invoice) -> Decimal:
    """The deposit asked for; zero if none."""
    if invoice.deposit_amount is not None:
        return invoice.deposit_amount
    return invoice.total * (invoice.deposit_percent or ZERO) / 100


def v3_status(world: World, invoice: Invoice) -> str:
    """The display status; overdue hides partial, a draft stays a draft until paid."""
    paid_state = payment_status(invoice)
    dash = "-" if world.switches["deposit_status_form"] == "hyphen" else "_"
    deposit = deposit_wanted(invoice)
    candidates = [
        (paid_state == "paid", "paid"),
        (invoice.status == DISPUTED, "disputed"),
        (is_overdue(world, invoice), "overdue"),
        (deposit > 0 and 0 < invoice.paid < deposit, f"deposit{dash}partial"),
        (deposit > 0 and invoice.paid >= deposit, f"deposit{dash}paid"),
        (paid_state == "partial", "partial"),
        (invoice.status == DRAFT, "draft"),
        (invoice.status == VIEWED, "viewed"),
    ]
    return next((name for applies, name in candidates if applies), "sent")


def deposit_status(invoice: Invoice) -> str:
    """none, unpaid, partial or paid."""
    deposit = deposit_wanted(invoice)
    if deposit <= 0:
        return "none"
    if invoice.paid <= 0:
        return "unpaid"
    return "paid" if invoice.paid >= deposit else "partial"


def render_invoice(
    world: World, account: Account, invoice: Invoice, includes: Collection[str]
) -> dict[str, Any]:
    """The invoice as the API shows it."""
    newer = {"uuid": invoice.uuid, "version": eastern_version(invoice.updated_at)}
    shown = {
        **_CONSTANTS,
        **invoice.fields,
        "id": invoice.id,
        "invoiceid": invoice.id,
        "accountid": account.account_id,
        "accounting_systemid": account.account_id,
        "customerid": invoice.client_id,
        "invoice_number": invoice.number,
        "current_organization": account.clients[invoice.client_id].fields["organization"],
        "create_date": invoice.create_date.isoformat(),
        "due_offset_days": invoice.due_offset_days,
        "due_date": (invoice.create_date + timedelta(invoice.due_offset_days)).isoformat(),
        "created_at": eastern_text(invoice.created_at),
        "updated": eastern_text(invoice.updated_at),
        **(newer if world.switches["invoice_version"] == "present" else {}),
        **_money_fields(world, invoice),
        **_status_fields(world, invoice),
        "description": invoice.lines[0].description if invoice.lines else "",
        "vis_state": invoice.vis_state,
    }
    for name in includes:
        if name in _INCLUDES:
            shown[name] = _INCLUDES[name](world, account, invoice)
    return shown


def _money_fields(world: World, invoice: Invoice) -> dict[str, Any]:
    code, money = invoice.currency, world.money
    deposit, percent = invoice.deposit_amount, invoice.deposit_percent
    return {
        "currency_code": code,
        "amount": money.json(invoice.total, code),
        "paid": money.json(invoice.paid, code),
        "outstanding": money.json(invoice.outstanding, code),
        "net_paid_amount": {"amount": f"{invoice.paid / _FEE_FACTOR:f}", "code": code},
        "discount_value": plain(invoice.discount_percent),
        "discount_total": money.json(invoice.discount_total, code),
        "deposit_amount": None if deposit is None else money.json(deposit, code),
        "deposit_percentage": None if percent is None else plain(percent),
    }


def _status_fields(world: World, invoice: Invoice) -> dict[str, Any]:
    paid_state = payment_status(invoice)
    display = {DRAFT: "draft", VIEWED: "viewed"}.get(invoice.status, "sent")
    return {
        "status": PAID if paid_state == "paid" else invoice.status,
        "v3_status": v3_status(world, invoice),
        "display_status": display,
        "payment_status": paid_state,
        "deposit_status": deposit_status(invoice),
        "date_paid": invoice.date_paid.isoformat() if invoice.date_paid else None,
    }


def _presentation(_world: World, _account: Account, invoice: Invoice) -> dict[str, Any]:
    return {
        "invoiceid": invoice.id,
        "date_format": "yyyy-mm-dd",
        "image_banner_src": None,
        "image_logo_src": None,
        "theme_font_name": "modern",
        "theme_layout": "simple",
        "theme_primary_color": "#663399",
    }


def _owner(world: World, account: Account, _invoice: Invoice) -> dict[str, Any]:
    owner = world.book.identities[account.owner_identity_id]
    names = {"fname": owner.first_name, "lname": owner.last_name}
    return {"userid": 1, "email": owner.email, **names, "organization": ""}


def _system(_world: World, account: Account, _invoice: Invoice) -> dict[str, Any]:
    return {"systemid": account.account_id, "currency_code": account.currency}


def _audit_logs(world: World, _account: Account, invoice: Invoice) -> list[dict[str, Any]]:
    about = {
        "invoiceid": invoice.id,
        "customerid": invoice.client_id,
        "customer_contactid": None,
        "currency_code": invoice.currency,
        "acting_contactid": -1,
        "acting_level": 3,
        "acting_userid": 1,
        "amount": world.money.json(invoice.total, invoice.currency),
        "paid": world.money.json(invoice.paid, invoice.currency),
        "num_lines": len(invoice.lines),
        "status": invoice.status,
        "display_status": _status_fields(world, invoice)["display_status"],
        "payment_status": payment_status(invoice),
        **dict.fromkeys(("autobill_status", "dispute_status", "last_order_status")),
    }
    return [
        {"id": number, "logid": number, "event": event, "created_at": utc_text(at), **about}
        for number, (at, event) in enumerate(invoice.audit, start=1)
    ]


def _allowed_gateways(_world: World, _account: Account, invoice: Invoice) -> list[dict[str, Any]]:
    names = {"stripe": 26, "fbpay": 30, "paypal": 7}
    gateway = str((invoice.payment_options or {}).get("gateway_name") or "").casefold()
    if gateway not in names:
        return []
    numbers = {"id": 1, "allowedid": 1, "gatewayid": names[gateway]}
    return [{**numbers, "gateway_name": gateway, "connectionid": "sandbox"}]


def _empty_list(_world: World, _account: Account, _invoice: Invoice) -> list[Any]:
    return []


def _nothing(_world: World, _account: Account, _invoice: Invoice) -> None:
    return None


_INCLUDES: dict[str, Callable[[World, Account, Invoice], Any]] = {
    "lines": lambda world, _account, invoice: render_lines(world, invoice),
    "presentation": _presentation,
    "allowed_gateways": _allowed_gateways,
    "owner": _owner,
    "system": _system,
    "audit_logs": _audit_logs,
    "direct_links": _empty_list,
    "late_reminders": _empty_list,
    "contacts": _empty_list,
    "attachments": _empty_list,
    "client_audits": _empty_list,
    "late_fee": _nothing,
    "payment_schedule": _nothing,
    "invoice_profile": _nothing,
}
