"""What went back of a payment, as facts of the journal, and as each invoice's share of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django.db.models import QuerySet, Sum
from django.utils import timezone

from connector import journal
from connector.journal import Fact
from connector.models import CollectedPayment, InvoiceLink, MoneyFact
from connector.models.payments import of_payment
from connector.money import Money
from connector.sync.context import SyncRun
from connector.vendors.stripe.money_records import StripeDispute, StripeRefund

Kind = MoneyFact.Kind
UNDONE = frozenset({"failed", "canceled"})  # refunds that did not happen in the end
LOST = "lost"
CLOSED = frozenset({"won", LOST, "warning_closed", "prevented"})


@dataclass(frozen=True, kw_only=True)
class Returns:
    """What Stripe says went back of one payment, and how much of it no invoice needs."""

    refunds: tuple[StripeRefund, ...]  # newest first, as Stripe lists them
    disputes: tuple[StripeDispute, ...]
    excess: int = 0  # paid beyond the invoices, in minor units: refunds take from it first
    shared: bool = False  # it paid other invoices too, which are not ours
    currency: str = ""  # of the payment; "" if it is not known, then nothing is in a foreign one

    @property
    def refunded(self) -> int:
        """All that was refunded, in minor units."""
        return sum(row.amount.amount_minor for row in self.refunds if row.status not in UNDONE)

    @property
    def lost(self) -> int:
        """All that was lost to disputes in the payment's currency, in minor units."""
        return sum(
            row.amount.amount_minor
            for row in self.disputes
            if row.status == LOST and not self.is_foreign(row)
        )

    @property
    def open(self) -> tuple[StripeDispute, ...]:
        """The disputes that may still cost money, those to be answered first before others."""
        rows = (row for row in self.disputes if row.status not in CLOSED)
        return tuple(sorted(rows, key=lambda row: (row.due_by is None, row.due_by, row.id)))

    @property
    def at_stake(self) -> int:
        """What they are about, as far as it is in the payment's currency, in minor units."""
        return sum(row.amount.amount_minor for row in self.open if not self.is_foreign(row))

    @property
    def has_foreign_loss(self) -> bool:
        """Whether a dispute in another currency took, or may take, nobody knows how much of it."""
        may_cost = (row for row in self.disputes if row.status == LOST or row in self.open)
        return any(self.is_foreign(row) for row in may_cost)

    def is_foreign(self, dispute: StripeDispute) -> bool:
        """Whether a dispute is in another currency than its payment: nothing is converted here."""
        return bool(self.currency) and dispute.amount.currency != self.currency


def rows_of(payment_id: str, *, with_undone: bool = False) -> QuerySet[CollectedPayment]:
    """The rows that a payment paid, oldest first. Inside a scope."""
    rows = CollectedPayment.objects.select_related("invoice").filter(of_payment(payment_id))
    return (rows if with_undone else rows.filter(undone=False)).order_by("pk")


def keep_return_facts(
    run: SyncRun, payment_id: str, rows: Sequence[CollectedPayment], returns: Returns
) -> None:
    """Each refund and dispute once: on the invoice it is for, on none if that cannot be told.

    What is known stays as it was kept: that a refund failed takes back just what it took. Inside a
    scope, with the rows locked and saved.
    """
    owner = rows[0].invoice if len(rows) == 1 and not returns.shared else None
    names = [_key(refund) for refund in returns.refunds]
    known = {
        row.key: row for row in MoneyFact.objects.select_related("invoice").filter(key__in=names)
    }
    facts: list[Fact] = []
    # Of a payment that was matched in parts, what went back of the rest is nobody's but its own.
    left = 0 if owner is None and any(row.allocation_id for row in rows) else returns.excess
    # Stripe's own order: its times are whole seconds, its ids random.
    for refund in reversed(returns.refunds):
        free = min(left, refund.amount.amount_minor) if refund.status not in UNDONE else 0
        left -= free
        minor, invoice = refund.amount.amount_minor - free, owner
        if _key(refund) in known:
            minor, invoice = -known[_key(refund)].amount_minor, known[_key(refund)].invoice
        facts += _refund_facts(invoice, refund, Money(minor, refund.amount.currency))
    for dispute in returns.disputes:
        facts += _dispute_facts(owner, dispute, counts=not returns.is_foreign(dispute))
    journal.keep(run.tenant_id, facts, correlation_id=run.job.cause.correlation_id)
    shares = _shares(payment_id, returns)
    journal.keep(run.tenant_id, shares, correlation_id=run.job.cause.correlation_id)


def _key(refund: StripeRefund) -> str:
    return f"stripe:{refund.id}"


def _refund_facts(
    invoice: InvoiceLink | None, refund: StripeRefund, money: Money
) -> Iterator[Fact]:
    fact = Fact(
        side=MoneyFact.Side.STRIPE,
        kind=Kind.REFUNDED,
        key=_key(refund),
        source_id=refund.id,
        payment_id=refund.payment_intent_id or refund.charge_id,
        money=-money,
        about=refund.amount,
        happened_at=refund.created_at,
        invoice=invoice,
        note=refund.failure_reason or refund.reason,
    )
    yield fact
    if refund.status in UNDONE:
        key = f"{fact.key}:{refund.status}"
        yield replace(fact, kind=Kind.REFUND_FAILED, key=key, money=money)


def _dispute_facts(
    invoice: InvoiceLink | None, dispute: StripeDispute, *, counts: bool
) -> Iterator[Fact]:
    """Only losing a dispute takes money off an invoice: until then it may come back.

    One in another currency than its payment takes an amount that nobody can tell: it counts not.
    """
    zero = Money.zero(dispute.amount.currency)
    withdrawn = any(move.amount.is_negative for move in dispute.movements)
    given_back = any(not move.amount.is_negative for move in dispute.movements)
    found = (
        (Kind.DISPUTE_OPENED, True, zero),
        (Kind.DISPUTE_WITHDRAWN, withdrawn, zero),
        (Kind.DISPUTE_REINSTATED, given_back, zero),
        (Kind.DISPUTE_WON, dispute.status == "won", zero),
        (Kind.DISPUTE_LOST, dispute.status == LOST, -dispute.amount if counts else zero),
    )
    for kind, is_so, money in found:
        if is_so:
            yield Fact(
                side=MoneyFact.Side.STRIPE,
                kind=kind,
                key=f"stripe:{dispute.id}:{kind}",
                source_id=dispute.id,
                payment_id=dispute.payment_intent_id or dispute.charge_id,
                money=money,
                about=dispute.amount,
                happened_at=dispute.created_at,
                invoice=invoice,
                note=dispute.reason,
            )


def _shares(payment_id: str, returns: Returns) -> Iterator[Fact]:
    """What the facts of each invoice lack, or have too much, of what went back of its part.

    Whose money went back may change: all of a payment of several invoices goes back, a match is
    made or taken back, a refund fails. The invoice's facts always come to what its rows say.
    """
    gone: dict[InvoiceLink, Money] = {}
    for row in rows_of(payment_id, with_undone=True):
        back = Money(row.counted_minor - row.kept_minor, row.currency)
        gone[row.invoice] = gone.get(row.invoice, Money.zero(row.currency)) + back
    moments = [row.created_at for row in returns.refunds]
    moments += [row.created_at for row in returns.disputes]
    for invoice, wanted in gone.items():
        told = MoneyFact.objects.filter(
            invoice=invoice,
            payment_id__in=_names(payment_id, returns),
            kind__in=journal.RETURNING,
            currency=wanted.currency,
        ).aggregate(sum=Sum("amount_minor"))["sum"]
        missing = wanted + Money(told or 0, wanted.currency)
        prefix = f"stripe:{payment_id}:share:{invoice.pk}:"
        if not missing.is_zero:
            yield Fact(
                side=MoneyFact.Side.STRIPE,
                kind=Kind.REFUND_FAILED if missing.is_negative else Kind.REFUNDED,
                key=f"{prefix}{MoneyFact.objects.filter(key__startswith=prefix).count()}",
                source_id=payment_id,
                payment_id=payment_id,
                money=-missing,
                happened_at=max(moments, default=timezone.now()),
                invoice=invoice,
                note="What went back of the payment was told apart anew.",
            )


def _names(payment_id: str, returns: Returns) -> set[str]:
    """The ids under which facts of this payment may be kept."""
    found: list[StripeRefund | StripeDispute] = [*returns.refunds, *returns.disputes]
    return {payment_id, *(row.payment_intent_id or row.charge_id for row in found)}
