"""The page of one unmatched payment: what it may be for, and the forms with which it is decided."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from connector import allocating, decisions_matching
from connector.admin import tones
from connector.admin.buttons import cause_of, ring_on_commit
from connector.admin.display import (
    BUSY,
    GOOD,
    NOTHING,
    QUIET,
    WARN,
    badge,
    counted,
    exact,
    money,
    page_of,
)
from connector.allocating import MatchRefused
from connector.decisions_matching import Wish
from connector.errors import ConnectorError
from connector.models import Allocation, InvoiceLink, StrayPayment
from connector.money import Money
from connector.roles import MATCH

LINES = 4  # invoices in the form at first; after each split there are as many again
STRENGTH = ((80, "Very likely"), (50, "Likely"), (30, "Possible"), (0, "Weak"))


def told(stray: StrayPayment, request: HttpRequest) -> dict[str, Any]:
    """What the page shows of a payment. Suggestions are those of the last look."""
    left = allocating.left_minor(stray)
    held = stray.via == StrayPayment.Via.CASH_BALANCE
    decides = request.user.has_perm(MATCH) and not held
    return {
        "stray": stray,
        "amount": money(stray.amount_minor, stray.currency),
        "left": money(left, stray.currency),
        "left_plain": Money(left, stray.currency).to_decimal_string(),
        "went_back": money(stray.returned_minor, stray.currency) if stray.returned_minor else "",
        "applied": money(stray.applied_minor, stray.currency) if stray.applied_minor else "",
        "state": badge(stray.get_state_display(), tones.STRAY.get(stray.state, QUIET)),
        "held": held,
        "overmatched": allocating.is_overmatched(stray),
        "suggestions": [_suggestion(row, stray) for row in stray.suggestions],
        "matches": [_match(row) for row in _matches(stray)],
        "decides": decides,
        "may_match": decides and stray.is_open and left > 0,
        "lines": range(LINES),
        "decide_url": reverse("admin:connector_straypayment_decide", args=[stray.pk]),
    }


def decide(request: HttpRequest, stray: StrayPayment | None) -> HttpResponse:
    """Do what one of the page's forms asks for; what cannot be done is said, and nothing is done."""
    if not request.user.has_perm(MATCH):
        raise PermissionDenied
    if stray is None or request.method != "POST":
        raise Http404
    try:
        with transaction.atomic():
            done = _do(request, stray)
    except MatchRefused as refusal:
        messages.error(request, f"{refusal.message} {refusal.next_step}".strip())
    else:
        ring_on_commit()
        messages.success(request, done)
    return HttpResponseRedirect(page_of(stray))


def _do(request: HttpRequest, stray: StrayPayment) -> str:
    asked = request.POST.get("do", "")
    if asked == "accept":
        parts = _parts(request.POST.get("parts", ""))
        count = decisions_matching.accept(stray.pk, parts, cause=cause_of(request, "accept"))
        return f"Matched to {counted(count, 'invoice')}."
    if asked == "match":
        wishes = _wishes(request, stray.currency)
        count = decisions_matching.match(stray.pk, wishes, cause=cause_of(request, "match"))
        return f"Matched to {counted(count, 'invoice')}."
    if asked == "undo":
        return _undo(request, stray)
    raise MatchRefused("The form asks for nothing that is known here.")


def _undo(request: HttpRequest, stray: StrayPayment) -> str:
    """A match of this payment only: its number comes from the form."""
    named = request.POST.get("allocation", "")
    row = stray.allocations.filter(pk=int(named)).first() if named.isdecimal() else None
    if row is None:
        raise MatchRefused("There is no such match of this payment.")
    because = request.POST.get("because", "")[:300]
    done = decisions_matching.undo(row.pk, because=because, cause=cause_of(request, "undo"))
    return "The match is taken back." if done else "It was taken back already."


def _parts(text: str) -> list[tuple[int, int]]:
    """The form's "12:5000,13:700" as pairs of our invoice id and minor units."""
    pairs = [part.partition(":") for part in text.split(",")]
    if not all(link.isdecimal() and amount.isdecimal() for link, _, amount in pairs):
        raise MatchRefused("The form names no invoices.")
    return [(int(link), int(amount)) for link, _, amount in pairs]


def _wishes(request: HttpRequest, currency: str) -> list[Wish]:
    """The lines of the form that name an invoice, with their amounts."""
    names, amounts = request.POST.getlist("invoice"), request.POST.getlist("amount")
    return [
        Wish(invoice=name.strip()[:60], amount_minor=_minor(name, amount, currency))
        for name, amount in zip(names, amounts, strict=False)
        if name.strip()
    ]


def _minor(name: str, text: str, currency: str) -> int:
    plain = text.strip().replace(",", "") if "." in text else text.strip()
    try:
        return Money.from_decimal(plain, currency).amount_minor
    except ConnectorError as error:
        raise MatchRefused(f"The amount for {name.strip()}: {error.message}") from error


def _suggestion(row: dict[str, Any], stray: StrayPayment) -> dict[str, Any]:
    parts = row["parts"]
    word = next(words for least, words in STRENGTH if row["score"] >= least)
    tone = GOOD if row["unique"] else WARN if row["rivals"] else QUIET
    return {
        "parts": ",".join(f"{part['invoice']}:{part['amount_minor']}" for part in parts),
        "invoices": [
            {
                "title": part["title"],
                "url": reverse("admin:connector_invoicelink_change", args=[part["invoice"]]),
                "amount": money(part["amount_minor"], row["currency"]),
            }
            for part in parts
        ],
        "client": row["client"] or NOTHING,
        "strength": badge("The one exact fit" if row["unique"] else word, tone),
        "score": row["score"],
        "evidence": row["evidence"],
        "rivals": ", ".join(row["rivals"]),
        "fits": row["fits"] and stray.is_open,
    }


def _matches(stray: StrayPayment) -> list[Allocation]:
    rows = stray.allocations.select_related("invoice", "invoice__client").prefetch_related(
        "collected"
    )
    return list(rows.order_by("pk"))


def _match(row: Allocation) -> dict[str, Any]:
    link: InvoiceLink = row.invoice
    recorded = next(iter(row.collected.all()), None)
    state = badge("Waits for its turn", BUSY)
    if recorded is not None:
        tone = tones.RECORDING.get(recorded.recording, QUIET)
        state = badge(recorded.get_recording_display(), tone)
    taken_back = ""
    if row.undone_at is not None:
        taken_back = f"{exact(row.undone_at)} by {row.undone_by}: {row.undone_because}"
    return {
        "id": row.pk,
        "invoice": str(link),
        "url": page_of(link),
        "client": str(link.client or NOTHING),
        "amount": money(row.amount_minor, row.stray.currency),
        "made": f"{exact(row.made_at)} by {row.made_by}",
        "evidence": " ".join(row.evidence),
        "state": state,
        "in_stripe": "Counted by its Stripe invoice" if row.told_on else "Not told to Stripe",
        "undone": taken_back,
    }
