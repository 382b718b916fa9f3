"""Replaying events whose effects are there already."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench import jobs
from bench.measures import Found, Result
from bench.method import Effort
from bench.place import Place
from connector import inbox
from connector.jobs import kinds
from connector.models import Delivery, PollFeed, VendorWrite
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop, open_shop


def second_replay(place: Place, effort: Effort, result: Result) -> None:
    """P29: events of invoices that are made, sent and paid: taken in and worked on, then again."""
    shop = open_shop(place.freshbooks, place.stripe)
    invoices = [shop.invoice("100.00") for _ in range(effort.size(250, 25))]
    first = _timed(shop, lambda: _tell_of(shop, invoices))
    for invoice in invoices:
        shop.pay(invoice)
    with tenant_scope(shop.tenant.pk):
        PollFeed.objects.update(watermarks={})
    first += _timed(shop, lambda: shop.enqueue(kinds.POLL_STRIPE))
    with tenant_scope(shop.tenant.pk):
        ids = list(Delivery.objects.values_list("pk", flat=True))
    _timed(shop, lambda: _replay(shop, ids))
    with tenant_scope(shop.tenant.pk):
        writes = VendorWrite.objects.count()
    second = _timed(shop, lambda: _replay(shop, ids))
    with tenant_scope(shop.tenant.pk):
        written = VendorWrite.objects.count() - writes
    result.found += [
        Found.count(
            "P29",
            first / second,
            events=len(ids),
            first_per_s=len(ids) / first,
            second_per_s=len(ids) / second,
        ),
        Found.count("P29a", written),
    ]


def _timed(shop: Shop, ask: Callable[[], object]) -> float:
    started = time.monotonic()
    ask()
    shop.settle()
    return time.monotonic() - started


def _tell_of(shop: Shop, invoices: list[int]) -> None:
    """As FreshBooks' webhooks do."""
    for invoice in invoices:
        inbox.store_hint(shop.tenant.pk, event_type="invoice.create", object_id=str(invoice))


def _replay(shop: Shop, ids: list[int]) -> None:
    with tenant_scope(shop.tenant.pk):
        inbox.replay(ids, cause=jobs.cause())


PARTS = (second_replay,)
