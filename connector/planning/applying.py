"""Applying an approved plan: entity by entity, a few in each run, and only where nothing changed.

Each entity is looked at again first. If its fingerprint is not the approved one, none of its steps
is done. Otherwise the product's own function runs, in the entity's own lane. The state of each step
is kept, so that a crash at any point resumes: what was begun is finished, nothing is done twice.
"""

from __future__ import annotations

from dataclasses import replace

from django.db.models import F, QuerySet
from django.utils import timezone

from connector.errors import ConnectorError, CredentialRejected, FailureMode
from connector.jobs import ledger
from connector.jobs.context import JobRun
from connector.jobs.kinds import APPLY_PLAN
from connector.jobs.lanes import hold_lane
from connector.models import ClientLink, CollectedPayment, InvoiceLink, Plan, PlanStep, VendorWrite
from connector.planning.acts import Act
from connector.planning.endings import begin, finish
from connector.planning.entities import Entity, fingerprint, what_changed
from connector.planning.making import waiting_payments
from connector.planning.proposals import PlanRefused, refuse_other_settings
from connector.planning.remembered import Sight, look
from connector.runs import build_run
from connector.sync.context import SyncRun
from tenants.scope import tenant_scope

AT_ONCE = 20  # entities in one run of the job: then others have their turn
MOST_TRIES = 2  # of an entity that takes its worker down: the job itself is given up after three
Action, State = PlanStep.Action, PlanStep.State
MADE_IN_STRIPE = {Action.CREATE, Action.REPLACE, Action.UPDATE, Action.LINK}


def apply_plan(job: JobRun) -> str:
    """The job: its subject is the plan's row. Queues itself until every step is settled."""
    plan = _take_up(job)
    if plan is None:
        return "nothing to do"
    run = build_run(job, before_live=plan.purpose == Plan.Purpose.IMPORT)
    for entity in _next_entities(plan):
        _apply_one(run, plan, entity)
    with tenant_scope(job.tenant_id):
        left = _open_steps(plan).count()
        if left:
            ledger.enqueue(
                tenant_id=job.tenant_id, kind=APPLY_PLAN, subject=job.subject, cause=job.cause
            )
            return f"{left} steps left"
    return finish(job, plan)


def _take_up(job: JobRun) -> Plan | None:
    """The plan, if it is to be applied. Settings that changed meanwhile end it."""
    with tenant_scope(job.tenant_id):
        job.hold_fence()
        plan: Plan = (
            Plan.objects.select_for_update(of=("self",))
            .select_related("tenant")
            .get(pk=int(job.subject))
        )
        if plan.state not in {Plan.State.APPROVED, Plan.State.APPLYING}:
            return None
        try:
            refuse_other_settings(plan)
        except PlanRefused as refusal:
            _open_steps(plan).update(state=State.CHANGED, outcome=refusal.message[:300])
        else:
            if plan.state == Plan.State.APPROVED:
                begin(plan, cause=job.cause)
        return plan


def _open_steps(plan: Plan) -> QuerySet[PlanStep]:
    rows: QuerySet[PlanStep] = PlanStep.objects.filter(plan=plan, state=State.OPEN)
    return rows


def _next_entities(plan: Plan) -> list[Entity]:
    with tenant_scope(plan.tenant_id):
        names = _open_steps(plan).order_by("position").values_list("entity", flat=True)
        return [Entity.named(name) for name in dict.fromkeys(names[: AT_ONCE * 4])][:AT_ONCE]


def _apply_one(run: SyncRun, plan: Plan, entity: Entity) -> None:
    """Raises what is to be tried again later; whatever else happens is kept in the steps."""
    with hold_lane(run.job, entity.job_kind, str(entity.number)) as lane:
        with tenant_scope(plan.tenant_id):
            steps = list(_open_steps(plan).filter(entity=str(entity)).order_by("position"))
        sight = look(replace(run, job=lane), entity, linked_id=_linked(steps))
        if not _is_as_approved(plan, entity, steps[0], sight):
            _settle(run, steps, State.CHANGED, what_changed(steps[0].seen, sight.facts))
        elif steps[0].tries >= MOST_TRIES:
            _settle(run, steps, State.FAILED, "It ended its worker each time; see the jobs.")
        else:
            _do(run, plan, entity, steps, sight)


def _do(run: SyncRun, plan: Plan, entity: Entity, steps: list[PlanStep], sight: Sight) -> None:
    now = timezone.now()
    with tenant_scope(plan.tenant_id):
        run.job.hold_fence()
        rows = _open_steps(plan).filter(entity=str(entity))
        rows.filter(begun_at=None).update(begun_at=now)
        rows.update(tries=F("tries") + 1)
    try:
        said = _act(plan, entity, steps, sight)(sight.run)
    except ConnectorError as error:
        if _ends_step(error):
            _settle(run, steps, State.FAILED, f"{error.message} {error.next_step}".strip())
            return
        if error.failure_mode != FailureMode.INTERNAL:
            _forget_try(run, plan, entity)
        raise
    problem = _problem(plan, entity, steps)
    _settle(run, steps, State.FAILED if problem else State.DONE, problem or said)


def _ends_step(error: ConnectorError) -> bool:
    """Whether trying again cannot help this entity; a lost connection concerns all of them."""
    if isinstance(error, CredentialRejected):
        return False
    return error.failure_mode in {FailureMode.PERMANENT, FailureMode.NEEDS_PERSON}


def _forget_try(run: SyncRun, plan: Plan, entity: Entity) -> None:
    with tenant_scope(plan.tenant_id):
        run.job.hold_fence()
        rows = _open_steps(plan).filter(entity=str(entity), tries__gt=0)
        rows.update(tries=F("tries") - 1)


def _act(plan: Plan, entity: Entity, steps: list[PlanStep], sight: Sight) -> Act:
    links = any(step.action == Action.LINK for step in steps) and not entity.is_client
    needed = entity.is_client and bool(sight.facts["FreshBooks"].get("deleted or archived"))
    payments: tuple[str, ...] = ()
    if plan.purpose == Plan.Purpose.MODE:
        with tenant_scope(plan.tenant_id):
            payments = waiting_payments(entity)
    return Act(
        purpose=plan.purpose,
        entity=entity,
        named=sight.collection[0] if links and sight.collection else None,
        payments=payments,
        needed=needed,
        approver=plan.approved_by,
    )


def _linked(steps: list[PlanStep]) -> str:
    """The Stripe invoice that a step of these would link."""
    for step in steps:
        if step.action == Action.LINK:
            return str(step.fields.get("Stripe invoice", {}).get("after", ""))
    return ""


def _is_as_approved(plan: Plan, entity: Entity, step: PlanStep, sight: Sight) -> bool:
    """Whether it is what was approved, or what an earlier run of ours began to make of it."""
    if fingerprint(sight.facts) == step.fingerprint:
        return True
    if step.begun_at is None:
        return False
    sides = ("FreshBooks", "Stripe")
    if all(step.seen.get(side) == sight.facts.get(side) for side in sides):
        return True
    with tenant_scope(plan.tenant_id):
        written = VendorWrite.objects.filter(entity=str(entity))
        return written.filter(first_sent_at__gte=step.begun_at).exists()


def _problem(plan: Plan, entity: Entity, steps: list[PlanStep]) -> str:
    """Why what was approved could not be done after all; "" if it was."""
    actions = {step.action for step in steps}
    with tenant_scope(plan.tenant_id):
        if entity.is_client:
            known = ClientLink.objects.filter(freshbooks_client_id=entity.number)
            return "" if known.exclude(stripe_customer_id="").exists() else "It has no customer."
        link = InvoiceLink.objects.filter(freshbooks_invoice_id=entity.number).first()
        if link is None or plan.purpose == Plan.Purpose.UNDO:
            return ""
        if actions & MADE_IN_STRIPE and link.state == InvoiceLink.State.BLOCKED:
            return str(link.reason)
        return _unrecorded(link, steps)


def _unrecorded(link: InvoiceLink, steps: list[PlanStep]) -> str:
    """Payments that were to be recorded and were not; their ids stand in the note."""
    notes = [
        step.fields.get("Note", {}).get("after", "")
        for step in steps
        if step.action == Action.RECORD
    ]
    names = [word for note in notes for word in note.split()]
    rows = CollectedPayment.objects.filter(invoice=link, stripe_invoice_payment_id__in=names)
    left = rows.exclude(recording=CollectedPayment.Recording.RECORDED).first()
    return (left.reason or "The payment was not recorded.") if left is not None else ""


def _settle(run: SyncRun, steps: list[PlanStep], state: PlanStep.State, outcome: str) -> None:
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        PlanStep.objects.filter(pk__in=[step.pk for step in steps]).update(
            state=state, outcome=outcome[:300], done_at=timezone.now()
        )
