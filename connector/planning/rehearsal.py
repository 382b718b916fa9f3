"""Running a sync function without consequences: what would it send, and what would it say?

The function is the product's own, so a plan cannot differ from the doing. It runs against stand-ins
in a transaction that is taken back; where it needs something that was not read yet, the transaction
ends, the vendor is asked, and the rehearsal begins anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import cast

from connector.errors import ConnectorError
from connector.jobs.context import JobRun
from connector.models import ClientLink, CollectedPayment, InvoiceLink
from connector.planning.entities import Entity
from connector.planning.freshbooks_stand_in import FreshBooksStandIn
from connector.planning.stand_in import CannotRehearse, Write
from connector.planning.stripe_stand_in import StripeStandIn
from connector.planning.world import NeedsRead, World
from connector.sync.context import SyncRun
from connector.vendors.freshbooks.client import FreshBooksAccountClient
from connector.vendors.stripe.client import StripeAccountClient
from tenants.scope import taken_back

MOST_READS = 200  # of one entity: each payment with a refund costs a few


@dataclass(kw_only=True)
class Rehearsed:
    """How one rehearsal ended: writes in their order, and our rows as they would be after it."""

    writes: list[Write] = field(default_factory=list)
    said: str = ""
    problem: str = ""  # why nothing more could be done, in plain words
    invoice: InvoiceLink | None = None
    client: ClientLink | None = None
    payments: list[CollectedPayment] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class RehearsedJob(JobRun):
    """The job for a rehearsal: nothing of it is saved. Whoever keeps the steps holds the fence."""

    has_fence = False


def rehearse(
    run: SyncRun,
    world: World,
    entity: Entity,
    act: Callable[[SyncRun], str],
    *,
    client: ClientLink | None = None,
    with_payments: bool = False,
) -> Rehearsed:
    """Run `act` as often as it needs reads that are not there yet; answer its last run.

    `client` is a link as an earlier step will have made it by then; it is there meanwhile.
    `with_payments` looks at the invoice's payments as well.
    """
    for _ in range(MOST_READS):
        try:
            with taken_back(run.tenant_id):
                done = _rehearse(run, world, act, client)
                _look(done, entity, with_payments=with_payments)
                return done
        except NeedsRead as missing:
            world.ask(run, missing.read)
    return Rehearsed(problem="Too much has to be read to plan this one; it is left alone.")


def _rehearse(
    run: SyncRun,
    world: World,
    act: Callable[[SyncRun], str],
    client: ClientLink | None,
) -> Rehearsed:
    writes: list[Write] = []
    stage = replace(
        run,
        job=RehearsedJob(**vars(run.job)),
        freshbooks=cast("FreshBooksAccountClient", FreshBooksStandIn(world=world, writes=writes)),
        stripe=cast("StripeAccountClient", StripeStandIn(world=world, writes=writes)),
        answers={},
    )
    done = Rehearsed(writes=writes)
    if client is not None:
        client.save(force_insert=True)
    try:
        done.said = act(stage)
    except CannotRehearse:
        raise
    except ConnectorError as error:
        done.problem = f"{error.message} {error.next_step}".strip()
    return done


def _look(done: Rehearsed, entity: Entity, *, with_payments: bool) -> None:
    """Our rows as the rehearsal left them, before they are taken back."""
    if entity.is_client:
        done.client = ClientLink.objects.filter(freshbooks_client_id=entity.number).first()
        return
    links = InvoiceLink.objects.select_related("client")
    done.invoice = links.filter(freshbooks_invoice_id=entity.number).first()
    if with_payments:
        rows = CollectedPayment.objects.filter(invoice=done.invoice)
        done.payments = list(rows.order_by("pk"))
