"""What Stripe was told of payments elsewhere, as facts of the journal: each telling once."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Sum

from connector import journal
from connector.journal import Fact
from connector.models import InvoiceLink, MoneyFact, OutsidePayment
from connector.money import Money
from connector.sync.context import SyncRun


def keep_report_fact(run: SyncRun, link: InvoiceLink, row: OutsidePayment, at: datetime) -> None:
    """Keep by how much Stripe was told of more, or of less, than the journal knows.

    The row and the fact are saved together, so nothing that was told is missing here or is here
    twice. `at` is Stripe's time. Inside a scope.
    """
    number = str(row.freshbooks_payment_id)
    known = MoneyFact.objects.filter(
        kind=MoneyFact.Kind.REPORTED, payment_id=number, currency=row.currency
    ).aggregate(count=Count("pk"), told=Sum("amount_minor"))
    more = row.told_minor - (known["told"] or 0)
    if more == 0:
        return
    fact = Fact(
        side=MoneyFact.Side.STRIPE,
        kind=MoneyFact.Kind.REPORTED,
        key=f"reported:{number}:{known['count']}",
        source_id=row.stripe_payment_record_id or row.reported_on_stripe_invoice,
        payment_id=number,
        money=Money(more, row.currency),
        about=Money(row.told_minor, row.currency),
        happened_at=at,
        invoice=link,
        ours=True,
        note=_what(row, more, is_first=not known["count"]),
    )
    journal.keep(run.tenant_id, [fact], correlation_id=run.job.cause.correlation_id)


def _what(row: OutsidePayment, more: int, *, is_first: bool) -> str:
    if is_first:
        return row.type
    return f"{row.type}: told of more" if more > 0 else f"{row.type}: taken back"
