"""The cash balance: money a customer sent by bank transfer, and what Stripe does with it."""

from sandbox.stripe.context import Context
from sandbox.stripe.events import raise_event
from sandbox.stripe.lists import newest_first
from sandbox.stripe.operation import Call, Listing, Operation
from sandbox.stripe.resources import intents, invoice_payments
from sandbox.stripe.types import Obj

KIND = "customer_cash_balance_transaction"
MAX_OVERDUE_S = 30 * 86_400
TRANSFERS = {
    "eur": "eu_bank_transfer",
    "gbp": "gb_bank_transfer",
    "jpy": "jp_bank_transfer",
    "mxn": "mx_bank_transfer",
}


def book(ctx: Context, customer: Obj, amount: int, *, currency: str, kind: str) -> Obj:
    """Change the cash balance and write down why."""
    cash = customer["_cash"]
    cash[currency] = cash.get(currency, 0) + amount
    return ctx.account.add(
        {
            "id": ctx.ids.make("ccsbtxn"),
            "object": KIND,
            "created": ctx.now,
            "currency": currency,
            "customer": customer["id"],
            "ending_balance": cash[currency],
            "livemode": ctx.account.livemode,
            "net_amount": amount,
            "type": kind,
        }
    )


def fund(ctx: Context, customer: Obj, amount: int, currency: str) -> Obj:
    """Have a bank transfer arrive; in automatic mode it is applied to what it fits."""
    booked = book(ctx, customer, amount, currency=currency, kind="funded")
    transfer = TRANSFERS.get(currency, "us_bank_transfer")
    booked["funded"] = {"bank_transfer": {"type": transfer, "reference": None, transfer: {}}}
    raise_event(ctx, f"{KIND}.created", booked)
    raise_event(ctx, "cash_balance.funds_available", cash_balance(ctx, customer))
    return booked


def reconcile(ctx: Context, customer: Obj, currency: str) -> list[str]:
    """Apply the cash balance to open invoices: an exact match first, then the oldest."""
    if customer["_reconciliation_mode"] == "manual":
        return []
    paid = []
    for _ in range(len(ctx.account.table("invoice"))):
        invoice = best_match(ctx, customer, currency)
        if invoice is None or not apply(ctx, customer, invoice):
            break
        paid.append(invoice["id"])
    return paid


def best_match(ctx: Context, customer: Obj, currency: str) -> Obj | None:
    """Give the invoice that the cash balance pays next. None is partly funded."""
    cash = customer["_cash"].get(currency, 0)
    open_ones = [
        row
        for row in ctx.account.table("invoice").values()
        if row["customer"] == customer["id"]
        and row["currency"] == currency
        and row["status"] == "open"
        and 0 < row["amount_remaining"] <= cash
        and (row["due_date"] or ctx.now) >= ctx.now - MAX_OVERDUE_S
    ]
    exact = [row for row in open_ones if row["amount_remaining"] == cash]
    return next(iter(exact or open_ones), None)


def apply(ctx: Context, customer: Obj, invoice: Obj) -> bool:
    """Pay an invoice from the cash balance, if it has enough."""
    amount, currency = invoice["amount_remaining"], invoice["currency"]
    linked = invoice_payments.default_of(ctx, invoice)
    intent = invoice_payments.intent_of(ctx, linked) if linked else None
    enough = customer["_cash"].get(currency, 0) >= amount
    if intent is None or intent["status"] == "processing" or not enough:
        return False
    booked = book(ctx, customer, -amount, currency=currency, kind="applied_to_payment")
    booked["applied_to_payment"] = {"payment_intent": intent["id"]}
    raise_event(ctx, f"{KIND}.created", booked)
    intents.succeed(ctx, intent, "customer_balance")
    return True


def cash_balance(ctx: Context, customer: Obj) -> Obj:
    """Give the cash balance as it is answered."""
    mode = customer["_reconciliation_mode"]
    merchant = mode == "merchant_default"
    return {
        "object": "cash_balance",
        "available": dict(customer["_cash"]) or None,
        "customer": customer["id"],
        "livemode": ctx.account.livemode,
        "settings": {
            "reconciliation_mode": "automatic" if merchant else mode,
            "using_merchant_default": merchant,
        },
    }


def owner(ctx: Context, call: Call) -> Obj:
    """Give the customer named in the path."""
    return ctx.get("customer", call.path["customer"], param="customer", in_path=True)


def read(ctx: Context, call: Call) -> Obj:
    """GET /v1/customers/{customer}/cash_balance."""
    return cash_balance(ctx, owner(ctx, call))


def update(ctx: Context, call: Call) -> Obj:
    """POST /v1/customers/{customer}/cash_balance."""
    customer = owner(ctx, call)
    mode = (call.get("settings") or {}).get("reconciliation_mode")
    if mode:
        customer["_reconciliation_mode"] = mode
    return cash_balance(ctx, customer)


def list_all(ctx: Context, call: Call) -> Listing:
    """GET /v1/customers/{customer}/cash_balance_transactions."""
    customer = owner(ctx, call)
    rows = [r for r in newest_first(ctx.account, KIND) if r["customer"] == customer["id"]]
    return Listing(rows, f"/v1/customers/{customer['id']}/cash_balance_transactions")


def read_transaction(ctx: Context, call: Call) -> Obj:
    """GET /v1/customers/{customer}/cash_balance_transactions/{transaction}."""
    return ctx.get(KIND, call.path["transaction"], param="transaction", in_path=True)


ONE = "/v1/customers/{customer}/cash_balance"
ALL = f"{ONE}_transactions"
OPERATIONS = [
    Operation("GET", ONE, read, "customer"),
    Operation("POST", ONE, update, "customer"),
    Operation("GET", ALL, list_all, "customer"),
    Operation("GET", f"{ALL}/{{transaction}}", read_transaction, "customer"),
]
