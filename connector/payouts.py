"""Payouts to the bank: which there are, how they stand, and which movements each is made of."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Min, Q, QuerySet, Sum
from django.utils import timezone

from audit.recording import record
from connector.models import BalanceMovement, Payout
from connector.money import Money
from connector.sync.context import SyncRun
from connector.sync.settling import keep_movements
from connector.vendors.stripe.money_records import StripePayout
from connector.vendors.stripe.pages import all_pages
from tenants.scope import tenant_scope

UNDER_WAY = ("pending", "in_transit")
BACK = ("failed", "canceled")
BACK_TYPES = ("payout_failure", "payout_cancel")
PREFIX = "po_"
IN_PROGRESS = "in_progress"
MAY_BE_BEFORE = timedelta(days=1)
MAY_COME_BACK = timedelta(days=40)  # banks send money back within days; the rest is caution
PATIENCE_DAYS = 7  # then the movements are read as they are


def follow_payouts(run: SyncRun, *, begin: datetime) -> str:
    """Bring payouts up to date and read what new ones are made of. Makes no call if none is open.

    Stripe tells this for automatic payouts only: manual ones stay without movements.
    """
    with tenant_scope(run.tenant_id):
        since = _since()
    seen = 0
    if since is not None:
        for payout in all_pages(
            lambda cursor: run.stripe.list_payouts(created_gte=since, cursor=cursor)
        ):
            _keep(run, payout)
            seen += 1
    with tenant_scope(run.tenant_id):
        waiting = list(_without_movements())
    for row in waiting:
        _read_movements(run, row, begin)
    return f"{seen} payouts looked at, {len(waiting)} taken apart"


def _since() -> datetime | None:
    """Where to begin, None if every known payout is at its end and no movement tells of another."""
    moved = BalanceMovement.objects.filter(source_id__startswith=PREFIX).order_by()
    unknown = moved.exclude(source_id__in=Payout.objects.values("stripe_id")).filter(
        created_at__gte=timezone.now() - MAY_COME_BACK
    )
    made = unknown.exclude(type__in=BACK_TYPES).aggregate(at=Min("created_at"))["at"]
    came_back = unknown.filter(type__in=BACK_TYPES).aggregate(at=Min("created_at"))["at"]
    returned = moved.filter(type__in=BACK_TYPES).values("source_id")
    still_open = Payout.objects.filter(
        Q(status__in=UNDER_WAY)
        | (Q(stripe_id__in=returned) & ~Q(status__in=BACK))
        | _may_still_change()
    )
    times = (
        made and made - MAY_BE_BEFORE,
        came_back and came_back - MAY_COME_BACK,
        still_open.aggregate(at=Min("created_at"))["at"],
    )
    return min((at for at in times if at), default=None)


def _may_still_change() -> Q:
    """Stripe still sorts its movements."""
    return Q(
        automatic=True,
        movements_read_at__isnull=True,
        reconciliation=IN_PROGRESS,
        arrives_on__gt=timezone.now().date() - timedelta(days=PATIENCE_DAYS),
    )


def _without_movements() -> QuerySet[Payout]:
    rows: QuerySet[Payout] = Payout.objects.filter(automatic=True, movements_read_at__isnull=True)
    return rows.exclude(_may_still_change()).order_by("created_at", "pk")


def _keep(run: SyncRun, payout: StripePayout) -> None:
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        Payout.objects.update_or_create(
            tenant_id=run.tenant_id,
            stripe_id=payout.id,
            defaults={
                "amount_minor": payout.amount.amount_minor,
                "currency": payout.amount.currency,
                "status": payout.status[:20],
                "automatic": payout.automatic,
                "reconciliation": payout.reconciliation[:20],
                "created_at": payout.created_at,
                "arrives_on": payout.arrives_on,
            },
        )
        BalanceMovement.objects.filter(source_id=payout.id).exclude(type__in=BACK_TYPES).update(
            payout_id=payout.id
        )


def _read_movements(run: SyncRun, row: Payout, begin: datetime) -> None:
    """Mark what this payout is made of. Its own movement, of minus its amount, belongs to it."""
    pages = all_pages(
        lambda cursor: run.stripe.list_balance_transactions(payout_id=row.stripe_id, cursor=cursor)
    )
    keep_movements(run, list(pages), begin=begin, payout_id=row.stripe_id)
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        parts = BalanceMovement.objects.filter(payout_id=row.stripe_id, currency=row.currency)
        net = parts.exclude(source_id=row.stripe_id).aggregate(sum=Sum("net_minor"))["sum"] or 0
        row.movements_read_at = timezone.now()
        row.save(update_fields=["movements_read_at"])
        record(
            tenant_id=run.tenant_id,
            action="payout.taken_apart",
            entity=f"payout:{row.stripe_id}",
            cause=run.job.cause,
            details={
                "amount": str(Money(row.amount_minor, row.currency)),
                "movements": parts.count(),
                "net": str(Money(net, row.currency)),
                "unexplained": str(Money(row.amount_minor - net, row.currency)),
            },
        )
