"""Payments of a FreshBooks account: the only accounting objects that the product writes.

FreshBooks has no idempotency keys. Nothing here looks before it posts or posts again: the marker in
`note` and the look-up belong to the payment protocol of `connector.sync`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

from connector.money import Money
from connector.vendors.freshbooks.api import Call, FreshBooksApi
from connector.vendors.freshbooks.pages import change_query, ignored_filters, page_query, to_page
from connector.vendors.freshbooks.parsing import to_payment
from connector.vendors.freshbooks.records import (
    DELETED,
    FreshBooksPayment,
    FreshBooksPaymentDraft,
    Page,
)
from connector.vendors.reading import Fields


class PaymentCalls(FreshBooksApi):
    """Operations freshbooks.payments.*."""

    def list_payments(
        self, *, page: int, invoice_id: int | None = None, updated_min: date | None = None
    ) -> Page[FreshBooksPayment]:
        """One page of payments, newest id first; FreshBooks leaves deleted ones out.

        Raises: VendorContractBroken if a row is another invoice's: the filter was ignored, and a
            look-up before a create would trust somebody else's payment.
        """

        def parse(source: Fields) -> Page[FreshBooksPayment]:
            found = to_page(source, "payments", to_payment)
            if invoice_id is not None and any(row.invoice_id != invoice_id for row in found.rows):
                raise source.broken(
                    "invoiceid", expected=f"only rows of invoice {invoice_id}", found="other rows"
                )
            ignored = ignored_filters(found.rows, updated_min=updated_min)
            return replace(found, ignored_filters=ignored)

        by_invoice = [] if invoice_id is None else [("search[invoiceid]", str(invoice_id))]
        return self.call(
            Call(
                operation="freshbooks.payments.list",
                method="GET",
                path=self._payments_path(),
                query=(*page_query(page), *change_query(updated_min, None), *by_invoice),
            ),
            parse,
        )

    def get_payment(self, *, payment_id: int) -> FreshBooksPayment:
        """One payment, deleted ones included (vis_state 1)."""
        return self.call(
            Call(
                operation="freshbooks.payments.get",
                method="GET",
                path=self._payments_path(payment_id),
            ),
            _payment(payment_id=payment_id),
        )

    def create_payment(self, *, draft: FreshBooksPaymentDraft) -> FreshBooksPayment:
        """Record a payment; no e-mail goes to the client.

        FreshBooks does not refuse an overpayment: it stores what was outstanding and books the rest
        as credit, so the caller compares the returned amount with the draft's.
        """
        body = {
            "invoiceid": draft.invoice_id,
            "amount": _amount(draft.amount),
            "date": draft.paid_on.isoformat(),
            "type": draft.type,
            "note": draft.note,
            "send_client_notification": False,
        }
        return self.call(
            Call(
                operation="freshbooks.payments.create",
                method="POST",
                path=self._payments_path(),
                body={"payment": body},
            ),
            _payment(invoice_id=draft.invoice_id),
        )

    def update_payment_amount(
        self, *, payment_id: int, amount: Money, note: str
    ) -> FreshBooksPayment:
        """Set another amount and note, e.g. after a refund.

        A deleted payment can still be edited at FreshBooks: look at `vis_state` of the answer.
        """
        body = {"amount": _amount(amount), "note": note, "send_client_notification": False}
        return self._put_payment("freshbooks.payments.update", payment_id, body)

    def delete_payment(self, *, payment_id: int) -> FreshBooksPayment:
        """Remove the payment; the invoice opens again. It stays readable with vis_state 1."""
        return self._put_payment(
            "freshbooks.payments.delete", payment_id, {"vis_state": DELETED}, vis_state=DELETED
        )

    def _put_payment(
        self,
        operation: str,
        payment_id: int,
        body: Mapping[str, object],
        *,
        vis_state: int | None = None,
    ) -> FreshBooksPayment:
        call = Call(
            operation=operation,
            method="PUT",
            path=self._payments_path(payment_id),
            body={"payment": body},
        )
        return self.call(call, _payment(payment_id=payment_id, vis_state=vis_state))

    def _payments_path(self, payment_id: int | None = None) -> str:
        path = f"/accounting/account/{self.account_id}/payments/payments"
        return path if payment_id is None else f"{path}/{payment_id:d}"


def _amount(amount: Money) -> dict[str, str]:
    return {"amount": amount.to_decimal_string(), "code": amount.currency}


def _payment(
    *,
    payment_id: int | None = None,
    invoice_id: int | None = None,
    vis_state: int | None = None,
) -> Callable[[Fields], FreshBooksPayment]:
    """Read `result.payment` and make sure that it is the payment that was meant."""

    def parse(source: Fields) -> FreshBooksPayment:
        payment = to_payment(source.child("payment"))
        for name, expected, found in (
            ("id", payment_id, payment.id),
            ("invoiceid", invoice_id, payment.invoice_id),
            ("vis_state", vis_state, payment.vis_state),
        ):
            if expected is not None and found != expected:
                raise source.broken(f"payment.{name}", expected=str(expected), found=found)
        return payment

    return parse
