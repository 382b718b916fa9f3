"""What a statement says of itself: which month of which books, how it stands, and what its words mean."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from connector.statement.cells import Row, Table, local
from connector.statement.making import Made
from connector.statement.records import Statement
from tenants.models import Tenant

_MODES = {str(value): str(label) for value, label in Tenant.PaymentMode.choices}
WORDS = (
    ("Opening", "What a side counted as paid when the month began."),
    ("Collected", "Paid in Stripe, payments that were matched to the invoice among them."),
    ("Returned", "Refunded, or lost to a dispute. Negative."),
    ("Reported", "Paid elsewhere, such as by cheque, and told to Stripe."),
    ("Recorded", "Payments that were made in FreshBooks by this product, as they stand."),
    ("Paid elsewhere", "Payments that people entered in FreshBooks."),
    ("Closing Stripe", "Opening and collected, returned and reported together."),
    ("Closing FreshBooks", "Opening and recorded and paid elsewhere together."),
    ("Difference", "Closing Stripe less closing FreshBooks. Above zero, Stripe has more."),
    ("Explained", "The part of a difference whose reason is known; it is named under Why."),
    ("Unexplained", "What no reason covers. It should be zero; if not, look at the invoice."),
    ("Without invoice", "Stripe's money that is matched to no invoice yet."),
    ("Net", "Of a deposit: gross less fees, refunds, disputes, reserves and other."),
    ("Not accounted for", "What a deposit has beyond its net. It should be zero."),
)


def about_table(made: Made, zone: ZoneInfo) -> Table:
    """Which books, which month, and whether it is closed."""
    found = made.statement
    rows: list[Row] = [
        ("Business", found.tenant_name),
        ("Month", f"{found.starts_at.astimezone(zone):%B %Y}"),
        ("From", local(found.starts_at, zone)),
        ("Until before", local(found.ends_at, zone)),
        ("Time zone of the books", found.time_zone),
        ("Payment mode", _MODES.get(found.payment_mode, found.payment_mode)),
        ("Closing", _closing(made, zone)),
        ("Differences", " ".join(_differences(found)) or "None."),
    ]
    return Table(
        name="about",
        title="About this statement",
        note="Amounts are exact, in the currency beside them; nothing is rounded.",
        columns=("What", "Value"),
        widths=(40, 200),
        rows=lambda: rows,
        count=len(rows),
    )


def _closing(made: Made, zone: ZoneInfo) -> str:
    if made.closed is None or made.changes is None:
        return "This month is not closed."
    when = local(_minute(made.closed.closed_at), zone)
    told = f"Closed {when} by {made.closed.closed_by}."
    changed = made.changes.count
    if not changed:
        return f"{told} Nothing changed since."
    figures = "1 figure" if changed == 1 else f"{changed:,} figures"
    return f"{told} {figures} changed since: see the table below the others."


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _differences(statement: Statement) -> Iterator[str]:
    """For each currency how many invoices differ, and whether all of it is explained."""
    for total in statement.totals:
        lines = [line for line in statement.invoices if line.currency == total.currency]
        differing = sum(1 for line in lines if line.difference)
        open_ = sum(1 for line in lines if line.unexplained)
        if differing or open_:
            invoices = "1 invoice differs" if differing == 1 else f"{differing:,} invoices differ"
            rest = f"{open_:,} with an unexplained part" if open_ else "all explained"
            yield f"{total.currency}: {invoices}, {rest}."


def words_table() -> Table:
    """What the columns' words mean, for whoever has only this paper."""
    return Table(
        name="words",
        title="Words",
        note="What the words of this statement mean.",
        columns=("Word", "Means"),
        widths=(40, 200),
        rows=lambda: WORDS,
        count=len(WORDS),
    )
