"""Mistakes about jobs, leases and the inbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connections

from chaos.deterministic.points import COMMITTING
from chaos.deterministic.world import World
from chaos.mistakes.changing import replaced
from chaos.mistakes.drills import calm, end, sent, stale, trouble
from chaos.mistakes.mistake import Mistake
from connector import inbox, ringing
from connector.inbox import Stored
from connector.jobs import claims, context, endings, kinds
from connector.models import SyncJob
from connector.views import webhooks
from tenants.scope import every_tenant
from tests.pipeline.shop import QUEUES


@contextmanager
def _no_fence(_: World) -> Iterator[None]:
    with (
        replaced(context.JobRun, "hold_fence", lambda _: None),
        replaced(endings, "_FINISH", endings._FINISH.replace("AND job.fence = told.fence", "")),
    ):
        yield


def _zombie(world: World) -> None:
    """A worker stands still after it has read an invoice; that is edited, and others carry it over."""
    invoice = sent(world, "120.00")

    def others() -> None:
        world.shop.edit(invoice, "99.00")
        world.settle()

    trouble(world, "freeze", "freshbooks.invoices.get:answered", others)
    world.shop.edit(invoice, "111.00")
    world.settle()
    calm(world)


@contextmanager
def _no_lease_sweep(_: World) -> Iterator[None]:
    with replaced(claims, "take_back_expired", lambda: 0):
        yield


def _killed(world: World) -> None:
    trouble(world, "kill", "stripe.invoices.create:answered")
    world.shop.invoice("120.00")
    world.settle()
    calm(world)


@contextmanager
def _cursor(_: World) -> Iterator[None]:
    right, seen = claims._claim, [0]

    def wrong(queue: str, worker: str, batch: int, known: Any, shared: Any) -> list[SyncJob]:
        narrowed = claims._CLAIM.replace(
            "WHERE state = 'queued' AND queue = %(queue)s AND job.tenant_id",
            f"WHERE id > {seen[0]} AND state = 'queued' AND queue = %(queue)s AND job.tenant_id",
        )
        with replaced(claims, "_CLAIM", narrowed):
            jobs = right(queue, worker, batch, known, shared)
        seen[0] = max([seen[0], *(job.pk for job in jobs)])
        return jobs

    with replaced(claims, "_claim", wrong):
        yield


def _late_row(world: World) -> None:
    """The row with the lower id commits after the one with the higher id was worked on."""
    with every_tenant():
        low = SyncJob.objects.count() + 100
    world.enqueue(kinds.POLL_STRIPE)
    with every_tenant():
        job = SyncJob.objects.get(kind=kinds.POLL_STRIPE.name, state=SyncJob.State.QUEUED)
        high = low + 1
        SyncJob.objects.filter(pk=job.pk).update(id=high)
    world.settle()
    world.enqueue(kinds.POLL_FRESHBOOKS)
    with every_tenant():
        SyncJob.objects.filter(state=SyncJob.State.QUEUED).update(id=low)
    for queue in QUEUES:
        world.work(queue, settings.JOB_BATCH)


@contextmanager
def _ring_first(_: World) -> Iterator[None]:
    right, ring = inbox.store_event, ringing.Ringer.ring

    def wrong(*given: Any, **named: Any) -> Stored:
        ring(ringing.ringer, kinds.INTAKE)
        return right(*given, **named)

    class Silent:
        def ring(self, _queue: str) -> None:
            """It rang already."""

    with replaced(inbox, "store_event", wrong), replaced(webhooks, "ringer", Silent()):
        yield


def _heard(world: World) -> None:
    """Whoever hears the ring looks at once; what is not there then waits for the sweep."""
    invoice = sent(world, "120.00")
    world.shop.pay(invoice)
    world.rings.clear()
    for ticket in world.lying():
        if ticket.delivery.event == "invoice.paid":
            world.take(ticket)
            world.deliver(ticket)


def _rang_for_nothing(world: World) -> list[str]:
    return [
        f"F32 a ring for {queue} that nobody could see the work of"
        for queue, n in world.rings
        if not n
    ]


@contextmanager
def _answer_first(_: World) -> Iterator[None]:
    right = inbox.store_event

    def wrong(*given: Any, **named: Any) -> Stored:
        try:
            return right(*given, **named)
        except DatabaseError:
            connections["default"].close()
            return Stored(delivery_id=0, is_new=False)  # "it will be stored in a moment"

    with replaced(inbox, "store_event", wrong):
        yield


def _store_breaks(world: World) -> None:
    """The connection ends twice: once is not enough, for the statement is tried again."""
    invoice = sent(world, "120.00")
    breaks = iter((True, True))

    def meet(name: str) -> None:
        if name == f"connector.inbox._store:{COMMITTING}" and next(breaks, False):
            world.crossings.tear()

    world.crossings.meet = meet
    world.shop.pay(invoice)
    for ticket in world.lying():
        world.take(ticket)
        if not 200 <= world.deliver(ticket) < 300:
            world.deliver(ticket)
    calm(world)
    world.settle()


MISTAKES = (
    Mistake(
        name="no fence",
        what="A worker that lost its lease saves what it has.",
        make=_no_fence,
        drill=_zombie,
        check=lambda world: [*stale(world), *end(world)],
    ),
    Mistake(
        name="nobody takes back leases",
        what="What a dead worker held stays with it.",
        make=_no_lease_sweep,
        drill=_killed,
        check=end,
    ),
    Mistake(
        name="cursor outbox",
        what="Work is claimed by an id that only grows.",
        make=_cursor,
        drill=_late_row,
        check=end,
    ),
    Mistake(
        name="ring before commit",
        what="The ring goes out before the row that it is for is there.",
        make=_ring_first,
        drill=_heard,
        check=_rang_for_nothing,
    ),
    Mistake(
        name="2xx before commit",
        what="A webhook that could not be stored is answered 2xx.",
        make=_answer_first,
        drill=_store_breaks,
        check=end,
    ),
)
