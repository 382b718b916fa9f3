"""Money that moved outside Stripe: payment records, and invoices paid out of band."""

from sandbox.stripe.book import copied
from sandbox.stripe.context import Context, merge_metadata, or_null
from sandbox.stripe.errors import refuse
from sandbox.stripe.lists import newest_first
from sandbox.stripe.money import check_chargeable, check_currency
from sandbox.stripe.operation import Call, Listing, Operation, retrieve
from sandbox.stripe.resources import invoice_payments
from sandbox.stripe.types import Obj

AMOUNTS = ("authorized", "canceled", "failed", "guaranteed", "refunded")
# Outcome -> the nested parameter with its moment.
OUTCOMES = {"guaranteed": "guaranteed_at", "failed": "failed_at", "canceled": "canceled_at"}


def new_record(ctx: Context, amount: int, currency: str) -> Obj:
    """Keep a payment record for an amount that is asked for, and its first attempt."""
    return ctx.account.add(
        {
            "id": ctx.ids.make("pr"),
            "object": "payment_record",
            "amount": {"currency": currency, "value": amount},
            "amount_requested": {"currency": currency, "value": amount},
            **{f"amount_{name}": {"currency": currency, "value": 0} for name in AMOUNTS},
            "application": None,
            "created": ctx.now,
            "customer_details": None,
            "customer_presence": None,
            "description": None,
            "latest_payment_attempt_record": None,
            "livemode": ctx.account.livemode,
            "metadata": {},
            "payment_method_details": {
                "type": "custom",
                "custom": {"display_name": "Other", "type": None},
                "billing_details": None,
                "payment_method": None,
            },
            "processor_details": {"type": "custom", "custom": {"payment_reference": None}},
            "reported_by": "self",
            "shipping_details": None,
            "_refund_references": [],
        }
    )


def add_attempt(ctx: Context, record: Obj) -> None:
    """Keep the attempt behind a payment record; it mirrors the record."""
    attempt = copied(record)
    attempt["id"] = ctx.ids.make("par")
    attempt["object"] = "payment_attempt_record"
    del attempt["latest_payment_attempt_record"]
    attempt["payment_record"] = record["id"]
    record["latest_payment_attempt_record"] = ctx.account.add(attempt)["id"]


def report_payment(ctx: Context, call: Call) -> Obj:
    """POST /v1/payment_records/report_payment."""
    params = call.params
    requested = params["amount_requested"]
    currency = check_currency(requested["currency"], param="amount_requested[currency]")
    if requested["value"] < 1:
        message = "This value must be greater than or equal to 1."
        raise refuse(message, param="amount_requested[value]", code="parameter_invalid_integer")
    check_chargeable(requested["value"], currency, param="amount_requested[value]")
    method = params["payment_method_details"]
    if "payment_method" not in method and not (method.get("custom") or {}).get("display_name"):
        missing = "payment_method_details[custom][display_name]"
        raise refuse(f"Missing required param: {missing}.", param=missing, code="parameter_missing")
    check_outcome(ctx, params)
    reference = check_reference(ctx, params)
    customer = (params.get("customer_details") or {}).get("customer")
    if customer:
        ctx.get("customer", customer, param="customer_details[customer]")
    record = new_record(ctx, requested["value"], currency)
    describe(record, params)
    if reference is not None:
        record["processor_details"]["custom"]["payment_reference"] = reference
    if "outcome" in params:
        settle(ctx, record, params["outcome"])
    add_attempt(ctx, record)
    return record


def check_outcome(ctx: Context, params: Obj) -> None:
    """Refuse an outcome without its moment, or a moment in the future."""
    if params["initiated_at"] > ctx.now + 60:
        message = "Invalid timestamp: must not be in the future."
        raise refuse(message, param="initiated_at")
    outcome = params.get("outcome")
    for name, moment in OUTCOMES.items():
        if name == outcome and name not in params:
            missing = f"{name}[{moment}]"
            message = f"Missing required param: {missing}."
            raise refuse(message, param=missing, code="parameter_missing")
        if name in params and name != outcome:
            raise refuse(f"`{name}` requires `outcome` to be `{name}`.", param=name)
        if name in params and params[name][moment] > ctx.now + 60:
            message = "Invalid timestamp: must not be in the future."
            raise refuse(message, param=f"{name}[{moment}]")


def check_reference(ctx: Context, params: Obj) -> str | None:
    """Give the reference of the other processor; whether it must be unique is a switch."""
    custom = (params.get("processor_details") or {}).get("custom") or {}
    reference: str | None = custom.get("payment_reference")
    if reference is not None and ctx.switches["payment_reference"] == "unique":
        for record in ctx.account.table("payment_record").values():
            if record["processor_details"]["custom"]["payment_reference"] == reference:
                message = f"A payment with the reference '{reference}' was already reported."
                param = "processor_details[custom][payment_reference]"
                raise refuse(message, param=param)
    return reference


def describe(record: Obj, params: Obj) -> None:
    """Set what describes a payment record."""
    given = params.get("customer_details")
    if given is not None:
        empty = dict.fromkeys(("customer", "email", "name", "phone"))
        record["customer_details"] = empty | given
    method = params["payment_method_details"]
    details = record["payment_method_details"]
    details["payment_method"] = method.get("payment_method")
    custom = method.get("custom") or {}
    name = custom.get("display_name", "Other")
    details["custom"] = {"display_name": name, "type": custom.get("type")}
    record["customer_presence"] = params.get("customer_presence")
    record["description"] = or_null(params.get("description"))
    merge_metadata(record, params)


def settle(ctx: Context, record: Obj, outcome: str) -> None:
    """Give a payment record its outcome; what waits for it is credited."""
    value = record["amount_requested"]["value"]
    record[f"amount_{outcome}"]["value"] = value
    if outcome != "guaranteed":
        record["amount"]["value"] = 0
        return
    for linked in invoice_payments.of(ctx, record["id"], "open"):
        invoice_payments.credit(ctx, linked, value, off_stripe=True)


def report_refund(ctx: Context, call: Call) -> Obj:
    """POST /v1/payment_records/{id}/report_refund."""
    record = ctx.get("payment_record", call.path["id"], param="id", in_path=True)
    left = record["amount_guaranteed"]["value"] - record["amount_refunded"]["value"]
    asked = call.get("amount") or {"value": left, "currency": record["amount"]["currency"]}
    if asked["currency"].lower() != record["amount"]["currency"]:
        message = "The refund's currency must be the payment's."
        raise refuse(message, param="amount[currency]")
    if not 0 < asked["value"] <= left:
        message = "The refund is greater than what is left of the payment."
        raise refuse(message, param="amount[value]")
    param = "processor_details[custom][refund_reference]"
    reference = (call.params["processor_details"].get("custom") or {}).get("refund_reference")
    if reference is None:
        raise refuse(f"Missing required param: {param}.", param=param, code="parameter_missing")
    if any(
        reference in other["_refund_references"]
        for other in ctx.account.table("payment_record").values()
    ):
        message = f"A refund with the reference '{reference}' was already reported."
        raise refuse(message, param=param)
    record["_refund_references"].append(reference)
    record["amount_refunded"]["value"] += asked["value"]
    merge_metadata(record, call.params)
    if ctx.switches["refund_effect_on_invoice"] == "lowers_amount_paid":
        invoice_payments.take_back(ctx, record["id"], asked["value"])
    return record


def pay_outside(ctx: Context, invoice: Obj) -> None:
    """Mark all that remains of an invoice as paid outside Stripe."""
    remaining = invoice["amount_remaining"]
    record = new_record(ctx, remaining, invoice["currency"])
    record["amount_guaranteed"]["value"] = remaining
    add_attempt(ctx, record)
    linked = invoice_payments.link(ctx, invoice, record, requested=remaining, is_default=False)
    tell = ctx.switches["out_of_band_event"] == "sent"
    if ctx.switches["out_of_band_payment"] == "nothing":
        forget(ctx, linked, record)
        tell = False
    invoice_payments.credit(ctx, linked, remaining, off_stripe=True, tell=tell)


def forget(ctx: Context, linked: Obj, record: Obj) -> None:
    """Leave no trace of the payment in any list."""
    for owner in (linked["invoice"], record["id"]):
        ctx.account.payments_of[owner].remove(linked)
    ctx.account.drop(linked)
    ctx.account.drop(record)


def list_records(ctx: Context, call: Call) -> Listing:
    """GET /v1/payment_records: filtered by creation time only."""
    rows = [
        row
        for row in newest_first(ctx.account, "payment_record")
        if row["created"] > call.params.get("created_after", -1)
        and row["created"] < call.params.get("created_before", row["created"] + 1)
    ]
    return Listing(rows, "/v1/payment_records")


def list_attempts(ctx: Context, call: Call) -> Listing:
    """GET /v1/payment_attempt_records."""
    record = ctx.get("payment_record", call.params["payment_record"], param="payment_record")
    rows = [
        row
        for row in newest_first(ctx.account, "payment_attempt_record")
        if row["payment_record"] == record["id"]
    ]
    return Listing(rows, "/v1/payment_attempt_records")


RECORDS = "/v1/payment_records"
ATTEMPTS = "/v1/payment_attempt_records"
AREA = "payment_record"
OPERATIONS = [
    Operation("POST", f"{RECORDS}/report_payment", report_payment, AREA),
    Operation("GET", RECORDS, list_records, AREA),
    Operation("GET", f"{RECORDS}/{{id}}", retrieve("payment_record", "id"), AREA),
    Operation("POST", f"{RECORDS}/{{id}}/report_refund", report_refund, AREA),
    Operation("GET", ATTEMPTS, list_attempts, AREA),
    Operation("GET", f"{ATTEMPTS}/{{id}}", retrieve("payment_attempt_record", "id"), AREA),
]
