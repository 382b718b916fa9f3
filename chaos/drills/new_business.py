"""A little new business for drills: invoices that reach Stripe, half of them paid."""

from __future__ import annotations

from chaos.invariants.evidence import Connected
from chaos.processes.system import System
from demo.simulators import Simulator
from demo.stack import wait_until

INVOICES_EACH = 4
PATIENCE_S = 240.0


def some_business(system: System) -> int:
    """For each tenant that records payments; answer how many invoices were written."""
    tenants = [one for one in system.tenants if one.mode == "record"]
    return sum([_of_one(system, one) for one in tenants])


def _of_one(system: System, one: Connected) -> int:
    freshbooks, stripe = system.simulators()
    clients = freshbooks.book()["accounts"][one.account_id]["clients"]
    ids = [invoice(freshbooks, one, clients[0]["id"], n) for n in range(INVOICES_EACH)]

    def in_stripe() -> list[str]:
        rows = system.query(
            "SELECT stripe_invoice_id AS id FROM connector_invoicelink WHERE tenant_id = %s"
            " AND freshbooks_invoice_id = ANY(%s) AND state = 'open'",
            one.tenant_id,
            ids,
        )
        return [row["id"] for row in rows] if len(rows) == len(ids) else []

    wait_until(in_stripe, f"new invoices of {one.slug}", PATIENCE_S)
    for stripe_id in in_stripe()[: INVOICES_EACH // 2]:
        system.act(stripe, "pay_invoice", account_id=one.stripe_account_id, invoice=stripe_id)
    return len(ids)


def invoice(freshbooks: Simulator, one: Connected, client: int, number: int) -> int:
    """One new invoice, sent; answer its id."""
    price = {"amount": f"{70 + number}.30", "code": "CAD"}
    made = freshbooks.act(
        "create_invoice",
        account_id=one.account_id,
        send=True,
        invoice={
            "customerid": client,
            "currency_code": "CAD",
            "due_offset_days": 30,
            "lines": [{"name": "Late work", "qty": "1", "unit_cost": price}],
        },
    )
    return int(made["id"])
