"""Rows as the vendors' words leave them, made directly: invoices, facts, payments, deposits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from connector.models import (
    BalanceMovement,
    ClientLink,
    CollectedPayment,
    InvoiceLink,
    MoneyFact,
    OutsidePayment,
    Payout,
)
from tenants.models import Tenant
from tests.factories import unique, unique_number

Kind = MoneyFact.Kind
STRIPE, FRESHBOOKS = MoneyFact.Side.STRIPE, MoneyFact.Side.FRESHBOOKS


def at(day: int, *, month: int = 3, hour: int = 15, minute: int = 0) -> datetime:
    """A moment of 2026, in UTC."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@dataclass(kw_only=True)
class Books:
    """The rows of one tenant. Inside its scope, or one over every tenant."""

    tenant: Tenant

    def invoice(self, number: str, total: int = 10000, **values: Any) -> InvoiceLink:
        currency = values.setdefault("currency", "CAD")
        client = values.pop("client", "Elm Street Dental")
        row: InvoiceLink = InvoiceLink.objects.create(
            tenant=self.tenant,
            freshbooks_invoice_id=unique_number(),
            number=number,
            client=ClientLink.objects.create(
                tenant=self.tenant, freshbooks_client_id=unique_number(), name=client
            ),
            state=values.pop("state", InvoiceLink.State.OPEN),
            freshbooks_total_minor=total,
            freshbooks_paid_minor=values.pop("paid", 0),
            freshbooks_outstanding_minor=total,
            freshbooks_status="sent",
            issued_on=values.pop("issued_on", date(2026, 3, 1)),
            stripe_invoice_id=unique("in_"),
            stripe_status="open",
            stripe_total_minor=total,
            stripe_paid_minor=0,
            stripe_remaining_minor=total,
            **values,
        )
        assert row.currency == currency
        return row

    def fact(self, kind: Kind, amount: int, when: datetime, **values: Any) -> MoneyFact:
        invoice = values.get("invoice")
        values.setdefault("currency", invoice.currency if invoice else "CAD")
        side = FRESHBOOKS if kind.startswith("payment") and kind != Kind.PAYMENT_FAILED else STRIPE
        source = values.setdefault("source_id", unique("obj_"))
        values.setdefault("payment_id", source)
        row: MoneyFact = MoneyFact.objects.create(
            tenant=self.tenant,
            side=side,
            kind=kind,
            key=unique(f"{kind}:"),
            amount_minor=amount,
            happened_at=when,
            **values,
        )
        return row

    def collect(
        self,
        invoice: InvoiceLink,
        amount: int,
        when: datetime,
        recording: str = "observed",
        **values: Any,
    ) -> CollectedPayment:
        """Stripe took money for an invoice."""
        row: CollectedPayment = CollectedPayment.objects.create(
            tenant=self.tenant,
            invoice=invoice,
            stripe_invoice_payment_id=unique("inpay_"),
            stripe_payment_intent_id=unique("pi_"),
            status="paid",
            amount_minor=amount,
            currency=invoice.currency,
            paid_at=when,
            recording=recording,
            **({"stripe_charge_id": unique("ch_")} | values),
        )
        self.fact(
            Kind.COLLECTED,
            amount,
            when,
            invoice=invoice,
            source_id=row.stripe_invoice_payment_id,
            payment_id=row.stripe_payment_intent_id,
        )
        return row

    def book(
        self, row: CollectedPayment, amount: int, when: datetime, kind: Kind = Kind.PAYMENT
    ) -> MoneyFact:
        """FreshBooks shows, or changes, the payment that we made for it."""
        row.freshbooks_payment_id = row.freshbooks_payment_id or unique_number()
        row.save()
        number = str(row.freshbooks_payment_id)
        return self.fact(kind, amount, when, invoice=row.invoice, source_id=number, ours=True)

    def record(
        self, invoice: InvoiceLink, amount: int, when: datetime, booked: datetime | None = None
    ) -> CollectedPayment:
        """Collected, and recorded in FreshBooks by us."""
        row = self.collect(invoice, amount, when, "recorded")
        self.book(row, amount, booked or when + timedelta(seconds=1))
        return row

    def refund(
        self, row: CollectedPayment, amount: int, when: datetime, **values: Any
    ) -> MoneyFact:
        defaults = {"invoice": row.invoice, "about_minor": amount, "source_id": unique("re_")}
        return self.fact(
            Kind.REFUNDED,
            -amount,
            when,
            payment_id=row.stripe_payment_intent_id,
            **(defaults | values),
        )

    def cheque(
        self, invoice: InvoiceLink, amount: int, when: datetime, reported: datetime | None = None
    ) -> OutsidePayment:
        """Somebody entered a payment in FreshBooks; Stripe was told of it or not."""
        row: OutsidePayment = OutsidePayment.objects.create(
            tenant=self.tenant,
            invoice=invoice,
            freshbooks_payment_id=unique_number(),
            amount_minor=amount,
            currency=invoice.currency,
            paid_on=when.date(),
            type="Check",
            reporting="reported" if reported else "seen",
            reported_amount_minor=amount if reported else None,
            reported_at=reported,
            stripe_payment_record_id=unique("pr_") if reported else "",
        )
        self.fact(
            Kind.PAYMENT, amount, when, invoice=invoice, source_id=str(row.freshbooks_payment_id)
        )
        if reported:
            number = str(row.freshbooks_payment_id)
            self.fact(Kind.REPORTED, amount, reported, invoice=invoice, payment_id=number)
        return row

    def payout(self, day: int, amount: int, *, month: int = 3, **values: Any) -> Payout:
        defaults = {"currency": "CAD", "status": "paid", "movements_read_at": at(day, month=month)}
        row: Payout = Payout.objects.create(
            tenant=self.tenant,
            stripe_id=unique("po_"),
            amount_minor=amount,
            created_at=at(day, month=month) - timedelta(days=2),
            arrives_on=date(2026, month, day),
            **(defaults | values),
        )
        return row

    def balance(
        self, kind: str, amount: int, fee: int = 0, payout: Payout | None = None, **values: Any
    ) -> BalanceMovement:
        defaults = {"currency": payout.currency if payout else "CAD", "created_at": at(5)}
        row: BalanceMovement = BalanceMovement.objects.create(
            tenant=self.tenant,
            stripe_id=unique("txn_"),
            type=kind,
            reporting_category=values.pop("category", kind),
            amount_minor=amount,
            fee_minor=fee,
            net_minor=amount - fee,
            payout_id=payout.stripe_id if payout else "",
            **(defaults | values),
        )
        return row
