"""Suggestions of invoices for money without an invoice: made from rows, kept on the payment's row.

Inside a scope. What a suggestion is, and when one is unique, is `connector.mapping.matching`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from audit.recording import Cause
from connector import allocating
from connector.mapping.matching import OpenInvoice, PaymentToMatch, Suggestion, suggest
from connector.mapping.references import words_of
from connector.models import ClientLink, InvoiceLink, StrayPayment
from connector.money import Money

MOST_CANDIDATES = 300
MOST_REFRESHED = 2000
BY_ITSELF = "by itself"


def refresh(stray: StrayPayment, *, cause: Cause) -> None:
    """Look again which invoices a locked payment may be for; apply the exact one where wanted."""
    if not stray.is_open or stray.via == StrayPayment.Via.CASH_BALANCE:
        return
    if stray.client_id is None and stray.customer_id:
        stray.client = ClientLink.objects.filter(stripe_customer_id=stray.customer_id).first()
        stray.save(update_fields=["client"])
    found = suggest(_payment(stray), _candidates(stray))
    stray.suggestions = [to_json(row) for row in found]
    stray.save(update_fields=["suggestions"])
    unique = next((row for row in stray.suggestions if row["unique"]), None)
    untouched = not stray.decided_by and not stray.allocations.exists()
    if unique is not None and untouched and stray.tenant.applies_exact_matches:
        allocating.allocate(
            stray,
            parts_of(stray, unique),
            cause=cause,
            evidence=unique["evidence"],
            made_by=BY_ITSELF,
        )


def refresh_all(tenant_id: int, *, cause: Cause) -> int:
    """All that waits to be matched, oldest first and bounded; answer how many."""
    waiting = (
        StrayPayment.objects.filter(tenant_id=tenant_id, state__in=allocating.OPEN)
        .exclude(via=StrayPayment.Via.CASH_BALANCE)
        .order_by("paid_at", "pk")
        .values_list("pk", flat=True)[:MOST_REFRESHED]
    )
    rows = allocating.locked(waiting)
    for stray in rows:
        refresh(stray, cause=cause)
    return len(rows)


def parts_of(stray: StrayPayment, suggestion: dict[str, Any]) -> list[allocating.Part]:
    """The invoices and amounts of a kept suggestion, read again.

    Raises: MatchRefused if one of the invoices is not there any more.
    """
    wanted = {int(part["invoice"]): int(part["amount_minor"]) for part in suggestion["parts"]}
    links = InvoiceLink.objects.filter(tenant_id=stray.tenant_id, pk__in=wanted).order_by("pk")
    if len(links) != len(wanted):
        raise allocating.MatchRefused("An invoice of this suggestion is not there any more.")
    return [(link, wanted[link.pk]) for link in links]


def to_json(row: Suggestion) -> dict[str, Any]:
    """A suggestion as it is kept. Amounts in minor units; invoices by our own id."""
    return {
        "parts": [
            {"invoice": invoice, "title": title, "amount_minor": amount.amount_minor}
            for (invoice, amount), title in zip(row.parts, row.titles, strict=True)
        ],
        "title": row.title,
        "currency": row.parts[0][1].currency,
        "client": row.client_name,
        "score": row.score,
        "evidence": list(row.evidence),
        "rivals": list(row.rivals),
        "fits": row.fits,
        "exact": row.exact,
        "unique": row.unique,
    }


def _payment(stray: StrayPayment) -> PaymentToMatch:
    return PaymentToMatch(
        amount=Money(allocating.left_minor(stray), stray.currency),
        paid_on=stray.paid_at.date(),
        client_id=stray.client_id,
        email=stray.payer_email,
        named=stray.named_invoice,
        description=stray.description,
    )


def _candidates(stray: StrayPayment) -> Iterable[OpenInvoice]:
    """Open invoices with anything that could speak for them, each with what is left of it."""
    left = allocating.left_minor(stray)
    words = words_of(stray.named_invoice, stray.description)
    numbers = {*words, stray.named_invoice, *(word.upper() for word in words)}
    ids = [int(word) for word in words if word.isdecimal() and len(word) < 19]
    wanted = (
        Q(freshbooks_outstanding_minor=left)
        | Q(stripe_remaining_minor=left)
        | Q(number__in=[text for text in numbers if text])
        | Q(freshbooks_invoice_id__in=ids)
    )
    if stray.client_id is not None:
        wanted |= Q(client_id=stray.client_id)
    elif stray.payer_email:
        wanted |= Q(client__email__iexact=stray.payer_email)
    links = list(
        InvoiceLink.objects.select_related("client")
        .filter(wanted, tenant_id=stray.tenant_id, freshbooks_outstanding_minor__gt=0)
        .exclude(state__in=allocating.CLOSED_INVOICES)
        .exclude(freshbooks_vis_state=1)
        .exclude(freshbooks_status="draft")
        .exclude(allocations__in=stray.allocations.filter(undone_at__isnull=True))
        .order_by("-issued_on", "-pk")[:MOST_CANDIDATES]
    )
    amounts = allocating.open_amounts(links)
    return [_open_invoice(link, amounts[link.pk]) for link in links if link.currency]


def _open_invoice(link: InvoiceLink, open_minor: int) -> OpenInvoice:
    client = link.client
    return OpenInvoice(
        id=link.pk,
        freshbooks_id=link.freshbooks_invoice_id,
        number=link.number,
        amount=Money(open_minor, link.currency),
        client_id=link.client_id,
        client_name=client.name if client else "",
        client_email=client.email if client else "",
        issued_on=link.issued_on,
        due_on=link.due_on,
    )
