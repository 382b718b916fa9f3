"""What Stripe's balance did since the last look: every movement with its fee, and the payouts.

A movement is made when money moves, whatever else happened long before. So this feed finds refunds
and disputes of payments of any age, and payments without invoice, even if no event ever arrived.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from connector import gaps, schedule
from connector.errors import CredentialRejected, VendorContractBroken
from connector.models import BalanceMovement, PollFeed
from connector.payouts import follow_payouts
from connector.sync.context import SyncRun
from connector.sync.settling import keep_movements, settle_movements
from connector.vendors.stripe.money_records import StripeBalanceTransaction
from connector.vendors.stripe.pages import MAX_PAGES, all_readable
from connector.vendors.stripe.records import StripePage, UnreadableObject
from tenants.scope import tenant_scope

OVERLAP = timedelta(hours=6)  # a movement may show up later than the time it bears
MOVEMENTS = "movements"
FORBIDDEN = (
    "Give the Stripe key the permissions “Balance: read” and “Payouts: read”. Until then fees and "
    "payouts are missing here; invoices and payments go on."
)


def poll_money(run: SyncRun) -> str:
    """Read what moved since the last time, say which payment each movement belongs to, and pay out.

    One call when nothing moved and no payout is under way.
    Raises: CredentialRejected when the key may not read the balance or payouts, with what to do;
        VendorContractBroken, after everything else is done, if a movement could not be read.
    """
    with _explained():
        run, feed = _start(run)
        found = _read_movements(run, feed)
        settled = settle_movements(run)
        _finish(run, feed, found)
        paid_out = follow_payouts(run, begin=_begin(feed))
    all_readable(StripePage(rows=(), next_cursor="", unreadable=tuple(found.unreadable)))
    return f"{found.new} movements, {settled} settled, {paid_out}"


class _Found:
    """What one walk over the movements found."""

    def __init__(self, newest: datetime) -> None:
        self.new = 0
        self.newest = newest
        self.unreadable: list[UnreadableObject] = []

    def add(self, page: StripePage[StripeBalanceTransaction], kept: list[BalanceMovement]) -> None:
        """Count one page."""
        self.new += len(kept)
        self.newest = max([self.newest, *(row.created_at for row in page.rows)])
        self.unreadable += page.unreadable


def _read_movements(run: SyncRun, feed: PollFeed) -> _Found:
    since = _since(feed)
    found, cursor = _Found(since), ""
    for _ in range(MAX_PAGES):
        page = run.stripe.list_balance_transactions(created_gte=since, cursor=cursor)
        found.add(page, keep_movements(run, page.rows, begin=_begin(feed)))
        cursor = page.next_cursor
        if not cursor:
            return found
    raise VendorContractBroken(f"Stripe lists more than {MAX_PAGES} pages of movements.")


def _begin(feed: PollFeed) -> datetime:
    """When this tenant's feed began: of earlier money no payment is looked up."""
    return (feed.tenant.live_at or timezone.now()).astimezone(UTC) - OVERLAP


def _since(feed: PollFeed) -> datetime:
    last = feed.watermarks.get(MOVEMENTS)
    return datetime.fromisoformat(last) - OVERLAP if last else _begin(feed)


@contextmanager
def _explained() -> Iterator[None]:
    """A missing permission names both that this feed needs."""
    try:
        yield
    except CredentialRejected as error:
        if error.status == 403:
            error.next_step = FORBIDDEN
        raise


def _start(run: SyncRun) -> tuple[SyncRun, PollFeed]:
    with tenant_scope(run.tenant_id):
        feed: PollFeed
        feed, _ = PollFeed.objects.select_related("tenant").get_or_create(
            tenant_id=run.tenant_id,
            feed=PollFeed.Feed.MONEY,
            defaults={"next_due_at": timezone.now()},
        )
        feed.last_started_at = timezone.now()
        feed.save(update_fields=["last_started_at"])
        return gaps.attach(run, feed), feed


def _finish(run: SyncRun, feed: PollFeed, found: _Found) -> None:
    """The mark moves only past movements that are kept: one that could not be read stays ahead."""
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        if found.new:
            schedule.wake(run.tenant_id)  # money moved: look at the rest as often as usual again
        if not found.unreadable:
            newest = max(found.newest, _since(feed) + OVERLAP)
            feed.watermarks = {MOVEMENTS: newest.isoformat()}
        feed.last_finished_at = timezone.now()
        feed.last_result = f"{found.new} new movements"
        feed.quiet = 0 if found.new else feed.quiet + 1
        feed.save(update_fields=["watermarks", "last_finished_at", "last_result", "quiet"])
        gaps.note(run, feed.feed, found=found.new, result=feed.last_result)
