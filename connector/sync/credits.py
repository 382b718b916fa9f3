"""What Stripe credits by itself, as facts of the journal: credit notes, balances, overpayments.

None of it moves money by itself: it changes what Stripe asks for. `mapping.credit_differences` shows
where FreshBooks does not know of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from django.utils import timezone

from connector import journal
from connector.journal import Fact
from connector.models import InvoiceLink, MoneyFact
from connector.money import Money
from connector.sync.alignment import StripeSight
from connector.sync.context import SyncRun
from connector.vendors.stripe.money_records import StripeCreditNote
from connector.vendors.stripe.pages import all_pages
from connector.vendors.stripe.records import StripeInvoice
from tenants.scope import tenant_scope

Kind = MoneyFact.Kind


def keep_credits(
    run: SyncRun, link: InvoiceLink, sight: StripeSight, *, may_be_known: bool
) -> None:
    """Keep what changed since the journal last heard; reads credit notes only if their sum moved.

    `may_be_known`: whether the journal has anything of this invoice.
    """
    stripe = sight.invoice
    if stripe is None or stripe.finalized_at is None:
        return
    known: Counter[str] = Counter()
    if may_be_known:
        with tenant_scope(run.tenant_id):
            known = _known(stripe)
    noted = known[Kind.CREDIT_NOTE] - known[Kind.CREDIT_NOTE_VOIDED]
    overpaid = known[Kind.OVERPAID]
    facts: list[Fact] = []
    if noted != (stripe.pre_payment_credits + stripe.post_payment_credits).amount_minor:
        notes = all_pages(lambda cursor: run.stripe.list_credit_notes(stripe.id, cursor=cursor))
        facts += [fact for note in notes for fact in _note_facts(link, stripe, note)]
    if not stripe.balance_applied.is_zero:
        key = f"{_prefix(stripe, Kind.BALANCE_APPLIED)}all"
        facts.append(_fact(link, stripe, Kind.BALANCE_APPLIED, key, stripe.balance_applied))
    more = stripe.amount_overpaid - Money(overpaid, stripe.currency)
    if not more.is_zero:
        key = f"{_prefix(stripe, Kind.OVERPAID)}{stripe.amount_overpaid.amount_minor}"
        facts.append(_fact(link, stripe, Kind.OVERPAID, key, more))
    if facts:
        with tenant_scope(run.tenant_id):
            run.job.hold_fence()
            journal.keep(run.tenant_id, facts, correlation_id=run.job.cause.correlation_id)


def _known(stripe: StripeInvoice) -> Counter[str]:
    """What the journal has of this Stripe invoice, by kind."""
    rows = MoneyFact.objects.filter(key__startswith=f"stripe:{stripe.id}:")
    found: Counter[str] = Counter()
    for kind, about in rows.values_list("kind", "about_minor"):
        found[kind] += about or 0
    return found


def _prefix(stripe: StripeInvoice, kind: MoneyFact.Kind) -> str:
    return f"stripe:{stripe.id}:{kind}:"


def _note_facts(link: InvoiceLink, stripe: StripeInvoice, note: StripeCreditNote) -> Iterator[Fact]:
    made = Fact(
        side=MoneyFact.Side.STRIPE,
        kind=Kind.CREDIT_NOTE,
        key=f"{_prefix(stripe, Kind.CREDIT_NOTE)}{note.id}",
        source_id=note.id,
        money=Money.zero(note.amount.currency),
        about=note.amount,
        happened_at=note.created_at,
        invoice=link,
        note=f"{note.pre_payment} off what is asked, {note.post_payment} off what was paid",
    )
    yield made
    if note.status == "void":
        kind = Kind.CREDIT_NOTE_VOIDED
        key = f"{_prefix(stripe, kind)}{note.id}"
        yield replace(made, kind=kind, key=key, happened_at=note.voided_at or timezone.now())


def _fact(
    link: InvoiceLink, stripe: StripeInvoice, kind: MoneyFact.Kind, key: str, about: Money
) -> Fact:
    finalized_at = stripe.finalized_at if kind == Kind.BALANCE_APPLIED else None
    return Fact(
        side=MoneyFact.Side.STRIPE,
        kind=kind,
        key=key,
        source_id=stripe.id,
        money=Money.zero(stripe.currency),
        about=about,
        happened_at=finalized_at or timezone.now(),
        invoice=link,
    )
