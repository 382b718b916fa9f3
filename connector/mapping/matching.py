"""Suggestions which invoices a payment without invoice may be for. Pure and deterministic.

Nothing is decided here: a suggestion says what speaks for it in plain words, how much (0 to 100),
and which others are as good. Only what is the one exact fit of a known payer is called unique.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations

from connector.mapping.references import named_in
from connector.money import Money

NAMED, CLIENT, EMAIL, EXACT, CLOSE, NEAR = 45, 20, 15, 25, 10, 5
OTHER_CLIENT = -20
LEAST_SCORE = 20
MOST_SUGGESTIONS = 8
MOST_TOGETHER = 10  # invoices of one client that are tried together: 1,013 combinations
SOON, LATER = timedelta(days=30), timedelta(days=90)
BY_NAME, BY_CLIENT, BY_EMAIL, UNKNOWN = 3, 2, 1, 0


@dataclass(frozen=True, kw_only=True)
class PaymentToMatch:
    """What is known of a payment. `amount` is what is left to match; ids are our own."""

    amount: Money
    paid_on: date
    client_id: int | None = None
    email: str = ""
    named: str = ""  # an invoice id or number in its metadata
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class OpenInvoice:
    """An invoice with something outstanding. `id` is our own id, `amount` what is outstanding."""

    id: int
    freshbooks_id: int
    number: str
    amount: Money
    client_id: int | None = None
    client_name: str = ""
    client_email: str = ""
    issued_on: date | None = None
    due_on: date | None = None

    @property
    def title(self) -> str:
        """How people call it."""
        return self.number or f"invoice {self.freshbooks_id}"


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """Which invoices a payment may be for. `parts` are pairs of our invoice id and the amount.

    `fits` says that it may be accepted; `unique` that it is exact, of a known payer, and that no
    other is as good. `rivals` name the others that are.
    """

    parts: tuple[tuple[int, Money], ...]
    titles: tuple[str, ...]
    client_name: str
    score: int
    evidence: tuple[str, ...]
    exact: bool
    identity: int  # how well the payer is known: BY_NAME … UNKNOWN
    fits: bool = True
    doubted: bool = False
    unique: bool = False
    rivals: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The invoices, as people call them."""
        return " + ".join(self.titles)


def suggest(payment: PaymentToMatch, invoices: Iterable[OpenInvoice]) -> tuple[Suggestion, ...]:
    """The best suggestions, best first; at most one of them is unique."""
    if payment.amount.amount_minor <= 0:
        return ()
    known = sorted(
        (invoice for invoice in invoices if invoice.amount.amount_minor > 0),
        key=lambda invoice: (invoice.issued_on or date.min, invoice.freshbooks_id, invoice.id),
    )
    singles = [_single(payment, invoice) for invoice in known]
    together = _together(payment, known)
    found = [row for row in (*singles, *together) if row.score >= LEAST_SCORE]
    found.sort(
        key=lambda row: (not row.fits, -row.score, len(row.parts), row.titles, row.parts[0][0])
    )
    return tuple(_beside(row, found) for row in found[:MOST_SUGGESTIONS])


def _single(payment: PaymentToMatch, invoice: OpenInvoice) -> Suggestion:
    identity, score, evidence = _payer(payment, invoice)
    if invoice.amount.currency != payment.amount.currency:
        named = identity == BY_NAME
        return _suggestion(
            [(invoice, invoice.amount)],
            score=NAMED if named else 0,
            evidence=[*evidence, _other_currency(payment, invoice)],
            identity=identity,
            fits=False,
        )
    exact = invoice.amount == payment.amount
    if exact:
        evidence.append(f"The amount is exactly what is outstanding: {invoice.amount}.")
    elif payment.amount < invoice.amount:
        evidence.append(f"{payment.amount} of {invoice.amount} outstanding: a part payment.")
    else:
        evidence.append(f"Only {invoice.amount} is outstanding: the rest would stay unmatched.")
    closeness, said = _closeness(payment, invoice)
    amount = min(payment.amount, invoice.amount)
    suggestion = _suggestion(
        [(invoice, amount)],
        score=score + (EXACT if exact else 0) + closeness,
        evidence=[*evidence, *said],
        exact=exact,
        identity=identity,
    )
    return replace(suggestion, doubted=_is_of_another(payment, invoice))


def _payer(payment: PaymentToMatch, invoice: OpenInvoice) -> tuple[int, int, list[str]]:
    """How the payment points at this invoice or its client."""
    identity, score, evidence = UNKNOWN, 0, []
    if _names(payment, invoice):
        identity, score = BY_NAME, NAMED
        evidence.append(f"The payment names {invoice.title}.")
    if payment.client_id is not None and payment.client_id == invoice.client_id:
        identity, score = max(identity, BY_CLIENT), score + CLIENT
        evidence.append(f"Paid by the Stripe customer of {invoice.client_name or 'its client'}.")
    elif _is_of_another(payment, invoice):
        score += OTHER_CLIENT
        evidence.append("But it was paid by the Stripe customer of another client.")
    elif payment.email and _same_email(payment.email, invoice.client_email):
        identity, score = max(identity, BY_EMAIL), score + EMAIL
        evidence.append(f"The payer's e-mail address is that of {invoice.client_name}.")
    return identity, score, evidence


def _names(payment: PaymentToMatch, invoice: OpenInvoice) -> bool:
    return named_in(
        payment.named,
        payment.description,
        number=invoice.number,
        freshbooks_id=invoice.freshbooks_id,
    )


def _is_of_another(payment: PaymentToMatch, invoice: OpenInvoice) -> bool:
    return None not in {payment.client_id, invoice.client_id} and (
        payment.client_id != invoice.client_id
    )


def _same_email(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _closeness(payment: PaymentToMatch, invoice: OpenInvoice) -> tuple[int, list[str]]:
    if invoice.issued_on is None or payment.paid_on < invoice.issued_on:
        return 0, []
    due = max(invoice.due_on or invoice.issued_on, invoice.issued_on)
    if payment.paid_on <= due + SOON:
        return CLOSE, [f"Paid between its date and a month after it was due ({due})."]
    if payment.paid_on <= due + LATER:
        return NEAR, [f"Paid within three months after it was due ({due})."]
    return 0, []


def _other_currency(payment: PaymentToMatch, invoice: OpenInvoice) -> str:
    return (
        f"But it is in {invoice.amount.currency}, and the payment in {payment.amount.currency}: a "
        "person must decide what it is worth, in FreshBooks."
    )


def _together(payment: PaymentToMatch, invoices: Sequence[OpenInvoice]) -> list[Suggestion]:
    """Several invoices of one client that come to exactly the amount."""
    found: list[Suggestion] = []
    same = [row for row in invoices if row.amount.currency == payment.amount.currency]
    for client_id in sorted({row.client_id for row in same if row.client_id is not None}):
        of_client = [row for row in same if row.client_id == client_id]
        identity = max(_payer(payment, row)[0] for row in of_client)
        if identity == UNKNOWN or len(of_client) < 2 or _is_of_another(payment, of_client[0]):
            continue
        pool = [row for row in of_client if row.amount < payment.amount][:MOST_TOGETHER]
        for size in range(2, len(pool) + 1):
            found += [
                _combined(payment, chosen)
                for chosen in combinations(pool, size)
                if sum(row.amount.amount_minor for row in chosen) == payment.amount.amount_minor
            ]
    return found


def _combined(payment: PaymentToMatch, chosen: Sequence[OpenInvoice]) -> Suggestion:
    first = chosen[0]
    named = all(_names(payment, row) for row in chosen)
    _, score, evidence = _payer(replace(payment, named="", description=""), first)
    identity = BY_CLIENT if payment.client_id is not None else BY_EMAIL
    if named:
        identity, score = BY_NAME, score + NAMED
        evidence.append("The payment names each of them.")
    if not score:
        identity = UNKNOWN
    amounts = " + ".join(str(row.amount) for row in chosen)
    evidence.append(f"Together they are exactly the amount: {amounts}.")
    return _suggestion(
        [(row, row.amount) for row in chosen],
        score=score + EXACT,
        evidence=evidence,
        exact=True,
        identity=identity,
    )


def _suggestion(
    parts: Sequence[tuple[OpenInvoice, Money]],
    *,
    score: int,
    evidence: Sequence[str],
    identity: int,
    exact: bool = False,
    fits: bool = True,
) -> Suggestion:
    return Suggestion(
        parts=tuple((invoice.id, amount) for invoice, amount in parts),
        titles=tuple(invoice.title for invoice, _ in parts),
        client_name=parts[0][0].client_name,
        score=max(0, min(100, score)),
        evidence=tuple(evidence),
        exact=exact,
        identity=identity,
        fits=fits,
    )


def _beside(row: Suggestion, found: Sequence[Suggestion]) -> Suggestion:
    """The suggestion with those that are at least as good; unique if there is none."""
    rivals = tuple(
        other.title
        for other in found
        if other is not row
        and other.fits
        and other.exact >= row.exact
        and (other.identity >= row.identity or other.score >= row.score)
    )
    unique = row.fits and row.exact and row.identity > UNKNOWN and not row.doubted and not rivals
    return replace(row, unique=unique, rivals=rivals[:MOST_SUGGESTIONS])
