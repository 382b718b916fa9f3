"""Making a plan: read both sides by lists, rehearse each client and invoice, keep the steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from django.db.models import Q
from django.utils import timezone

from audit.recording import record
from connector.errors import ConnectorError, FailureMode
from connector.jobs.context import JobRun
from connector.models import ClientLink, InvoiceRevision, Plan, PlanStep
from connector.planning.acts import Act, payments_to_record
from connector.planning.entities import (
    CLIENT,
    INVOICE,
    Entity,
    Facts,
    client_facts,
    client_here,
    fingerprint,
    invoice_facts,
    invoices_here,
    living_stripe_id,
)
from connector.planning.hashing import plan_hash
from connector.planning.proposals import settings_of
from connector.planning.rehearsal import Rehearsed, rehearse
from connector.planning.steps import (
    StepDraft,
    client_steps,
    customers_made_on_the_way,
    invoice_steps,
)
from connector.planning.world import World, read_everything
from connector.runs import build_run
from connector.sync.context import SyncRun
from connector.sync.own_collector import own_gateway
from connector.vendors.freshbooks.records import DELETED
from connector.vendors.stripe.records import StripeInvoice
from tenants.models import Tenant
from tenants.scope import tenant_scope

BATCH = 100
FEW = 50  # so many entities are read one by one: cheaper than whole lists
NOTHING_TO_DO = "Nothing was to be done."
Purpose = Plan.Purpose


@dataclass(kw_only=True)
class Making:
    """One plan that is being made."""

    job: JobRun
    run: SyncRun
    plan: Plan
    world: World = field(default_factory=World)
    # Links that the plan's own steps make, by FreshBooks client: invoices find them as they will.
    planned: dict[int, ClientLink] = field(default_factory=dict)
    here: dict[int, Facts] = field(default_factory=dict)  # of the invoices that come next
    counts: Counter[str] = field(default_factory=Counter)
    position: int = 0
    rows: list[PlanStep] = field(default_factory=list)


def make_plan(job: JobRun) -> str:
    """The job: its subject is the plan's row. Begun anew after a crash, from the beginning."""
    with tenant_scope(job.tenant_id):
        job.hold_fence()
        plan: Plan = Plan.objects.select_related("tenant").get(pk=int(job.subject))
        if plan.state != Plan.State.BUILDING:
            return f"nothing to do: {plan.get_state_display().lower()}"
        PlanStep.objects.filter(plan=plan).delete()
        plan.options = plan.options | {"settings": settings_of(plan.tenant)}
        plan.save(update_fields=["options"])
    try:
        making = Making(job=job, run=build_run(job, before_live=True), plan=plan)
        _make(making)
    except ConnectorError as error:
        if error.failure_mode == FailureMode.PERMANENT:
            _give_up(job, plan, error)
        raise
    return f"{sum(making.counts.values())} steps"


def _make(making: Making) -> None:
    entities = _chosen(making)
    if entities is None or len(entities) > FEW:
        making.world = read_everything(making.run)
        own_gateway(making.run)  # kept once, and not asked for in each rehearsal
    for batch in _batches(_everything(making) if entities is None else entities):
        invoices = [entity.number for entity in batch if not entity.is_client]
        with tenant_scope(making.plan.tenant_id):
            making.here = invoices_here(invoices)
        for entity in batch:
            _plan_one(making, entity)
        _save_batch(making)
    _propose(making)


def _batches(entities: Iterable[Entity]) -> Iterator[list[Entity]]:
    """So many at once that progress is seen, and what is known of them is asked for together."""
    rest = iter(entities)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _chosen(making: Making) -> list[Entity] | None:
    """What the plan is about; None for everything there is."""
    plan = making.plan
    if plan.purpose == Purpose.IMPORT:
        return None
    if plan.purpose == Purpose.REPLAY:
        named = ((CLIENT, "clients"), (INVOICE, "invoices"))
        return [Entity(kind, int(n)) for kind, key in named for n in plan.options.get(key, [])]
    with tenant_scope(plan.tenant_id):
        if plan.purpose == Purpose.MODE:
            return [Entity(INVOICE, number) for number in payments_to_record()]
        made = InvoiceRevision.objects.exclude(state=InvoiceRevision.State.GONE).filter(
            _of_import(plan)
        )
        ids = made.order_by("pk").values_list("invoice__freshbooks_invoice_id", flat=True)
        return [Entity(INVOICE, number) for number in ids]


def _of_import(plan: Plan) -> Q:
    """Invoices that one import made; without a name, all that were made here."""
    wanted = plan.options.get("import")
    if not wanted:
        return Q()
    steps = PlanStep.objects.filter(
        plan__public_id=wanted, action__in=[PlanStep.Action.CREATE, PlanStep.Action.REPLACE]
    ).exclude(state=PlanStep.State.OPEN)
    names = steps.filter(entity__startswith=f"{INVOICE}:").values_list("entity", flat=True)
    return Q(invoice__freshbooks_invoice_id__in=[Entity.named(name).number for name in names])


def _everything(making: Making) -> Iterator[Entity]:
    """Clients first, as their invoices need them; then invoices, oldest first."""
    for number in sorted(making.world.clients):
        yield Entity(CLIENT, number)
    with tenant_scope(making.plan.tenant_id):
        known = set(
            InvoiceRevision.objects.values_list("invoice__freshbooks_invoice_id", flat=True)
        )
    invoices = sorted(making.world.invoices.values(), key=lambda row: (row.create_date, row.id))
    for invoice in invoices:
        if invoice.vis_state != DELETED or invoice.id in known | set(making.world.named):
            yield Entity(INVOICE, invoice.id)


def _plan_one(making: Making, entity: Entity) -> None:
    act = act_for(making.plan, entity, making.world.named.get(entity.number))
    if act.purpose == Purpose.MODE:
        with tenant_scope(making.plan.tenant_id):
            act = replace(act, payments=waiting_payments(entity))
    if entity.is_client:
        _plan_client(making, entity, act)
        return
    here = making.here[entity.number]
    invoice = making.world.find_invoice(entity.number)
    client = making.planned.get(invoice.client_id) if invoice is not None else None
    asked = bool(act.payments)
    done = rehearse(making.run, making.world, entity, act, client=client, with_payments=asked)
    for number in customers_made_on_the_way(done):
        _add_needed_client(making, Entity(CLIENT, number))
    invoice = invoice or making.world.find_invoice(entity.number)
    linked = act.named if act.named and not living_stripe_id(here) else None
    stripe_id = linked.id if linked else living_stripe_id(here)
    facts = invoice_facts(invoice, making.world.find_collection(stripe_id), here)
    steps = invoice_steps(invoice, done, entity=entity, linked=linked, waiting=act.payments)
    _add(making, steps, facts)


def _plan_client(making: Making, entity: Entity, act: Act) -> None:
    with tenant_scope(making.plan.tenant_id):
        here = client_here(entity.number)
        known = ClientLink.objects.filter(freshbooks_client_id=entity.number).first()
    _add_client(making, entity, rehearse(making.run, making.world, entity, act), here, known)


def waiting_payments(entity: Entity) -> tuple[str, ...]:
    """Payments of one invoice that nobody decided about. Inside the tenant's scope."""
    found = payments_to_record(invoice__freshbooks_invoice_id=entity.number)
    return found.get(entity.number, ())


def act_for(plan: Plan, entity: Entity, named: StripeInvoice | None) -> Act:
    """What this plan does for one entity."""
    return Act(purpose=plan.purpose, entity=entity, named=None if entity.is_client else named)


def _add_client(
    making: Making, entity: Entity, done: Rehearsed, here: Facts, known: ClientLink | None
) -> None:
    client = making.world.find_client(entity.number)
    steps = client_steps(
        client, done, entity=entity, known=known, customers=making.world.customers or ()
    )
    if known is None and done.client is not None and steps[0].action != PlanStep.Action.SKIP:
        making.planned[entity.number] = done.client
    facts = client_facts(client, here, account_id=making.run.freshbooks_account_id)
    _add(making, steps, facts)


def _add_needed_client(making: Making, entity: Entity) -> None:
    """A customer that an invoice needs and no step has made yet, e.g. of an archived client."""
    if entity.number in making.planned:
        return
    act = replace(act_for(making.plan, entity, None), needed=True)
    with tenant_scope(making.plan.tenant_id):
        here = client_here(entity.number)
    _add_client(making, entity, rehearse(making.run, making.world, entity, act), here, None)


def _add(making: Making, drafts: list[StepDraft], facts: Facts) -> None:
    for draft in drafts:
        making.position += 1
        making.counts[draft.action] += 1
        is_done = draft.action == PlanStep.Action.SKIP
        making.rows.append(
            PlanStep(
                tenant_id=making.plan.tenant_id,
                plan=making.plan,
                position=making.position,
                action=draft.action,
                entity=str(draft.entity),
                label=draft.label,
                fields=draft.fields,
                reason=draft.reason,
                seen=facts,
                fingerprint=fingerprint(facts),
                state=PlanStep.State.DONE if is_done else PlanStep.State.OPEN,
                outcome=NOTHING_TO_DO if is_done else "",
            )
        )


def _save_batch(making: Making) -> None:
    """A batch of steps, and how far it is: whoever waits sees the numbers grow."""
    with tenant_scope(making.plan.tenant_id):
        making.job.hold_fence()
        PlanStep.objects.bulk_create(making.rows)
        still = Plan.objects.filter(pk=making.plan.pk, state=Plan.State.BUILDING)
        still.update(counts=dict(making.counts))
    making.rows.clear()


def _propose(making: Making) -> None:
    plan = making.plan
    with tenant_scope(plan.tenant_id):
        making.job.hold_fence()
        Tenant.objects.select_for_update().get(pk=plan.tenant_id)
        plan.refresh_from_db()
        if plan.state != Plan.State.BUILDING:
            return
        steps = PlanStep.objects.filter(plan=plan).order_by("position")
        plan.hash = plan_hash(plan, steps.iterator(chunk_size=500))
        plan.state = Plan.State.PROPOSED
        plan.counts = dict(making.counts)
        plan.reason = " ".join(making.world.problems)
        plan.save()
        record(
            tenant_id=plan.tenant_id,
            action="plan.made",
            entity=f"plan:{plan.public_id}",
            cause=making.job.cause,
            details={"purpose": plan.purpose, "hash": plan.hash, "counts": plan.counts},
        )


def _give_up(job: JobRun, plan: Plan, error: ConnectorError) -> None:
    with tenant_scope(job.tenant_id):
        job.hold_fence()
        Plan.objects.filter(pk=plan.pk).update(
            state=Plan.State.FAILED,
            reason=f"{error.message} {error.next_step}".strip(),
            finished_at=timezone.now(),
        )
