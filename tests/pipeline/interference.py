"""What goes wrong around a vendor call: given to a run in place of its vendor clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from connector import routing
from connector.jobs import claims
from connector.jobs.context import Handler, JobRun
from connector.models import SyncJob
from connector.polling import poll_freshbooks, poll_stripe
from connector.reconcile import reconcile
from connector.runs import build_run
from connector.settlement import poll_money
from connector.sync.clients import sync_client
from connector.sync.context import SyncRun
from connector.sync.pair import sync_invoice
from tenants.scope import every_tenant
from tests.pipeline.shop import Shop

Around = Callable[[str, Callable[[], Any]], Any]
"""Given the method's name and the call itself: make it, or do not, and answer or raise."""


class Killed(BaseException):
    """The process ends here: nothing below catches it, nothing is cleaned up."""


class Wrapped:
    """A vendor client whose calls go through `around`."""

    def __init__(self, client: Any, around: Around) -> None:
        self._client, self._around = client, around

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if not callable(method):
            return method
        return lambda *given, **named: self._around(name, lambda: method(*given, **named))


def handlers_around(around: Around) -> dict[str, Handler]:
    """The product's handlers, with every vendor call going through `around`."""

    def tools(job: JobRun) -> SyncRun:
        run = build_run(job)
        freshbooks: Any = Wrapped(run.freshbooks, around)
        stripe: Any = Wrapped(run.stripe, around)
        return replace(run, freshbooks=freshbooks, stripe=stripe)

    def of_entity(function: Callable[[SyncRun, int], str]) -> Handler:
        return lambda job: function(tools(job), int(job.subject))

    def of_tenant(function: Callable[[SyncRun], str]) -> Handler:
        return lambda job: function(tools(job))

    return {
        **routing.HANDLERS,
        "sync_invoice": of_entity(sync_invoice),
        "sync_client": of_entity(sync_client),
        "poll_freshbooks": of_tenant(poll_freshbooks),
        "poll_stripe": of_tenant(poll_stripe),
        "poll_money": of_tenant(poll_money),
        "reconcile": of_tenant(reconcile),
    }


@contextmanager
def interfering(shop: Shop, around: Around) -> Iterator[None]:
    """Inside the block, the shop's vendor calls go through `around`."""
    before, shop.handlers = shop.handlers, handlers_around(around)
    try:
        yield
    finally:
        shop.handlers = before


@dataclass
class KillAt:
    """Ends the process around the n-th vendor call: before it is made, or right after."""

    number: int
    before: bool
    calls: int = 0

    def __call__(self, _name: str, call: Callable[[], Any]) -> Any:
        self.calls += 1
        if self.calls == self.number and self.before:
            raise Killed
        answer = call()
        if self.calls == self.number:
            raise Killed
        return answer


@dataclass
class KillAtScope:
    """Ends the process as the n-th transaction of its job begins: between any two commits."""

    number: int
    scopes: int = 0

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        if "set_config('app.tenant'" in sql and "'app.tenant', '*'" not in sql:
            self.scopes += 1
            if self.scopes == self.number:
                raise Killed
        return execute(sql, params, many, context)


def run_killed(shop: Shop, *, statements: KillAtScope | None = None) -> bool:
    """Pump until the process "ends"; answer whether it did."""
    try:
        if statements is None:
            shop.pump()
        else:
            with connection.execute_wrapper(statements):
                shop.pump()
    except Killed:
        connection.close()
        return True
    return False


def recover() -> None:
    """What the sweep does once the dead worker's leases have run out."""
    with every_tenant():
        SyncJob.objects.filter(state=SyncJob.State.RUNNING).update(
            lease_expires_at=timezone.now() - timedelta(seconds=1)
        )
    claims.take_back_expired()
