"""Mistakes about reading the vendors: polls, pages, webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from chaos.deterministic.world import World
from chaos.mistakes.changing import replaced
from chaos.mistakes.drills import sent, stale
from chaos.mistakes.mistake import Mistake
from connector import polling
from connector.jobs import kinds
from connector.models import SyncJob
from connector.vendors.freshbooks import pages
from connector.vendors.freshbooks.records import Page
from connector.vendors.stripe import events
from connector.views import webhooks
from tenants.scope import every_tenant

CLIENTS = 120  # more than a page


@contextmanager
def _no_overlap(_: World) -> Iterator[None]:
    def wrong(newest: str) -> date | None:
        return timezone.now().date() if newest else None

    with replaced(polling, "_since", wrong):
        yield


def _edited_at_night(world: World) -> None:
    """It is tomorrow by our clock and still today by FreshBooks'; no webhook ever comes."""
    invoice = world.shop.invoice("120.00")
    _poll(world)
    now = timezone.now()
    night = datetime(now.year, now.month, now.day + 1, 2, tzinfo=now.tzinfo)
    world.clock.advance((night - now).total_seconds())
    world.shop.edit(invoice, "99.00")
    _poll(world)


def _poll(world: World) -> None:
    _drop_all(world)
    world.enqueue(kinds.POLL_FRESHBOOKS)
    world.settle()


def _drop_all(world: World) -> None:
    for ticket in world.lying():
        world.take(ticket)


@contextmanager
def _first_page(_: World) -> Iterator[None]:
    with replaced(Page, "last", property(lambda _: True)):
        yield


@contextmanager
def _second_page_only(_: World) -> Iterator[None]:
    """Pages are numbered by how many rows are left, not by a fixed order."""
    right = pages.whole_list

    def wrong(fetch: Any) -> Any:
        return right(lambda page: fetch(1 if page > 1 else 2))

    with replaced(polling, "whole_list", wrong):
        yield


def _many_clients(world: World) -> None:
    for number in range(CLIENTS):
        world.shop.client(organization=f"Client {number}", email=f"c{number}@haddad.example")
    _drop_all(world)
    world.enqueue(kinds.POLL_FRESHBOOKS)
    world.work(kinds.FRESHBOOKS)


def _all_queued(world: World) -> list[str]:
    """F56, F57: each client has a job of its own."""
    with every_tenant():
        jobs = SyncJob.objects.filter(kind=kinds.SYNC_CLIENT.name)
        queued = set(jobs.values_list("subject", flat=True))
    clients = {str(row["id"]) for row in world.shop.fb_book()["clients"]}
    missed = clients - queued
    return [f"F56 {len(missed)} of {len(clients)} clients were never seen"] if missed else []


@contextmanager
def _future_accepted(_: World) -> Iterator[None]:
    right = events.verify_event

    def wrong(raw: bytes, header: str, secrets: Any, now: float) -> Any:
        signed_at = float(events._read_header(header)[0])
        return right(raw, header, secrets, now=max(now, signed_at))

    with replaced(webhooks, "verify_event", wrong):
        yield


def _from_the_future(world: World) -> None:
    invoice = sent(world, "120.00")
    world.shop.pay(invoice)
    box = world.vendors.stripe.box
    for ticket in list(box.lying):
        world.clock.advance(3600)
        headers = ticket.delivery.sign(False)  # noqa: FBT003 - the simulator's own signature
        world.clock.advance(-3600)
        world.statuses.append(world.deliver(box.signed(ticket, headers)))


def _accepted(world: World) -> list[str]:
    taken = [status for status in world.statuses if status != 400]
    if not world.statuses:
        return ["T04 nothing was signed"]
    return [f"T04 a webhook signed in an hour was answered {status}" for status in taken]


MISTAKES = (
    Mistake(
        name="no overlap of polls",
        what="Changes are asked for from today on, by our own calendar.",
        make=_no_overlap,
        drill=_edited_at_night,
        check=stale,
    ),
    Mistake(
        name="first page only",
        what="A list that is cut at 100 rows is taken for the whole.",
        make=_first_page,
        drill=_many_clients,
        check=_all_queued,
    ),
    Mistake(
        name="unordered pages",
        what="Pages are read in another order than they are listed in.",
        make=_second_page_only,
        drill=_many_clients,
        check=_all_queued,
    ),
    Mistake(
        name="future time-stamp accepted",
        what="A webhook signed with a time to come is taken.",
        make=_future_accepted,
        drill=_from_the_future,
        check=_accepted,
    ),
)
