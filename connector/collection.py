"""Where the money of each invoice stands, derived from the journal and from what people decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import F, Sum

from connector import journal
from connector.journal import Totals
from connector.mapping.compare import CollectionStatus, collection_status
from connector.models import CollectedPayment, InvoiceLink, OutsidePayment
from connector.money import Money
from tenants.scope import tenant_scope

BATCH = 500
COLLECTING = frozenset({"open", "paid"})


@dataclass(frozen=True, kw_only=True)
class Change:
    """A saved figure of an invoice that is not what its facts say."""

    invoice_id: int
    number: str
    name: str
    saved: str
    derived: str


def status_from(
    link: InvoiceLink, totals: Totals, *, has_pending: bool, disputed: bool, by_hand: int = 0
) -> CollectionStatus:
    """The collection status of one invoice; `link` tells FreshBooks' total and Stripe's status.

    `by_hand` is what of the payments of others is Stripe's own money, as somebody said: it counts
    once.
    """
    currency = link.currency
    return collection_status(
        total=Money(link.freshbooks_total_minor or 0, currency),
        paid=Money(totals.collected, currency),
        has_pending=has_pending,
        paid_outside=Money(totals.elsewhere - by_hand, currency),
        refunded=Money(totals.returned, currency),
        disputed=disputed,
        collecting=link.stripe_status in COLLECTING,
    )


def by_hand_of(invoice_ids: Iterable[int]) -> dict[int, int]:
    """By invoice, in its currency: payments that stand for Stripe's money, entered by hand."""
    rows = OutsidePayment.objects.filter(
        invoice_id__in=list(invoice_ids),
        same_money_as__isnull=False,
        deleted=False,
        currency=F("invoice__currency"),
    )
    sums = rows.order_by().values_list("invoice_id").annotate(sum=Sum("amount_minor"))
    return {invoice_id: int(found) for invoice_id, found in sums}


def is_disputed(row: CollectedPayment) -> bool:
    """Whether a dispute is open on it that may still cost the money."""
    stands = row.at_stake_minor > 0 or bool(row.open_dispute_status)
    return stands and not row.undone


def rebuild(tenant_id: int, *, save: bool) -> Iterator[Change]:
    """Derive every invoice's figures anew; with `save`, keep them where they differ.

    Whether a payment is under way only Stripe can tell: that an invoice is pending is believed.
    """
    with tenant_scope(tenant_id):
        ids = list(InvoiceLink.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        with tenant_scope(tenant_id):
            yield from _rebuild(ids[start : start + BATCH], save=save)


def _rebuild(ids: list[int], *, save: bool) -> list[Change]:
    totals, by_hand = journal.totals_of(ids), by_hand_of(ids)
    disputed = {
        row.invoice_id
        for row in CollectedPayment.objects.filter(invoice__in=ids).exclude(dispute_status="")
        if is_disputed(row)
    }
    changes = _rebuild_told(ids, save=save)
    for link in InvoiceLink.objects.filter(pk__in=ids).exclude(collection_status=""):
        found = totals.get(link.pk, Totals())
        status = status_from(
            link,
            found,
            has_pending=link.collection_status == CollectionStatus.PENDING,
            disputed=link.pk in disputed,
            by_hand=by_hand.get(link.pk, 0),
        )
        derived = {"collection_status": str(status), "returned_minor": found.returned}
        before = {name: getattr(link, name) for name in derived}
        changes += [
            Change(
                invoice_id=link.freshbooks_invoice_id,
                number=link.number,
                name=name,
                saved=str(before[name]),
                derived=str(value),
            )
            for name, value in derived.items()
            if before[name] != value
        ]
        if save and derived != before:
            for name, value in derived.items():
                setattr(link, name, value)
            link.save(update_fields=list(derived))
    return changes


def _rebuild_told(ids: list[int], *, save: bool) -> list[Change]:
    """What Stripe was told of each payment elsewhere."""
    told = journal.told_of(ids)
    changes = []
    for row in OutsidePayment.objects.select_related("invoice").filter(invoice__in=ids):
        derived = told.get(str(row.freshbooks_payment_id), 0)
        if derived == row.told_minor:
            continue
        changes.append(
            Change(
                invoice_id=row.invoice.freshbooks_invoice_id,
                number=row.invoice.number,
                name=f"told to Stripe of payment {row.freshbooks_payment_id}",
                saved=str(row.told_minor),
                derived=str(derived),
            )
        )
        if save:
            row.reported_amount_minor = derived
            row.save(update_fields=["reported_amount_minor"])
    return changes
