"""FreshBooks' side of one invoice, as one sync sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from connector.vendors.freshbooks.records import FreshBooksInvoice, FreshBooksPayment


@dataclass(frozen=True, kw_only=True)
class Books:
    """FreshBooks' side of one invoice, as just read: `payments` are the live ones."""

    invoice: FreshBooksInvoice
    payments: tuple[FreshBooksPayment, ...]

    def with_payment(self, payment: FreshBooksPayment) -> Books:
        """The books after FreshBooks accepted a payment; it computes the same figures."""
        invoice = replace(
            self.invoice,
            paid=self.invoice.paid + payment.amount,
            outstanding=self.invoice.outstanding - payment.amount,
        )
        return Books(invoice=invoice, payments=(*self.payments, payment))

    def without_payment(self, payment: FreshBooksPayment) -> Books:
        """The books after a payment was removed; it is asked for again."""
        invoice = replace(
            self.invoice,
            paid=self.invoice.paid - payment.amount,
            outstanding=self.invoice.outstanding + payment.amount,
        )
        others = tuple(other for other in self.payments if other.id != payment.id)
        return Books(invoice=invoice, payments=others)
