"""What charges, refunds and disputes do to the account's balance; the balance itself."""

from collections import Counter
from decimal import Decimal

from sandbox.stripe.context import Context
from sandbox.stripe.errors import refuse
from sandbox.stripe.events import Watch
from sandbox.stripe.lists import newest_first
from sandbox.stripe.money import places, rounded
from sandbox.stripe.operation import Call, Listing, Operation, retrieve
from sandbox.stripe.types import Obj

KIND = "balance_transaction"
FILLED_AFTER_S = 2
AVAILABLE_AFTER_S = 2 * 86_400
# One unit in US dollars: invented, fixed, good enough to see a conversion.
IN_DOLLARS = {
    "usd": Decimal(1),
    "eur": Decimal("1.08"),
    "gbp": Decimal("1.27"),
    "cad": Decimal("0.73"),
    "aud": Decimal("0.66"),
    "jpy": Decimal("0.0067"),
    "kwd": Decimal("3.25"),
}


def exchange_rate(charged: str, settled: str) -> Decimal | None:
    """Give the rate from the charged to the settled currency, in minor units of each."""
    if charged == settled:
        return None
    units = IN_DOLLARS.get(charged, Decimal(1)) / IN_DOLLARS.get(settled, Decimal(1))
    return units.scaleb(places(settled) - places(charged))


def fee_for(amount: int, method: str) -> int:
    """Give Stripe's fee: 2.9 % and 30 for cards, 0.8 % up to 500 for anything else."""
    if method == "card":
        return rounded(Decimal(amount) * Decimal("0.029"), "half_up") + 30
    return min(500, rounded(Decimal(amount) * Decimal("0.008"), "half_up"))


def book(ctx: Context, source: Obj, amount: int, *, kind: str, fee: int = 0) -> Obj:
    """Write down a movement, in the account's own currency. `amount` is in the source's."""
    settled = ctx.account.default_currency
    rate = exchange_rate(source["currency"], settled)
    converted = amount if rate is None else rounded(Decimal(amount) * rate, "half_up")
    at = ctx.now + AVAILABLE_AFTER_S
    fees = {
        "amount": fee,
        "application": None,
        "currency": settled,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    booked = ctx.account.add(
        {
            "id": ctx.ids.make("txn"),
            "object": KIND,
            "amount": converted,
            "available_on": at,
            "balance_type": "payments",
            "created": ctx.now,
            "currency": settled,
            "description": source.get("description"),
            "exchange_rate": None if rate is None else float(rate),
            "fee": fee,
            "fee_details": [fees] if fee else [],
            "net": converted - fee,
            "reporting_category": CATEGORIES[kind],
            "source": source["id"],
            "status": "pending",
            "type": kind,
        }
    )
    ctx.account.set_alarm(at, "make_available", booked["id"])
    return booked


CATEGORIES = {
    "charge": "charge",
    "payment": "charge",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_failure",
    "adjustment": "dispute",
    "payout": "payout",
    "payout_failure": "payout_reversal",
    "stripe_fee": "fee",
    "reserve_hold": "risk_reserved_funds",
    "reserve_release": "risk_reserved_funds",
}


def expect(ctx: Context, charge: Obj) -> None:
    """Have a charge get its balance transaction: as a rule not at once."""
    if ctx.switches["balance_transaction"] == "at_once":
        fill(ctx, charge["id"])
    else:
        ctx.account.set_alarm(ctx.now + FILLED_AFTER_S, "fill_balance", charge["id"])


def fill(ctx: Context, charge_id: str) -> None:
    """Give a charge its balance transaction and say so."""
    charge = ctx.account.table("charge")[charge_id]
    if charge["balance_transaction"] is not None:
        return
    watch = Watch(ctx, charge)
    kind = "charge" if charge["_method"] == "card" else "payment"
    settled = exchange_rate(charge["currency"], ctx.account.default_currency) or Decimal(1)
    fee = fee_for(rounded(Decimal(charge["amount"]) * settled, "half_up"), charge["_method"])
    booked = book(ctx, charge, charge["amount"], kind=kind, fee=fee)
    charge["balance_transaction"] = booked["id"]
    watch.updated("charge.updated")


def make_available(ctx: Context, transaction_id: str) -> None:
    """Let the money of a movement be paid out."""
    booked = ctx.account.table(KIND).get(transaction_id)
    if booked is not None:
        booked["status"] = "available"


def balance(ctx: Context, call: Call) -> Obj:
    """GET /v1/balance."""
    del call
    sums: dict[str, Counter[str]] = {"available": Counter(), "pending": Counter()}
    for booked in ctx.account.table(KIND).values():
        sums[booked["status"]][booked["currency"]] += booked["net"]
    currency = ctx.account.default_currency

    def amounts(status: str) -> list[Obj]:
        rows = sums[status] or {currency: 0}
        return [
            {"amount": amount, "currency": name, "source_types": {"card": amount}}
            for name, amount in rows.items()
        ]

    return {
        "object": "balance",
        "available": amounts("available"),
        "livemode": ctx.account.livemode,
        "pending": amounts("pending"),
    }


def list_all(ctx: Context, call: Call) -> Listing:
    """GET /v1/balance_transactions. (Those of a dispute are not found by its id.)"""
    wanted = call.get("source")
    payout = call.get("payout") and ctx.get("payout", call.get("payout"), param="payout")
    if payout and not payout["automatic"]:
        raise refuse(MANUAL, param="payout")
    found_by_source = wanted is None or not wanted.startswith(("du_", "dp_"))

    def matches(row: Obj) -> bool:
        return (
            wanted in (None, row["source"])
            and call.get("currency") in (None, row["currency"])
            and call.get("type") in (None, row["type"])
            and call.get("payout") in (None, row.get("_payout"))
        )

    rows = newest_first(ctx.account, KIND) if found_by_source else ()
    return Listing(rows, "/v1/balance_transactions", matches)


MANUAL = "Balance transaction history can only be filtered on automatic transfers, not manual."
OPERATIONS = [
    Operation("GET", "/v1/balance", balance, "balance"),
    Operation("GET", "/v1/balance_transactions", list_all, "balance"),
    Operation("GET", "/v1/balance_transactions/{id}", retrieve(KIND, "id"), "balance"),
]
