"""Money that moved: payments, refunds, disputes, credit notes, the balance, payouts. Only read."""

from __future__ import annotations

from datetime import datetime

from connector.vendors.stripe.api import StripeApi, path_to
from connector.vendors.stripe.money_parsing import (
    to_balance_transaction,
    to_cash_movement,
    to_charge,
    to_credit_note,
    to_dispute,
    to_payment_intent,
    to_payout,
    to_refund,
)
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
from connector.vendors.stripe.pages import page_params, to_page
from connector.vendors.stripe.parsing import to_invoice_payment
from connector.vendors.stripe.records import StripeInvoicePayment, StripePage


class MoneyCalls(StripeApi):
    """Operations on what was paid, went back, and was paid out. `payment_id` is a pi_ or ch_ id."""

    def get_payment_intent(self, payment_intent_id: str) -> StripePaymentIntent:
        """One PaymentIntent with its latest charge."""
        return self.read(
            "stripe.payment_intents.get",
            path_to("payment_intents", payment_intent_id),
            to_payment_intent,
            params={"expand": ["latest_charge"]},
        )

    def get_charge(self, charge_id: str) -> StripeCharge:
        """One charge."""
        return self.read("stripe.charges.get", path_to("charges", charge_id), to_charge)

    def list_invoice_payments_of(
        self, payment_id: str, *, cursor: str = ""
    ) -> StripePage[StripeInvoicePayment]:
        """One page of what one payment paid: InvoicePayments on any invoice of the account.

        Of a charge without PaymentIntent Stripe cannot be asked; none pays an invoice any more.
        """
        if _kind_of(payment_id) == "charge":
            return StripePage(rows=(), next_cursor="", unreadable=())
        return self.read(
            "stripe.invoice_payments.of_payment",
            path_to("invoice_payments"),
            to_page(to_invoice_payment),
            params={
                **page_params(cursor),
                "payment": {"type": "payment_intent", "payment_intent": payment_id},
            },
        )

    def list_refunds(self, payment_id: str, *, cursor: str = "") -> StripePage[StripeRefund]:
        """One page of the refunds of one payment."""
        return self.read(
            "stripe.refunds.list",
            path_to("refunds"),
            to_page(to_refund),
            params={**page_params(cursor), _kind_of(payment_id): payment_id},
        )

    def get_refund(self, refund_id: str) -> StripeRefund:
        """One refund."""
        return self.read("stripe.refunds.get", path_to("refunds", refund_id), to_refund)

    def list_disputes(self, payment_id: str, *, cursor: str = "") -> StripePage[StripeDispute]:
        """One page of the disputes of one payment."""
        return self.read(
            "stripe.disputes.list",
            path_to("disputes"),
            to_page(to_dispute),
            params={**page_params(cursor), _kind_of(payment_id): payment_id},
        )

    def get_dispute(self, dispute_id: str) -> StripeDispute:
        """One dispute with its movements."""
        return self.read("stripe.disputes.get", path_to("disputes", dispute_id), to_dispute)

    def list_credit_notes(
        self, invoice_id: str, *, cursor: str = ""
    ) -> StripePage[StripeCreditNote]:
        """One page of the credit notes of one invoice."""
        return self.read(
            "stripe.credit_notes.list",
            path_to("credit_notes"),
            to_page(to_credit_note),
            params={**page_params(cursor), "invoice": invoice_id},
        )

    def list_balance_transactions(
        self, *, cursor: str = "", created_gte: datetime | None = None, payout_id: str = ""
    ) -> StripePage[StripeBalanceTransaction]:
        """One page of the balance's movements, newest first, or of those of one automatic payout."""
        params = page_params(cursor, created_gte=created_gte)
        if payout_id:
            params["payout"] = payout_id
        return self.read(
            "stripe.balance_transactions.list",
            path_to("balance_transactions"),
            to_page(to_balance_transaction),
            params=params,
        )

    def list_payouts(
        self, *, cursor: str = "", created_gte: datetime | None = None
    ) -> StripePage[StripePayout]:
        """One page of payouts, newest first."""
        return self.read(
            "stripe.payouts.list",
            path_to("payouts"),
            to_page(to_payout),
            params=page_params(cursor, created_gte=created_gte),
        )

    def list_cash_movements(
        self, customer_id: str, *, cursor: str = ""
    ) -> StripePage[StripeCashMovement]:
        """One page of the movements of one customer's cash balance."""
        return self.read(
            "stripe.cash_movements.list",
            path_to("customers", customer_id, "cash_balance_transactions"),
            to_page(to_cash_movement),
            params=page_params(cursor),
        )


def _kind_of(payment_id: str) -> str:
    return "charge" if payment_id.startswith(("ch_", "py_")) else "payment_intent"
