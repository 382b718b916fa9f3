"""The ledger of work at rest: nothing stuck, nothing forgotten, every failure explained (I12, I27, I28)."""

from __future__ import annotations

from chaos.invariants.evidence import Evidence
from chaos.invariants.verdict import Verdict, judge

COMES_AGAIN = ("poll_freshbooks", "poll_stripe", "poll_money", "reconcile", "register_webhooks")
"""Kinds of jobs that come again by the clock, and so are never all at their end."""


def one_writer(evidence: Evidence) -> Verdict:
    """I12, from our rows: no fence was ever begun by anything but the claim that it was given to.

    A run that lost its fence must have left its job to the one that took over: a job that is done
    carries the fence under which it was begun.
    """
    rows = evidence.tenant_rows(
        "connector_syncjob",
        "id, tenant_id, kind, subject, fence, begun_fence",
        "state = 'done' AND kind <> 'hold_lane'",
    )
    problems = [
        f"{evidence.slug(row['tenant_id'])}: job {row['id']} ({row['kind']} {row['subject']}) was"
        f" ended under fence {row['fence']} and begun under {row['begun_fence']}"
        for row in rows
        if row["fence"] != row["begun_fence"]
    ]
    return judge("I12", len(rows), problems, how="the fence of each finished job")


def nothing_overdue(evidence: Evidence) -> Verdict:
    """I27: at rest no row is running past its lease, sending or unknown."""
    late = f"lease_expires_at < '{evidence.at.isoformat()}'::timestamptz - interval '5 seconds'"
    waiting = evidence.tenant_rows(
        "connector_syncjob",
        "id, tenant_id, 'job ' || kind || ' ' || subject AS what, state",
        f"state = 'running' AND {late}",
    )
    waiting += evidence.tenant_rows(
        "connector_vendorwrite",
        "id, tenant_id, operation || ' ' || entity AS what, state || ' ' || error AS state",
        "state IN ('sending', 'unknown')",
    )
    waiting += evidence.tenant_rows(
        "connector_collectedpayment",
        "id, tenant_id, stripe_invoice_payment_id AS what, recording AS state",
        "recording IN ('sending', 'unknown')",
    )
    looked = sum(
        len(evidence.tenant_rows(table, "id"))
        for table in ("connector_syncjob", "connector_vendorwrite", "connector_collectedpayment")
    )
    problems = [
        f"{evidence.slug(row['tenant_id'])}: {row['what']} is {row['state']}" for row in waiting
    ]
    return judge("I27", looked, problems)


def failures_explained(evidence: Evidence, *, requeued: int) -> Verdict:
    """I28. `requeued`: failed jobs that were put back once the cause was gone; none may have failed again."""
    rows = evidence.tenant_rows(
        "connector_syncjob",
        "id, tenant_id, kind, subject, state, failure_code, failure_message, next_step",
        "state IN ('dead', 'held')",
    )
    problems = []
    for row in rows:
        name = (
            f"{evidence.slug(row['tenant_id'])}: {row['kind']} {row['subject']} is {row['state']}"
        )
        if not row["failure_message"] or not row["next_step"]:
            problems.append(f"{name}, and nobody says what to do: {row['failure_message']}")
        elif row["state"] == "dead":
            problems.append(f"{name} once more: {row['failure_code']} {row['failure_message']}")
    how = f"{requeued} failed jobs were put back; {len(rows)} wait for a person"
    return judge("I28", len(rows) + requeued, problems, how=how)
