"""The credit balance of a customer: an invoicing figure, no money. Negative = credit."""

from sandbox.stripe.context import Context, merge_metadata, or_null
from sandbox.stripe.errors import refuse
from sandbox.stripe.events import Watch, raise_event
from sandbox.stripe.lists import newest_first
from sandbox.stripe.money import check_currency
from sandbox.stripe.operation import Call, Listing, Operation
from sandbox.stripe.types import Obj

KIND = "customer_balance_transaction"


def book(ctx: Context, customer: Obj, amount: int, *, currency: str, kind: str) -> Obj:
    """Change the balance and write down why. The first change stamps the currency."""
    watch = Watch(ctx, customer)
    customer["currency"] = customer["currency"] or currency
    customer["balance"] += amount
    if kind != "adjustment":
        watch.updated("customer.updated")
    return ctx.account.add(
        {
            "id": ctx.ids.make("cbtxn"),
            "object": KIND,
            "amount": amount,
            "checkout_session": None,
            "created": ctx.now,
            "credit_note": None,
            "currency": currency,
            "customer": customer["id"],
            "description": None,
            "ending_balance": customer["balance"],
            "invoice": None,
            "livemode": ctx.account.livemode,
            "metadata": {},
            "type": kind,
        }
    )


def usable_balance(ctx: Context, customer_id: str, currency: str) -> int:
    """Give the balance that counts on an invoice: that of another currency does not."""
    customer = ctx.account.table("customer").get(customer_id)
    if customer is None or customer.get("deleted") or customer["currency"] not in (None, currency):
        return 0
    balance: int = customer["balance"]
    return balance


def owner(ctx: Context, call: Call) -> Obj:
    """Give the customer named in the path."""
    return ctx.get("customer", call.path["customer"], param="customer", in_path=True)


def create(ctx: Context, call: Call) -> Obj:
    """POST /v1/customers/{customer}/balance_transactions."""
    customer = owner(ctx, call)
    currency = check_currency(call.params["currency"], param="currency")
    if customer["currency"] not in (None, currency):
        message = f"The customer's currency is {customer['currency']}, not {currency}."
        raise refuse(message, param="currency")
    amount = call.params["amount"]
    booked = book(ctx, customer, amount, currency=currency, kind="adjustment")
    booked["description"] = or_null(call.get("description"))
    merge_metadata(booked, call.params)
    raise_event(ctx, "customer.updated", customer)
    return booked


def list_all(ctx: Context, call: Call) -> Listing:
    """GET /v1/customers/{customer}/balance_transactions."""
    customer = owner(ctx, call)
    rows = [
        row
        for row in newest_first(ctx.account, KIND)
        if row["customer"] == customer["id"] and call.get("invoice") in (None, row["invoice"])
    ]
    return Listing(rows, f"/v1/customers/{customer['id']}/balance_transactions")


def read(ctx: Context, call: Call) -> Obj:
    """GET /v1/customers/{customer}/balance_transactions/{transaction}."""
    owner(ctx, call)
    return ctx.get(KIND, call.path["transaction"], param="transaction", in_path=True)


def update(ctx: Context, call: Call) -> Obj:
    """POST /v1/customers/{customer}/balance_transactions/{transaction}."""
    booked = read(ctx, call)
    if "description" in call.params:
        booked["description"] = or_null(call.params["description"])
    merge_metadata(booked, call.params)
    return booked


ALL = "/v1/customers/{customer}/balance_transactions"
OPERATIONS = [
    Operation("POST", ALL, create, "customer"),
    Operation("GET", ALL, list_all, "customer"),
    Operation("GET", f"{ALL}/{{transaction}}", read, "customer"),
    Operation("POST", f"{ALL}/{{transaction}}", update, "customer"),
]
