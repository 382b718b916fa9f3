"""Two small books that agree, for tests that spoil one thing and expect it to be found."""

from __future__ import annotations

from typing import Any

from chaos.invariants.evidence import Connected, Evidence, Request

TENANT = Connected(
    tenant_id=1,
    slug="maple",
    mode="record",
    account_id="ACM1",
    stripe_account_id="acct_1",
    identity_id=7,
)
NOTE = "Stripe inpay_1 [mlc:ABCDEFGHIJKLMNOP]"
KEY, ACCESS = "sk_test_maple_0000", "access-of-maple"


def freshbooks_invoice(**more: Any) -> dict[str, Any]:
    return {
        "id": 10,
        "vis_state": 0,
        "v3_status": "paid",
        "amount": {"amount": "50.00", "code": "CAD"},
        "outstanding": {"amount": "0.00", "code": "CAD"},
        **more,
    }


def freshbooks_payment(**more: Any) -> dict[str, Any]:
    amount = {"amount": "50.00", "code": "CAD"}
    return {"id": 20, "invoiceid": 10, "vis_state": 0, "note": NOTE, "amount": amount, **more}


def stripe_invoice(**more: Any) -> dict[str, Any]:
    return {
        "id": "in_1",
        "status": "paid",
        "total": 5000,
        "subtotal": 5000,
        "amount_remaining": 0,
        "created": 100.0,
        "metadata": {"fb_invoice_id": "10", "fb_revision": "1"},
        **more,
    }


def request(**more: Any) -> Request:
    values: dict[str, Any] = {
        "vendor": "freshbooks",
        "method": "GET",
        "path": "/accounting/account/ACM1/invoices/invoices/10",
        "query": {},
        "headers": {},
        "body": None,
        "status": 200,
        "at": 1.0,
    }
    return Request(**{**values, **more})


class Ours:
    """Our rows, by table; what a checker asks for is told by the table that it names."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {
            "connector_collectedpayment": [
                {"tenant_id": 1, "stripe_invoice_payment_id": "inpay_1", "recording": "recorded"}
            ],
            "connector_invoicelink": [
                {
                    "tenant_id": 1,
                    "freshbooks_invoice_id": 10,
                    "state": "settled",
                    "reason": "",
                    "told": False,
                }
            ],
            "connector_invoicerevision": [{"stripe_invoice_id": "in_1"}],
            "connector_clientlink": [{"stripe_customer_id": "cus_1"}],
        }

    def __call__(self, statement: str, *_: Any) -> list[dict[str, Any]]:
        table = statement.rsplit(" FROM ", maxsplit=1)[-1].split(maxsplit=1)[0]
        if "connector_invoicelink" in statement:
            table = "connector_invoicelink"
        return self.tables.get(table, [])


def agreeing() -> tuple[Evidence, Ours]:
    """One invoice of 50.00, paid by card and recorded."""
    ours = Ours()
    account = {
        "invoices": [freshbooks_invoice()],
        "payments": [freshbooks_payment()],
        "callbacks": [],
    }
    stripe = {
        "id": "acct_1",
        "keys": [{"secret": KEY}],
        "invoices": [stripe_invoice()],
        "customers": [{"id": "cus_1", "metadata": {"fb_client_id": "3"}}],
        "lines": {"in_1": [{"amount": 5000}]},
        "invoice_payments": [
            {
                "id": "inpay_1",
                "invoice": "in_1",
                "status": "paid",
                "amount_paid": 5000,
                "payment": {"payment_intent": "pi_1"},
            }
        ],
        "payment_intents": [{"id": "pi_1", "latest_charge": "ch_1"}],
        "refunds": [],
        "disputes": [],
        "emails": [],
        "events": [{"id": "evt_1"}],
    }
    evidence = Evidence(
        freshbooks={
            "accounts": {"ACM1": account},
            "identities": [{"id": 7, "memberships": [{"business_id": 70}]}],
            "businesses": [{"id": 70, "account_id": "ACM1"}],
            "tokens": [{"access": ACCESS, "identity_id": 7}],
        },
        stripe={"accounts": [stripe]},
        tenants=[TENANT],
        query=ours,
    )
    return evidence, ours
