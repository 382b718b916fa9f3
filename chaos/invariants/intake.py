"""The inbox: what was answered 2xx is there, once, and was dealt with (I01, I02, I03)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from chaos.invariants.evidence import Evidence, Row
from chaos.invariants.verdict import Verdict, judge

ENDED = frozenset({"routed", "ignored", "quarantined"})


def nothing_lost(evidence: Evidence) -> Verdict:
    """I01: each delivery that was answered 2xx, against the inbox: an event is there, of a hint,
    which has no id, as many copies as came.
    """
    events = {
        (row["tenant_id"], row["event_id"])
        for row in evidence.tenant_rows(
            "connector_delivery", "tenant_id, event_id", "source = 'stripe'"
        )
    }
    hints: Counter[tuple[Any, ...]] = Counter()
    for row in evidence.tenant_rows(
        "connector_delivery",
        "tenant_id, event_type, object_id, 1 + duplicates AS copies",
        "source = 'freshbooks'",
    ):
        hints[row["tenant_id"], row["event_type"], row["object_id"]] += row["copies"]
    wanted, whose = Counter(_accepted(evidence)), _events(evidence)
    problems = []
    for (account, event, object_id), count in wanted.items():
        if object_id:
            known = hints[whose.get(account), event, object_id]
        else:
            known = count if (whose.get(event), event) in events else 0
        if known < count:
            problems.append(f"{account or 'Stripe'} {event} {object_id}: {count} 2xx, {known} kept")
    return judge("I01", sum(wanted.values()), problems)


def all_dealt_with(evidence: Evidence) -> Verdict:
    """I02."""
    rows = evidence.tenant_rows("connector_delivery", "id, tenant_id, event_type, state, note")
    problems = [
        f"{evidence.slug(row['tenant_id'])}: delivery {row['id']} ({row['event_type']}) is"
        f" {row['state']} {row['note'] or 'without a reason'}"
        for row in rows
        if row["state"] not in ENDED or (row["state"] != "routed" and not row["note"])
    ]
    return judge("I02", len(rows), problems)


def one_effect_each(evidence: Evidence) -> Verdict:
    """I03: an event is one row; a fact is one entry of the journal; a step is one confirmed write."""
    looked, problems = 0, []
    for table, names, where in (
        ("connector_delivery", "tenant_id, source, event_id", "event_id <> ''"),
        ("connector_moneyfact", "tenant_id, side, key", "true"),
        (
            "connector_vendorwrite",
            "tenant_id, vendor, operation, entity, revision, step",
            "state = 'confirmed'",
        ),
    ):
        ids = [one.tenant_id for one in evidence.tenants]
        rows = evidence.query(
            f"SELECT {names}, count(*) AS times FROM {table}"
            f" WHERE tenant_id = ANY(%s) AND {where} GROUP BY {names}",
            ids,
        )
        looked += len(rows)
        problems += [f"{table}: {row}" for row in rows if row["times"] > 1]
    return judge("I03", looked, problems)


def _accepted(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Tries that were answered 2xx: FreshBooks' by account, event and object; Stripe's by event id."""
    found = []
    for row in evidence.tries:
        if row["forged"] or row["status"] is None or not 200 <= row["status"] < 300:
            continue
        body: Row = row["body"]
        if row["vendor"] == "stripe":
            found.append(("", str(body["id"]), ""))
        elif "verifier" not in body:
            found.append((str(body["account_id"]), str(body["name"]), str(body["object_id"])))
    return found


def _events(evidence: Evidence) -> dict[str, int]:
    """Stripe event id, and FreshBooks account id -> tenant."""
    return {
        event["id"]: pair.of.tenant_id for pair in evidence.pairs for event in pair.stripe["events"]
    } | {pair.of.account_id: pair.of.tenant_id for pair in evidence.pairs}
