"""Holds the end of a run against everything that must hold: what all tiers look at, and a little more."""

from __future__ import annotations

from dataclasses import asdict

from audit.verification import verify_chain
from chaos.deterministic.gathering import gather
from chaos.deterministic.people import People
from chaos.deterministic.world import World
from chaos.invariants import ends
from chaos.invariants.evidence import Evidence
from chaos.invariants.looking import look
from chaos.invariants.verdict import State, Verdict, judge
from connector import inbox
from connector.models import Delivery, VendorWrite
from tenants.scope import tenant_scope
from tests.pipeline.shop import cause

# What people are told where money went back by itself; the figures must agree all the same.
WENT_BACK = frozenset({"refunded", "disputed"})


def verdicts(world: World, people: People) -> list[Verdict]:
    """Every invariant, at the end of this run."""
    evidence = gather(world)
    found = look_at(world, evidence)
    found.append(nobody_asked(evidence, set(people.invoices) - people.touched))
    if not told(found):
        found.append(check_replay(world))
    return found


def look_at(world: World, evidence: Evidence) -> list[Verdict]:
    """What all runs are held against. Here nothing comes again by the clock, and nothing may wait."""
    return [
        *look(
            evidence,
            chains=[chain_of(world)],
            lost_grants=world.lost_grants,
            frozen_refreshes=world.frozen_refreshes,
        ),
        ends.same_end(evidence, "I21", how="webhooks lost, doubled, late and out of order"),
        all_done(evidence),
    ]


def told(found: list[Verdict]) -> list[str]:
    """What is broken, in words."""
    return [
        f"{one.id} {problem}"
        for one in found
        if one.state == State.BROKEN
        for problem in one.problems
    ]


def chain_of(world: World) -> dict[str, object]:
    """What the product says of its audit trail."""
    tenant_id = world.shop.tenant.pk
    with tenant_scope(tenant_id):
        return {"tenant": tenant_id, **asdict(verify_chain(tenant_id))}


def all_done(evidence: Evidence) -> Verdict:
    """I26: every job ended, and ended well."""
    rows = evidence.tenant_rows(
        "connector_syncjob", "id, kind, subject, state, failure_code, failure_message"
    )
    return judge(
        "I26",
        len(rows),
        [
            f"job {row['kind']} {row['subject']} is {row['state']}: {row['failure_code']}"
            f" {row['failure_message'][:200]}"
            for row in rows
            if row["state"] not in {"done", "superseded"}
        ],
    )


def nobody_asked(evidence: Evidence, plain: set[int]) -> Verdict:
    """An invoice that was only paid and refunded needs nobody's decision (a part of I06)."""
    rows = evidence.tenant_rows(
        "connector_discrepancy d",
        "kind, (SELECT freshbooks_invoice_id FROM connector_invoicelink l WHERE l.id = d.invoice_id)"
        " AS invoice",
        "state = 'open'",
    )
    return judge(
        "I06",
        len(plain),
        [
            f"invoice {row['invoice']}: people are asked about {row['kind']}"
            for row in rows
            if row["invoice"] in plain and row["kind"] not in WENT_BACK
        ],
    )


def check_replay(world: World) -> Verdict:
    """I19: going through every delivery again writes nothing to either vendor."""
    tenant_id = world.shop.tenant.pk
    with tenant_scope(tenant_id):
        before = VendorWrite.objects.count()
        ids = list(Delivery.objects.order_by("pk").values_list("pk", flat=True))
        inbox.replay(ids, cause=cause())
    world.settle()
    with tenant_scope(tenant_id):
        new = list(VendorWrite.objects.order_by("pk")[before:])
    problems = [f"the replay wrote {row.operation} {row.entity}" for row in new]
    return judge("I19", len(ids), problems, how="deliveries replayed")
