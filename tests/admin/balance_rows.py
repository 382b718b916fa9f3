"""What Stripe's balance did for one paid invoice: facts, movements, and the payout they make."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from connector import journal
from connector.journal import Fact
from connector.models import BalanceMovement, CollectedPayment, MoneyFact, Payout
from connector.money import Money
from tests.factories import unique

PAID_AT = datetime(2026, 3, 2, 15, 4, 5, tzinfo=UTC)
SIDE, KIND = MoneyFact.Side.STRIPE, MoneyFact.Kind


def make_balance(payment: CollectedPayment) -> Payout:
    """The payment with its fee, a refund of 26.90, Radar's fee and a reserve, paid out together."""
    charge = unique("txn_")
    journal.keep(payment.tenant_id, _facts(payment, charge))
    payout: Payout = Payout.objects.create(
        tenant=payment.tenant,
        stripe_id=unique("po_"),
        amount_minor=68997,
        currency="USD",
        status="in_transit",
        reconciliation="completed",
        created_at=PAID_AT + timedelta(days=3),
        arrives_on=date(2026, 3, 7),
        movements_read_at=PAID_AT + timedelta(days=3),
    )
    rows = (
        (charge, "charge", "ch_1", 74964, 2204),
        (unique("txn_"), "refund", "re_1", -1964, 0),
        (unique("txn_"), "stripe_fee", "", -299, 0),
        (unique("txn_"), "reserve_hold", "", -1500, 0),
        (unique("txn_"), "payout", payout.stripe_id, -68997, 0),
    )
    for number, (stripe_id, kind, source, amount, fee) in enumerate(rows):
        BalanceMovement.objects.create(
            tenant=payment.tenant,
            stripe_id=stripe_id,
            type=kind,
            source_id=source,
            amount_minor=amount,
            fee_minor=fee,
            net_minor=amount - fee,
            currency="USD",
            exchange_rate=Decimal("0.73") if kind == "charge" else None,
            description="Radar" if kind == "stripe_fee" else "",
            status="available",
            payout_id=payout.stripe_id,
            payment_id=payment.stripe_payment_intent_id if source in {"ch_1", "re_1"} else "",
            created_at=PAID_AT + timedelta(hours=number),
        )
    return payout


def _facts(payment: CollectedPayment, charge: str) -> list[Fact]:
    return [
        Fact(
            side=SIDE,
            kind=KIND.COLLECTED,
            key=f"stripe:{payment.stripe_invoice_payment_id}",
            source_id=payment.stripe_invoice_payment_id,
            payment_id=payment.stripe_payment_intent_id,
            money=Money(payment.amount_minor, payment.currency),
            happened_at=PAID_AT,
            invoice=payment.invoice,
        ),
        Fact(
            side=SIDE,
            kind=KIND.SETTLED,
            key=f"stripe:{charge}",
            source_id=charge,
            payment_id=payment.stripe_payment_intent_id,
            money=Money.zero(payment.currency),
            settlement=Money(74964, "USD"),
            fee=Money(2204, "USD"),
            exchange_rate=Decimal("0.73"),
            happened_at=PAID_AT + timedelta(seconds=2),
            invoice=payment.invoice,
            note="charge ch_1",
        ),
        Fact(
            side=SIDE,
            kind=KIND.REFUNDED,
            key=f"stripe:{unique('re_')}",
            source_id="re_1",
            payment_id=payment.stripe_payment_intent_id,
            money=Money(-2690, payment.currency),
            happened_at=PAID_AT + timedelta(days=1),
            invoice=payment.invoice,
            note="requested by customer",
        ),
    ]
