"""What Stripe answers about money itself: charges, refunds, disputes, its balance, payouts.

Amounts are exact minor units; those of the balance are in the settlement currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from connector.money import Money


@dataclass(frozen=True, kw_only=True)
class StripeCharge:
    """One charge: what was taken, by which method, from whom."""

    id: str
    status: str  # succeeded, pending, failed
    amount: Money
    amount_captured: Money
    amount_refunded: Money
    disputed: bool  # ever; stays true when won
    payment_intent_id: str  # "" for a charge that was made without one
    customer_id: str
    payer_name: str
    payer_email: str
    description: str
    method_type: str
    card_brand: str
    presentment: Money | None  # when the payer was shown another currency
    balance_transaction_id: str  # "" until Stripe has computed the fee
    created_at: datetime
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class StripePaymentIntent:
    """One PaymentIntent with its latest charge."""

    id: str
    status: str  # succeeded, processing, requires_…, canceled; open enum
    amount: Money
    amount_received: Money
    customer_id: str
    receipt_email: str
    description: str
    failure: str  # Stripe's words about the last failed try; ""
    latest_charge: StripeCharge | None
    created_at: datetime
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class StripeRefund:
    """One refund. It may fail days after it succeeded: the money is back then."""

    id: str
    status: str  # pending, requires_action, succeeded, failed, canceled; open enum
    amount: Money
    charge_id: str
    payment_intent_id: str
    reason: str
    failure_reason: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class StripeBalanceTransaction:
    """One movement of Stripe's balance; `amount` - `fee` = `net`."""

    id: str
    type: str  # charge, payment, refund, adjustment, payout, stripe_fee, reserve…; open enum
    reporting_category: str
    source_id: str
    amount: Money
    fee: Money
    net: Money
    exchange_rate: Decimal | None  # charge currency x rate = amount; None without conversion
    description: str
    status: str  # pending, available
    created_at: datetime
    available_on: datetime | None


@dataclass(frozen=True, kw_only=True)
class StripeDispute:
    """One dispute; `warning_…` states are inquiries that move no money."""

    id: str
    status: str  # needs_response, under_review, won, lost, warning_…; open enum
    amount: Money
    charge_id: str
    payment_intent_id: str
    reason: str
    due_by: datetime | None
    movements: tuple[StripeBalanceTransaction, ...]
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class StripePayout:
    """One payout to the bank."""

    id: str
    status: str  # pending, in_transit, paid, failed, canceled; open enum
    amount: Money
    automatic: bool  # only then Stripe tells which movements it is made of
    reconciliation: str  # completed, in_progress, not_applicable: whether its movements are final
    arrives_on: date
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class StripeCreditNote:
    """One credit note: `pre_payment` lowered what is asked, `post_payment` what was paid."""

    id: str
    status: str  # issued, void
    invoice_id: str
    amount: Money
    pre_payment: Money
    post_payment: Money
    created_at: datetime
    voided_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class StripeCashMovement:
    """One movement of a customer's cash balance: bank transfers that Stripe may apply later."""

    id: str
    type: str  # funded, applied_to_payment, refunded_from_payment, ...; open enum
    customer_id: str
    net_amount: Money
    payment_intent_id: str  # of applied_to_payment; "" otherwise
    created_at: datetime
