"""What is known of an invoice's money, and whether anything is: of most invoices nothing is yet.

Rows of money come from the sync of the invoice itself, which nobody does twice at once, or from
people, whose act asks for one more sync. So what is not there when a sync begins stays away from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from config.prepared import prepared_cursor
from connector import journal
from connector.collection import by_hand_of
from connector.journal import Totals
from connector.models import CollectedPayment, InvoiceLink, OutsidePayment
from connector.vendors.stripe.records import StripeInvoicePayment

_KNOWS = """
SELECT EXISTS (SELECT 1 FROM connector_collectedpayment WHERE invoice_id = %(link)s)
    OR EXISTS (SELECT 1 FROM connector_outsidepayment WHERE invoice_id = %(link)s)
    OR EXISTS (SELECT 1 FROM connector_allocation WHERE invoice_id = %(link)s)
    OR EXISTS (SELECT 1 FROM connector_moneyfact WHERE invoice_id = %(link)s)
"""


@dataclass(frozen=True, kw_only=True)
class KnownMoney:
    """All money of one invoice. Sums that somebody made by hand are in minor units."""

    collected: Sequence[CollectedPayment] = ()
    outside: Sequence[OutsidePayment] = ()
    totals: Totals = field(default_factory=Totals)
    by_hand: int = 0


def knows_money(link: InvoiceLink) -> bool:
    """Whether anything was collected, matched, entered elsewhere or written down. Inside a scope."""
    with prepared_cursor() as cursor:
        cursor.execute(_KNOWS, {"link": link.pk})
        (found,) = cursor.fetchone()
    return bool(found)


def any_money(payments: Iterable[StripeInvoicePayment]) -> bool:
    """Whether anybody paid, or tried to. An open invoice has one that only waits for the payer."""
    return any(
        payment.status != "open" or payment.amount_paid is not None or payment.charge_id
        for payment in payments
    )


def money_of(link: InvoiceLink) -> KnownMoney:
    """Read it all. Inside a scope."""
    return KnownMoney(
        collected=list(CollectedPayment.objects.filter(invoice=link)),
        outside=list(OutsidePayment.objects.filter(invoice=link)),
        totals=journal.totals_of([link.pk]).get(link.pk, Totals()),
        by_hand=by_hand_of([link.pk]).get(link.pk, 0),
    )
