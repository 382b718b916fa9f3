"""Stripe's JSON to records: strict about what is required, blind to what is not known.

Enums stay open texts. A missing required field, a wrong type, an unknown currency or an amount with
digits that its currency does not have raises VendorContractBroken.
Source: Stripe API 2026-10-28.endive; fixtures in tests/fixtures/stripe.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from connector.errors import NotRepresentable
from connector.money import Money
from connector.vendors.reading import Fields
from connector.vendors.stripe.records import (
    StripeCustomer,
    StripeEvent,
    StripeInvoice,
    StripeInvoicePayment,
    StripePaymentRecord,
    StripeTaxId,
    StripeWebhookEndpoint,
)

DELETED = "deleted"
DELETED_CURRENCY = "USD"


def to_customer(source: Fields) -> StripeCustomer:
    """Shapes: a customer, or {id, object, deleted: true} for a deleted one."""
    return StripeCustomer(
        id=source.text("id"),
        name=source.text_or_empty("name"),
        email=source.text_or_empty("email"),
        deleted=source.flag_or_false("deleted"),
        metadata=metadata_of(source),
    )


def to_tax_id(source: Fields) -> StripeTaxId:
    """Shapes: a `tax_id`."""
    return StripeTaxId(
        id=source.text("id"),
        type=source.text("type"),
        value=source.text("value"),
        created_at=instant(source, "created"),
    )


def to_invoice(source: Fields) -> StripeInvoice:
    """Shapes: an invoice, or {id, object, deleted: true} for a deleted draft.

    Units: Stripe's integers become minor units of ISO 4217. A deleted draft has no amounts and no
        currency: its `currency` is "" and its amounts are zero.
    """
    if source.flag_or_false("deleted"):
        return _deleted_invoice(source)
    transitions = source.child("status_transitions")
    currency = currency_of(source)
    return StripeInvoice(
        id=source.text("id"),
        status=source.text("status"),
        number=source.text_or_empty("number"),
        customer_id=reference(source, "customer"),
        total=money(source, "total", currency),
        amount_due=money(source, "amount_due", currency),
        amount_paid=money(source, "amount_paid", currency),
        amount_remaining=money(source, "amount_remaining", currency),
        amount_overpaid=money(source, "amount_overpaid", currency),
        pre_payment_credits=money(source, "pre_payment_credit_notes_amount", currency),
        post_payment_credits=money(source, "post_payment_credit_notes_amount", currency),
        starting_balance_minor=money(source, "starting_balance", currency).amount_minor,
        currency=currency,
        due_date=instant_or_none(source, "due_date"),
        finalized_at=instant_or_none(transitions, "finalized_at"),
        paid_at=instant_or_none(transitions, "paid_at"),
        hosted_invoice_url=source.text_or_empty("hosted_invoice_url"),
        livemode=source.flag("livemode"),
        metadata=metadata_of(source),
    )


def _deleted_invoice(source: Fields) -> StripeInvoice:
    nothing = Money.zero(DELETED_CURRENCY)
    return StripeInvoice(
        id=source.text("id"),
        status=DELETED,
        number="",
        customer_id="",
        total=nothing,
        amount_due=nothing,
        amount_paid=nothing,
        amount_remaining=nothing,
        amount_overpaid=nothing,
        pre_payment_credits=nothing,
        post_payment_credits=nothing,
        starting_balance_minor=0,
        currency="",
        due_date=None,
        finalized_at=None,
        paid_at=None,
        hosted_invoice_url="",
        livemode=source.flag_or_false("livemode"),
        metadata={},
    )


def to_invoice_payment(source: Fields) -> StripeInvoicePayment:
    """Shapes: an `invoice_payment`; its PaymentIntent and charge as ids or, expanded, as objects.

    What is booked is `amount_paid`: one PaymentIntent may pay several invoices.
    """
    payment = source.child("payment")
    intent = _expanded(payment, "payment_intent")
    charge = _expanded(payment, "charge") or (
        _expanded(intent, "latest_charge") if intent else None
    )
    method = charge.child_or_none("payment_method_details") if charge else None
    currency = currency_of(source)
    return StripeInvoicePayment(
        id=source.text("id"),
        invoice_id=reference(source, "invoice"),
        status=source.text("status"),
        amount_requested=money(source, "amount_requested", currency),
        amount_paid=money(source, "amount_paid", currency) if source.has("amount_paid") else None,
        is_default=source.flag("is_default"),
        payment_type=payment.text("type"),
        payment_intent_id=reference(payment, "payment_intent"),
        charge_id=reference(payment, "charge") or _latest_charge_id(intent),
        payment_record_id=reference(payment, "payment_record"),
        payment_intent_status=intent.text_or_empty("status") if intent else "",
        method_type=method.text_or_empty("type") if method else "",
        card_brand=card_brand(method),
        paid_at=instant_or_none(source.child("status_transitions"), "paid_at"),
        created_at=instant(source, "created"),
        charge_status=charge.text_or_empty("status") if charge else "",
        charge_amount=_of_charge(charge, "amount", currency),
        charge_refunded=_of_charge(charge, "amount_refunded", currency),
        charge_disputed=charge.flag_or_false("disputed") if charge else False,
    )


def _of_charge(charge: Fields | None, key: str, currency: str) -> Money | None:
    return money(charge, key, currency) if charge is not None and charge.has(key) else None


def _latest_charge_id(intent: Fields | None) -> str:
    return reference(intent, "latest_charge") if intent else ""


def card_brand(method: Fields | None) -> str:
    """The brand of a card, from `payment_method_details`; "" for anything else."""
    card = method.child_or_none("card") if method else None
    return card.text_or_empty("brand") if card else ""


def to_payment_record(source: Fields) -> StripePaymentRecord:
    """Shapes: a `payment_record`, whose amounts are {currency, value}."""
    amount = source.child("amount")
    currency = currency_of(amount)
    refunded = source.child_or_none("amount_refunded")
    processor = source.child_or_none("processor_details")
    custom = processor.child_or_none("custom") if processor else None
    return StripePaymentRecord(
        id=source.text("id"),
        amount=money(amount, "value", currency),
        refunded=money(refunded, "value", currency) if refunded else Money.zero(currency),
        payment_reference=custom.text_or_empty("payment_reference") if custom else "",
        created_at=instant(source, "created"),
        metadata=metadata_of(source),
    )


def to_event(source: Fields) -> StripeEvent:
    """Shapes: an event as delivered or listed. Only ids, type and times are read from it.

    Listed events are rendered in the version of their time, so nothing else can be relied upon.
    """
    subject = source.child("data").child("object")
    object_type = subject.text_or_empty("object")
    object_id = subject.text_or_empty("id")
    invoice_id = object_id if object_type == "invoice" else _loose_reference(subject, "invoice")
    return StripeEvent(
        id=source.text("id"),
        type=source.text("type"),
        created_at=instant(source, "created"),
        livemode=source.flag("livemode"),
        account_id=source.text_or_empty("account"),
        object_type=object_type,
        object_id=object_id,
        invoice_id=invoice_id,
        payment_id=_payment_of(subject, object_type, object_id),
        customer_id=_loose_reference(subject, "customer"),
        idempotency_key=_request_key(source),
    )


def _payment_of(subject: Fields, object_type: str, object_id: str) -> str:
    """The payment that an event is about: a PaymentIntent where there is one, else a charge."""
    if object_type == "payment_intent":
        return object_id
    payment = subject.data.get("payment")
    inner = payment if isinstance(payment, dict) else subject.data
    named = Fields(subject.vendor, subject.where, inner)
    own = object_id if object_type == "charge" else ""
    return _loose_reference(named, "payment_intent") or _loose_reference(named, "charge") or own


def _request_key(source: Fields) -> str:
    """The idempotency key of the API request that caused the event; "" if no request did."""
    request = source.child_or_none("request")
    return request.text_or_empty("idempotency_key") if request else ""


def to_webhook_endpoint(source: Fields) -> StripeWebhookEndpoint:
    """Shapes: a `webhook_endpoint`; `secret` is in the answer to its creation only."""
    return StripeWebhookEndpoint(
        id=source.text("id"),
        url=source.text("url"),
        status=source.text("status"),
        api_version=source.text_or_empty("api_version"),
        enabled_events=tuple(str(event) for event in source.items("enabled_events")),
        secret=source.text_or_empty("secret"),
    )


def money(source: Fields, key: str, currency: str) -> Money:
    """Stripe's integer in this currency, as Money."""
    amount = source.integer(key)
    try:
        return Money.from_stripe(amount, currency)
    except NotRepresentable as error:
        failure = source.broken(key, expected=f"an amount in {currency}", found=amount)
        failure.code = type(error).__name__
    raise failure


def currency_of(source: Fields) -> str:
    """The currency code in upper case; VendorContractBroken if nobody knows it."""
    code = source.text("currency").upper()
    try:
        Money.zero(code)
    except NotRepresentable:
        known = False
    else:
        known = True
    if not known:
        raise source.broken("currency", expected="a currency code", found=code)
    return code


def instant(source: Fields, key: str) -> datetime:
    """Unix seconds as a UTC instant."""
    seconds = source.integer(key)
    if not 0 <= seconds < 253_402_300_800:  # the end of the year 9999
        raise source.broken(key, expected="Unix seconds", found=seconds)
    return datetime.fromtimestamp(seconds, UTC)


def instant_or_none(source: Fields, key: str) -> datetime | None:
    """Unix seconds as a UTC instant, or None if it is missing or null."""
    return instant(source, key) if source.has(key) else None


def metadata_of(source: Fields) -> Mapping[str, str]:
    """Metadata; {} if there is none. Stripe keeps texts only."""
    found = source.child_or_none("metadata")
    return {key: found.text_or_empty(key) for key in found.data} if found else {}


def reference(source: Fields, key: str) -> str:
    """The id of another object, given as id or as the expanded object; "" if null or missing."""
    expanded = _expanded(source, key)
    return expanded.text("id") if expanded else source.text_or_empty(key)


def _loose_reference(source: Fields, key: str) -> str:
    """As `reference`, but "" for any other shape: old events are rendered in old versions."""
    value = source.data.get(key)
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""


def _expanded(source: Fields, key: str) -> Fields | None:
    return source.child(key) if isinstance(source.data.get(key), dict) else None
