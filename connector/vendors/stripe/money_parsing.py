"""Stripe's JSON about money to records; strict and blind as `parsing`.

Source: Stripe API 2026-10-28.endive; fixtures in tests/fixtures/stripe.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from decimal import Decimal

from connector.money import Money
from connector.vendors.reading import Fields
from connector.vendors.stripe.money_records import (
    StripeBalanceTransaction,
    StripeCashMovement,
    StripeCharge,
    StripeCreditNote,
    StripeDispute,
    StripePaymentIntent,
    StripePayout,
    StripeRefund,
)
from connector.vendors.stripe.parsing import (
    card_brand,
    currency_of,
    instant,
    instant_or_none,
    metadata_of,
    money,
    reference,
)


def to_charge(source: Fields) -> StripeCharge:
    """Shapes: a `charge`."""
    currency = currency_of(source)
    billing = source.child_or_none("billing_details")
    method = source.child_or_none("payment_method_details")
    email = billing.text_or_empty("email") if billing else ""
    return StripeCharge(
        id=source.text("id"),
        status=source.text("status"),
        amount=money(source, "amount", currency),
        amount_captured=money(source, "amount_captured", currency),
        amount_refunded=money(source, "amount_refunded", currency),
        disputed=source.flag_or_false("disputed"),
        payment_intent_id=reference(source, "payment_intent"),
        customer_id=reference(source, "customer"),
        payer_name=billing.text_or_empty("name") if billing else "",
        payer_email=email or source.text_or_empty("receipt_email"),
        description=source.text_or_empty("description"),
        method_type=method.text_or_empty("type") if method else "",
        card_brand=card_brand(method),
        presentment=_presentment(source),
        balance_transaction_id=reference(source, "balance_transaction"),
        created_at=instant(source, "created"),
        metadata=metadata_of(source),
    )


def _presentment(source: Fields) -> Money | None:
    details = source.child_or_none("presentment_details")
    if details is None:
        return None
    currency = details.text("presentment_currency").upper()
    return money(details, "presentment_amount", currency)


def to_payment_intent(source: Fields) -> StripePaymentIntent:
    """Shapes: a `payment_intent`, its `latest_charge` expanded or not."""
    currency = currency_of(source)
    expanded = isinstance(source.data.get("latest_charge"), dict)
    failure = source.child_or_none("last_payment_error")
    return StripePaymentIntent(
        id=source.text("id"),
        status=source.text("status"),
        amount=money(source, "amount", currency),
        amount_received=money(source, "amount_received", currency),
        customer_id=reference(source, "customer"),
        receipt_email=source.text_or_empty("receipt_email"),
        description=source.text_or_empty("description"),
        failure=failure.text_or_empty("message") if failure else "",
        latest_charge=to_charge(source.child("latest_charge")) if expanded else None,
        created_at=instant(source, "created"),
        metadata=metadata_of(source),
    )


def to_refund(source: Fields) -> StripeRefund:
    """Shapes: a `refund`."""
    return StripeRefund(
        id=source.text("id"),
        status=source.text("status"),
        amount=money(source, "amount", currency_of(source)),
        charge_id=reference(source, "charge"),
        payment_intent_id=reference(source, "payment_intent"),
        reason=source.text_or_empty("reason"),
        failure_reason=source.text_or_empty("failure_reason"),
        created_at=instant(source, "created"),
    )


def to_balance_transaction(source: Fields) -> StripeBalanceTransaction:
    """Shapes: a `balance_transaction`; its currency is the settlement currency."""
    currency = currency_of(source)
    return StripeBalanceTransaction(
        id=source.text("id"),
        type=source.text("type"),
        reporting_category=source.text_or_empty("reporting_category"),
        source_id=reference(source, "source"),
        amount=money(source, "amount", currency),
        fee=money(source, "fee", currency),
        net=money(source, "net", currency),
        exchange_rate=_rate(source),
        description=source.text_or_empty("description"),
        status=source.text_or_empty("status"),
        created_at=instant(source, "created"),
        available_on=instant_or_none(source, "available_on"),
    )


def _rate(source: Fields) -> Decimal | None:
    """The exchange rate, digit by digit as Stripe wrote it: the package reads it as a float."""
    rate = source.data.get("exchange_rate")
    if isinstance(rate, float):
        source = replace(source, data={"exchange_rate": Decimal(repr(rate))})
    return source.decimal("exchange_rate") if rate is not None else None


def to_dispute(source: Fields) -> StripeDispute:
    """Shapes: a `dispute` with its balance transactions inside."""
    evidence = source.child_or_none("evidence_details")
    moved = source.children("balance_transactions") if source.has("balance_transactions") else []
    return StripeDispute(
        id=source.text("id"),
        status=source.text("status"),
        amount=money(source, "amount", currency_of(source)),
        charge_id=reference(source, "charge"),
        payment_intent_id=reference(source, "payment_intent"),
        reason=source.text_or_empty("reason"),
        due_by=instant_or_none(evidence, "due_by") if evidence else None,
        movements=tuple(to_balance_transaction(row) for row in moved),
        created_at=instant(source, "created"),
    )


def to_payout(source: Fields) -> StripePayout:
    """Shapes: a `payout`; `arrival_date` is midnight UTC of a calendar day."""
    return StripePayout(
        id=source.text("id"),
        status=source.text("status"),
        amount=money(source, "amount", currency_of(source)),
        automatic=source.flag_or_false("automatic"),
        reconciliation=source.text_or_empty("reconciliation_status"),
        arrives_on=instant(source, "arrival_date").astimezone(UTC).date(),
        created_at=instant(source, "created"),
    )


def to_credit_note(source: Fields) -> StripeCreditNote:
    """Shapes: a `credit_note`."""
    currency = currency_of(source)
    return StripeCreditNote(
        id=source.text("id"),
        status=source.text("status"),
        invoice_id=reference(source, "invoice"),
        amount=money(source, "amount", currency),
        pre_payment=money(source, "pre_payment_amount", currency),
        post_payment=money(source, "post_payment_amount", currency),
        created_at=instant(source, "created"),
        voided_at=instant_or_none(source, "voided_at"),
    )


def to_cash_movement(source: Fields) -> StripeCashMovement:
    """Shapes: a `customer_cash_balance_transaction`."""
    applied = source.child_or_none("applied_to_payment")
    return StripeCashMovement(
        id=source.text("id"),
        type=source.text("type"),
        customer_id=reference(source, "customer"),
        net_amount=money(source, "net_amount", currency_of(source)),
        payment_intent_id=reference(applied, "payment_intent") if applied else "",
        created_at=instant(source, "created"),
    )
