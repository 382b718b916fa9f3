"""Movements of Stripe's balance: each kept once, and told which payment it belongs to.

What a payment, refund or dispute did to the balance is a fact of the journal: the amount in the
currency of the balance, the rate, the fee. A movement whose cause is not known here queues the
work that finds out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from connector import journal
from connector.errors import VendorNotFound
from connector.jobs import ledger
from connector.jobs.kinds import LOOK_UP_STRIPE_PAYMENT, SYNC_INVOICE
from connector.journal import Fact
from connector.models import BalanceMovement, CollectedPayment, MoneyFact, StrayPayment
from connector.money import Money
from connector.sync.context import SyncRun
from connector.vendors.stripe.money_records import (
    StripeBalanceTransaction,
    StripeDispute,
    StripeRefund,
)
from tenants.scope import tenant_scope

Kind = MoneyFact.Kind
CHARGES, REFUNDS, DISPUTES = ("ch_", "py_"), ("re_", "pyr_"), ("du_", "dp_")
HAS_PAYMENT = (*CHARGES, *REFUNDS, *DISPUTES)
CHUNK = 200
LOOKED_UP_FOR = timedelta(days=7)  # afterwards a movement without payment is only shown
# Which fact must be known once money moved, by the kind of source: taken from us, given to us.
TELLS = (
    (REFUNDS, Kind.REFUNDED, Kind.REFUND_FAILED),
    (DISPUTES, Kind.DISPUTE_WITHDRAWN, Kind.DISPUTE_REINSTATED),
)


def keep_movements(
    run: SyncRun,
    rows: Sequence[StripeBalanceTransaction],
    *,
    begin: datetime,
    payout_id: str = "",
) -> list[BalanceMovement]:
    """Keep what is new of these movements and answer it; those before `begin` are not looked into.

    With `payout_id`, all of them are marked as paid out with it.
    """
    ids = [row.id for row in rows]
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        known = set(
            BalanceMovement.objects.filter(stripe_id__in=ids).values_list("stripe_id", flat=True)
        )
        # Stripe lists the newest first; kept in the order in which they happened.
        new = [_row(run.tenant_id, row, begin) for row in reversed(rows) if row.id not in known]
        BalanceMovement.objects.bulk_create(new)
        if payout_id:
            BalanceMovement.objects.filter(stripe_id__in=ids).update(
                payout_id=payout_id, status="available"
            )
    return new


def _row(tenant_id: int, moved: StripeBalanceTransaction, begin: datetime) -> BalanceMovement:
    follows = moved.source_id.startswith(HAS_PAYMENT) and moved.created_at >= begin
    return BalanceMovement(
        tenant_id=tenant_id,
        stripe_id=moved.id,
        type=moved.type[:60],
        reporting_category=moved.reporting_category[:60],
        source_id=moved.source_id[:80],
        amount_minor=moved.amount.amount_minor,
        fee_minor=moved.fee.amount_minor,
        net_minor=moved.net.amount_minor,
        currency=moved.amount.currency,
        exchange_rate=moved.exchange_rate,
        description=moved.description[:300],
        status=moved.status[:20],
        unresolved=follows,
        created_at=moved.created_at,
        available_on=moved.available_on,
    )


def settle_movements(run: SyncRun) -> int:
    """Find the payment of every movement that waits for it; answer how many were found.

    Asks Stripe only about sources that are not known here, each once.
    """
    settled = last = 0
    recent = timezone.now() - LOOKED_UP_FOR
    while True:
        with tenant_scope(run.tenant_id):
            waiting = BalanceMovement.objects.filter(
                unresolved=True, seen_at__gte=recent, pk__gt=last
            )
            rows = list(waiting.order_by("pk")[:CHUNK])
            known = _known_payments(row.source_id for row in rows if not row.payment_id)
        if not rows:
            return settled
        for row in rows:
            row.payment_id = row.payment_id or known.get(row.source_id) or _ask(run, row.source_id)
        with tenant_scope(run.tenant_id):
            run.job.hold_fence()
            settled += _settle(run, rows)
        last = rows[-1].pk


def _known_payments(sources: Iterable[str]) -> dict[str, str]:
    """The payment of each source that is known here: pi_… if it has one, else ch_…."""
    wanted = list(sources)
    known: dict[str, str] = {}
    charges = CollectedPayment.objects.filter(stripe_charge_id__in=wanted)
    for charge, intent in charges.values_list("stripe_charge_id", "stripe_payment_intent_id"):
        known[charge] = intent or charge
    strays = StrayPayment.objects.filter(Q(charge_id__in=wanted) | Q(payment_id__in=wanted))
    for charge, payment in strays.values_list("charge_id", "payment_id"):
        known[charge or payment] = payment
    facts = MoneyFact.objects.filter(source_id__in=wanted).exclude(payment_id="")
    known.update(facts.values_list("source_id", "payment_id"))
    return known


def _ask(run: SyncRun, source_id: str) -> str:
    """The payment of a charge, refund or dispute that is not known here; "" if Stripe has none."""
    asks: tuple[tuple[tuple[str, ...], Callable[[], tuple[str, str]]], ...] = (
        (CHARGES, lambda: (run.stripe.get_charge(source_id).payment_intent_id, source_id)),
        (REFUNDS, lambda: _ids(run.stripe.get_refund(source_id))),
        (DISPUTES, lambda: _ids(run.stripe.get_dispute(source_id))),
    )
    try:
        for prefixes, ask in asks:
            if source_id.startswith(prefixes):
                intent, charge = ask()
                return intent or charge
    except VendorNotFound:
        pass  # stays without payment, and is shown as such
    return ""


def _ids(found: StripeRefund | StripeDispute) -> tuple[str, str]:
    return found.payment_intent_id, found.charge_id


@dataclass(frozen=True)
class _Known:
    """What is known here about the payments of some movements."""

    paid: dict[str, list[CollectedPayment]]
    strays: dict[str, StrayPayment]
    facts: frozenset[tuple[str, str]]  # source and kind

    @classmethod
    def about(cls, rows: Sequence[BalanceMovement]) -> _Known:
        ids = {row.payment_id for row in rows if row.payment_id}
        paid: dict[str, list[CollectedPayment]] = defaultdict(list)
        collected = CollectedPayment.objects.select_related("invoice").filter(
            Q(stripe_payment_intent_id__in=ids) | Q(stripe_charge_id__in=ids)
        )
        for payment in collected.order_by("pk"):
            paid[payment.stripe_payment_intent_id or payment.stripe_charge_id].append(payment)
        strays = StrayPayment.objects.filter(payment_id__in=ids)
        facts = MoneyFact.objects.filter(source_id__in=[row.source_id for row in rows])
        return cls(
            paid=dict(paid),
            strays={stray.payment_id: stray for stray in strays},
            facts=frozenset(facts.values_list("source_id", "kind")),
        )

    def has_payment_of(self, row: BalanceMovement) -> bool:
        """Whether the payment itself is kept here."""
        return row.payment_id in self.paid or row.payment_id in self.strays

    def is_told(self, row: BalanceMovement) -> bool:
        """Whether the journal has what this movement stands for: nothing is left to find out."""
        if row.source_id.startswith(CHARGES):
            return row.amount_minor > 0 and self.has_payment_of(row)
        for prefixes, taken, given in TELLS:
            if row.source_id.startswith(prefixes):
                kind = taken if row.amount_minor < 0 else given
                return (row.source_id, kind) in self.facts
        return True


def _settle(run: SyncRun, rows: Sequence[BalanceMovement]) -> int:
    """Journal what belongs to known payments; queue the work for everything else."""
    known = _Known.about(rows)
    facts = []
    for row in rows:
        if row.payment_id and not known.is_told(row):
            _queue(run, row.payment_id, known.paid.get(row.payment_id, []))
        if known.has_payment_of(row):
            facts.append(_fact(row, known))
            row.unresolved = False
    BalanceMovement.objects.bulk_update(rows, ["payment_id", "unresolved"])
    journal.keep(run.tenant_id, facts, correlation_id=run.job.cause.correlation_id)
    return len(facts)


def _queue(run: SyncRun, payment_id: str, paid: Sequence[CollectedPayment]) -> None:
    """Known payments name their invoices; whatever else the payment is, a look-up tells."""
    work = [(SYNC_INVOICE, str(row.invoice.freshbooks_invoice_id)) for row in paid]
    if not paid or any(row.allocation_id for row in paid):
        work.append((LOOK_UP_STRIPE_PAYMENT, payment_id))
    for kind, subject in work:
        ledger.enqueue(tenant_id=run.tenant_id, kind=kind, subject=subject, cause=run.job.cause)


def _fact(row: BalanceMovement, known: _Known) -> Fact:
    """On the invoice that was paid; on none if the payment paid several, or none of ours."""
    paid = known.paid.get(row.payment_id, [])
    owner = paid[0] if len(paid) == 1 else None
    currency = paid[0].currency if paid else known.strays[row.payment_id].currency
    return Fact(
        side=MoneyFact.Side.STRIPE,
        kind=Kind.SETTLED,
        key=f"stripe:{row.stripe_id}",
        source_id=row.stripe_id,
        payment_id=row.payment_id,
        money=Money.zero(currency),
        settlement=Money(row.amount_minor, row.currency),
        fee=Money(row.fee_minor, row.currency),
        exchange_rate=row.exchange_rate,
        happened_at=row.created_at,
        invoice=owner.invoice if owner else None,
        note=f"{row.type.replace('_', ' ')} {row.source_id}",
    )
