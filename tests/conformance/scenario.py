"""A business in brief: everything that usually happens to invoices, and what must hold afterwards.

Played under every answer of every open question, so it asks only for what must be true whatever
the vendors do: nothing is doubled, no job is lost, and both books agree or say where they do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from connector.jobs import kinds
from connector.models import InvoiceLink, SyncJob
from tenants.models import FreshBooksGrant
from tenants.scope import every_tenant, tenant_scope
from tests.pipeline.shop import Shop

MOST_WAITS = 200  # more than any rate limit needs
LOST = (SyncJob.State.DEAD, SyncJob.State.HELD)


@dataclass
class Business:
    """The shop, and its invoices by what happens to them."""

    shop: Shop
    invoices: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def later(self) -> None:
        """A few seconds pass at both vendors, then both are polled."""
        self.shop.freshbooks.advance(3)
        self.do(kinds.POLL_FRESHBOOKS, kinds.POLL_STRIPE)

    def do(self, *work: kinds.Kind) -> None:
        """Run these jobs and all that follows; who has to wait for a vendor waits its time there."""
        for kind in work:
            self.shop.enqueue(kind)
        for _ in range(MOST_WAITS):
            self.shop.pump()
            self.shop.unblock()
            if not self.shop.hurry():
                break
            self.shop.freshbooks.advance(1)
        else:
            self.lost.append(f"jobs never end: {self.shop.jobs(state=SyncJob.State.QUEUED)}")
        self.lost += lost_jobs(self.shop)  # now, because a later run may supersede them

    def stripe_id(self, name: str) -> str:
        return self.shop.link(self.invoices[name]).stripe_invoice_id


def item(quantity: str, price: str, code: str = "CAD", **more: Any) -> dict[str, Any]:
    return {"name": "Work", "qty": quantity, "unit_cost": {"amount": price, "code": code}, **more}


TAXED = {"taxName1": "GST", "taxAmount1": "5", "taxName2": "QST", "taxAmount2": "9.975"}


def play(shop: Shop) -> Business:
    """Invoices are made, paid in parts and from both sides, edited, overpaid, deleted, refunded; their
    client gets a tax number, and another one.
    """
    business = Business(shop)
    _refresh_is_due(shop)
    _begin(business)
    business.later()
    _first_money(business)
    shop.enqueue(kinds.LOOK_UP_PAYMENT, 999_999)  # FreshBooks does not have it
    business.later()
    _changes(business)
    business.later()
    _last_money(business)
    business.later()
    business.do(kinds.RECONCILE_ALL)
    return business


def _refresh_is_due(shop: Shop) -> None:
    """The first call of the product has to refresh its token."""
    with every_tenant():
        FreshBooksGrant.objects.filter(identity_id=shop.identity_id).update(
            refresh_at=timezone.now() - timedelta(minutes=1)
        )


def _begin(business: Business) -> None:
    shop = business.shop
    lines = [item("1.5", "33.33", **TAXED), item("3", "19.99", **TAXED, compounded_tax=True)]
    many = [item("1", f"{number}.07") for number in range(1, 24)]  # more than a call might take
    last_year = (timezone.now().date() - timedelta(days=360)).isoformat()
    business.invoices |= {
        "mixed": shop.invoice(lines=lines + many, discount_value="7.5", po_number="PO-1"),
        "edited": shop.invoice("80.00", "10.10"),
        "overpaid": shop.invoice("60.00", send=False),
        "yen": shop.invoice("5000", currency="JPY"),
        "dinar": shop.invoice("1.230", currency="KWD", create_date=last_year),
        "deleted": shop.invoice("70.00"),
    }


def _first_money(business: Business) -> None:
    shop, ids = business.shop, business.invoices
    shop.pay(ids["mixed"], 3000)
    shop.cheque(ids["mixed"], "20.00")
    shop.cheque(ids["yen"], "5000")
    shop.fb("archive_invoice", id=ids["dinar"])


def _changes(business: Business) -> None:
    shop, ids = business.shop, business.invoices
    shop.edit(ids["edited"], "90.00", "10.10")
    shop.fb("send_invoice", id=ids["overpaid"])
    shop.fb("delete_invoice", id=ids["deleted"])
    shop.fb("edit_client", id=shop.client_id, client={"vat_number": "123456789RT0001"})
    shop.pay(ids["dinar"])
    charge = next(row["id"] for row in shop.st_book()["charges"] if row["amount"] == 3000)
    shop.st("refund", charge=charge, amount=1000)


def _last_money(business: Business) -> None:
    shop, ids = business.shop, business.invoices
    shop.pay(ids["mixed"])
    shop.pay(ids["edited"])
    shop.pay(ids["overpaid"], 7000)
    shop.fb("edit_client", id=shop.client_id, client={"vat_number": "987654321RT0001"})


# What must hold ----------------------------------------------------------------------------------


def complaints(business: Business) -> list[str]:
    """What went wrong; empty when the books are in order."""
    return [
        *business.lost,
        *_unexplained(business),
        *_doubled(business),
        *_wrong_money(business),
    ]


def lost_jobs(shop: Shop) -> Iterator[str]:
    """Jobs that ended without having done their work."""
    for job in shop.jobs(state__in=LOST):
        yield f"job {job} is {job.state}: {job.failure_code} {job.failure_message}"


def _unexplained(business: Business) -> Iterator[str]:
    """Invoices on which both sides differ without a discrepancy that says so."""
    shop = business.shop
    for name, number in business.invoices.items():
        link = shop.link(number)
        if link.state == InvoiceLink.State.BLOCKED and not link.reason:
            yield f"{name} is blocked without a reason"
        if not _agrees(shop, link) and not shop.differences(number):
            yield f"{name} differs and nothing says so: {_figures(link)}"


def _agrees(shop: Shop, link: InvoiceLink) -> bool:
    """By the vendors' own books, as we know them; a removed invoice has nothing living in Stripe."""
    statuses = shop.statuses(link.freshbooks_invoice_id)
    if link.state == InvoiceLink.State.REMOVED:
        return not set(statuses) & {"draft", "open", "paid"}
    return (link.stripe_total_minor, link.stripe_remaining_minor) == (
        link.freshbooks_total_minor,
        link.freshbooks_outstanding_minor,
    )


def _figures(link: InvoiceLink) -> str:
    return (
        f"{link.state} {link.reason}; FreshBooks {link.freshbooks_total_minor} with "
        f"{link.freshbooks_outstanding_minor} outstanding, Stripe {link.stripe_status} "
        f"{link.stripe_total_minor} with {link.stripe_remaining_minor} remaining"
    )


def _doubled(business: Business) -> Iterator[str]:
    shop = business.shop
    book = shop.st_book()
    owners = Counter(row["metadata"].get("fb_client_id") for row in book["customers"])
    yield from (f"client {who} has {times} customers" for who, times in owners.items() if times > 1)
    numbers = [row["value"] for row in book["tax_ids"]]
    if numbers != ["987654321RT0001"]:
        yield f"the client's tax number is {numbers}"
    cheques = Counter(row["metadata"].get("fb_payment_id") for row in book["payment_records"])
    yield from (
        f"payment {which} was reported {times} times"
        for which, times in cheques.items()
        if which and times > 1
    )
    for name, number in business.invoices.items():
        living = [status for status in shop.statuses(number) if status not in {"void", "deleted"}]
        if len(living) > 1:
            yield f"{name} has {len(living)} living Stripe invoices"
        notes = [row["note"] for row in shop.fb_payments(number) if "inpay_" in (row["note"] or "")]
        if len(notes) != len(set(notes)):
            yield f"{name} has the same Stripe payment recorded twice"


def _wrong_money(business: Business) -> Iterator[str]:
    """What was kept of each payment in Stripe is in FreshBooks, or waits for a person."""
    shop = business.shop
    for name, number in business.invoices.items():
        for row in shop.collected(number):
            if row.recording == "recorded" and row.freshbooks_amount_minor != row.kept_minor:
                yield f"{name}: {row.kept_minor} is recorded as {row.freshbooks_amount_minor}"
            if row.recording not in {"recorded", "needs_you"}:
                yield f"{name}: a payment of {row.amount_minor} is {row.recording} {row.reason}"
            if row.recording == "needs_you" and not row.reason:
                yield f"{name}: a payment waits for a person without a reason"


def writes_of_another_round(business: Business) -> int:
    """How many writes one more poll and reconciliation make: none, if all was done."""
    shop = business.shop
    before = _written(shop)
    business.later()
    business.do(kinds.RECONCILE_ALL)
    return _written(shop) - before


def _written(shop: Shop) -> int:
    rows = [*shop.freshbooks.calls()["calls"], *shop.stripe.calls()["calls"]]
    with tenant_scope(shop.tenant.pk):
        return sum(row["count"] for row in rows if row["method"] != "GET")
