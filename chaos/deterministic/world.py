"""One run: a tenant with both vendor accounts, webhooks on their way, and processes of ours."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from chaos.deterministic.database import Owner
from chaos.deterministic.listening import listen
from chaos.deterministic.points import Crossings, watching
from chaos.deterministic.post import Postman
from chaos.deterministic.seeded import VirtualClock, seeded, virtual_clock
from chaos.deterministic.vendors import (
    FRESHBOOKS_URL,
    STRIPE_URL,
    Vendors,
    new_vendors,
    reachable,
)
from connector import copies, polling, ringing, routing, tokens
from connector.jobs import claims, kinds, ledger, runner, sharing
from connector.limits.gate import VendorGate
from connector.models import PollFeed, RateBucket, SyncJob
from connector.vendors.freshbooks.records import TokenPair
from sandbox.core.vendor import Request, Response
from sandbox.core.webhooks import Ticket
from tenants import addresses
from tenants.models import FreshBooksGrant
from tenants.scope import every_tenant, tenant_scope
from tests.pipeline.shop import QUEUES, Shop, cause, open_shop

MOST_ROUNDS = 2000  # whoever is busy for so long works in vain
MOST_IDLE = 25  # so often in a row nothing that waits can be done: it never will be
KNOWN = kinds.versions(routing.HANDLERS)
SHARED = sharing.shared_kinds(routing.HANDLERS)
SETTINGS = {
    "FRESHBOOKS_API_BASE": FRESHBOOKS_URL,
    "FRESHBOOKS_AUTH_BASE": FRESHBOOKS_URL,
    "FRESHBOOKS_CLIENT_ID": "sandbox-client",
    "FRESHBOOKS_CLIENT_SECRET": "sandbox-secret",
    "STRIPE_API_BASE": STRIPE_URL,
    "PUBLIC_BASE_URL": "http://127.0.0.1:1",
    "ALLOWED_HOSTS": ["*"],
    "SECURE_SSL_REDIRECT": False,
}


@dataclass(kw_only=True)
class World:
    """What a run works with. `meet` and `around` are where it lets things go wrong."""

    seed: int
    dice: random.Random
    clock: VirtualClock
    vendors: Vendors
    owner: Owner
    crossings: Crossings
    shop: Shop = field(init=False)
    postman: Postman = field(default_factory=lambda: Postman(Client()))
    log: list[str] = field(default_factory=list)
    rings: list[tuple[str, int]] = field(default_factory=list)
    """Queues that were rung for, each with the number of ready jobs that others could see then."""
    trouble: Any = None
    counted: int = 0
    lost_grants: int = 0
    """How often FreshBooks had to be connected again."""
    frozen_refreshes: int = 0
    """How often a process stood still past its lease just before or after its refresh of a token."""
    statuses: list[int] = field(default_factory=list)
    around: Callable[[Request, Callable[[], Response]], Response] = field(
        default=lambda _, execute: execute()
    )

    def note(self, text: str) -> None:
        """One line of the event log."""
        self.log.append(f"{self.clock.since_start():11.3f} {text}")

    # What processes of ours do ---------------------------------------------------------------------

    def work(self, queue: str, batch: int = 1) -> int:
        """A worker claims and runs a batch; answer how many jobs it ended."""
        ended = 0
        with self.crossings.process():
            jobs = claims.claim(queue, worker="chaos", batch=batch, known=KNOWN, shared=SHARED)
            groups = sharing.groups_of(jobs, routing.HANDLERS)
            for group, following in pairwise([*groups, []]):
                for job in group:
                    self.note(f"run {job.kind} {self.subject_of(job)} attempt {job.attempts}")
                runner.run_group(group, routing.HANDLERS, then=following[:1])
                ended += len(group)
                claims.extend_leases({left.pk: left.fence for left in jobs[ended:]})
        return ended

    def sweep(self) -> int:
        """Take back what dead workers held."""
        taken: list[int] = []
        with self.crossings.process():
            taken.append(claims.take_back_expired())
        return sum(taken)

    def tick(self) -> int:
        """The clock queues the feeds that are due."""
        queued: list[int] = []
        with self.crossings.process():
            queued.append(polling.queue_due_feeds())
        return sum(queued)

    def deliver(self, ticket: Ticket) -> int:
        """A vendor hands one webhook to a web process; 0 if that process died over it."""
        status: list[int] = []
        with self.crossings.process():
            status.append(self.postman.hand_over(ticket))
            close_old_connections()  # as Django does after each request; its test client does not
        return sum(status)

    def enqueue(self, kind: kinds.Kind, subject: object = "") -> None:
        """Somebody asks for a piece of work."""
        with tenant_scope(self.shop.tenant.pk):
            ledger.enqueue(
                tenant_id=self.shop.tenant.pk, kind=kind, subject=str(subject), cause=cause()
            )

    def connect_again(self) -> int:
        """Who lost the grant, because the answer to a refresh was lost, signs in again; how many."""
        lost = list(FreshBooksGrant.objects.filter(lost_at__isnull=False))
        for grant in lost:
            told = self.vendors.freshbooks.tokens(grant.email)
            expires_at = timezone.now() + timedelta(seconds=told["expires_in"])
            pair = TokenPair(
                access_token=told["access_token"],
                refresh_token=told["refresh_token"],
                expires_at=expires_at,
                scopes=tuple(told["scope"].split()),
            )
            tokens.save_pair(grant, pair, cause=cause())
        self.lost_grants += len(lost)
        return len(lost)

    # What is the case ------------------------------------------------------------------------------

    def subject_of(self, job: SyncJob) -> str:
        """The subject of a job; deliveries are named by their number, which a seed repeats."""
        return job.subject or "-"

    def lying(self) -> list[Ticket]:
        """Webhooks that nobody has handed over yet, oldest first."""
        return [ticket for box in self.vendors.boxes() for ticket in box.lying]

    def take(self, ticket: Ticket) -> None:
        """Take a webhook out of its box."""
        for box in self.vendors.boxes():
            if ticket in box.lying:
                box.lying.remove(ticket)

    def unfinished(self) -> list[SyncJob]:
        """Jobs that are not at their end."""
        with every_tenant():
            states = (SyncJob.State.QUEUED, SyncJob.State.RUNNING)
            return list(SyncJob.objects.filter(state__in=states).order_by("pk"))

    # Coming to rest --------------------------------------------------------------------------------

    def settle(self) -> None:
        """Hand over what lies about and run all work to its end, on the virtual clock."""
        idle = 0
        for _ in range(MOST_ROUNDS):
            if idle == MOST_IDLE:
                break
            self.hand_over_all()
            if sum(self.work(queue, settings.JOB_BATCH) for queue in QUEUES):
                idle = 0
                continue
            if self.lying():
                continue
            waiting = self.unfinished()
            if not waiting:
                return
            idle += 1
            self._wait_for(waiting)
            self.sweep()
        raise AssertionError(f"work never ends: {[str(job) for job in self.unfinished()]}")

    def hand_over_all(self) -> None:
        """Every webhook that lies about, oldest first."""
        for ticket in self.lying():
            self.take(ticket)
            self.deliver(ticket)

    def _wait_for(self, jobs: list[SyncJob]) -> None:
        """Until the next thing happens: what is due already waits for a lease or for a vendor."""
        now = timezone.now()
        with every_tenant():
            shut = list(RateBucket.objects.filter(blocked_until__gt=now))
        moments = [bucket.blocked_until for bucket in shut]
        moments += [
            job.lease_expires_at if job.state == SyncJob.State.RUNNING else job.due_at
            for job in jobs
        ]
        gaps = [(moment - now).total_seconds() for moment in moments if moment and moment > now]
        self.clock.advance(min(gaps, default=0.0) + 0.05)

    def compare_all(self) -> None:
        """Both vendors are polled and all is compared, as happens every day."""
        for kind in (kinds.POLL_FRESHBOOKS, kinds.POLL_STRIPE, kinds.POLL_MONEY):
            self.enqueue(kind)
        self.settle()
        self.enqueue(kinds.RECONCILE_ALL)
        self.settle()


@contextmanager
def new_world(seed: int, owner: Owner, *, listens: bool = True) -> Iterator[World]:
    """A run from its very start: an empty database, one live tenant, both vendors with empty books."""
    owner.empty()
    claims._served_last.clear()  # what a process remembers of another run
    addresses._endpoints.clear()
    with (
        tempfile.TemporaryDirectory(prefix="ml-connector-chaos-tokens-") as spool,
        override_settings(**SETTINGS, TOKEN_SPOOL_DIR=spool),
        virtual_clock() as clock,
        seeded(seed) as dice,
        ExitStack() as stack,
    ):
        vendors = new_vendors(seed)
        crossings = Crossings(lambda _: None, owner.end_connection)
        world = World(
            seed=seed, dice=dice, clock=clock, vendors=vendors, owner=owner, crossings=crossings
        )
        stack.enter_context(_nobody_answers(world))
        stack.enter_context(_copies_are_counted_at_once())
        stack.enter_context(_gates_wait_on(clock))
        with (
            reachable(vendors, world),
            watching(crossings),
        ):
            world.shop = open_shop(vendors.freshbooks, vendors.stripe)
            if listens:
                listen(vendors, world.shop)
            crossings.meet = lambda _: None
            yield world
            connection.close()


@contextmanager
def _nobody_answers(world: World) -> Iterator[None]:
    """Rings are only noted: which worker looks at which queue, and when, is up to the schedule."""
    real = ringing.Ringer.ring

    def ring(_: ringing.Ringer, queue: str) -> None:
        world.rings.append((queue, world.owner.ready(queue)))

    ringing.Ringer.ring = ring  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        ringing.Ringer.ring = real  # type: ignore[method-assign]


@contextmanager
def _copies_are_counted_at_once() -> Iterator[None]:
    """No thread but this one."""
    real = copies.copies.ask
    copies.copies.ask = lambda item: copies.save_counts([item])  # type: ignore[method-assign]
    try:
        yield
    finally:
        copies.copies.ask = real  # type: ignore[method-assign]


@contextmanager
def _gates_wait_on(clock: VirtualClock) -> Iterator[None]:
    """A call that waits a moment for its place moves the clock, as all who sleep do."""
    defaults = VendorGate.__init__.__kwdefaults__ or {}
    real = defaults["sleep"]
    defaults["sleep"] = clock.advance
    try:
        yield
    finally:
        defaults["sleep"] = real


def feeds_due(world: World, *, after: timedelta) -> None:
    """Let the feeds of the tenant be due from now on, as those of any live tenant."""
    with tenant_scope(world.shop.tenant.pk):
        PollFeed.objects.update(next_due_at=timezone.now() + after)
