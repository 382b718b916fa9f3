"""The audit trail: gapless, verified, and with an entry for every write's outcome (I17)."""

from __future__ import annotations

from typing import Any

from chaos.invariants.evidence import Evidence
from chaos.invariants.verdict import Verdict, judge

FINAL = ("confirmed", "rejected")


def every_write_told(evidence: Evidence, chains: list[dict[str, Any]]) -> Verdict:
    """I17. `chains`: what `verify_audit --json` says."""
    ids = [one.tenant_id for one in evidence.tenants]
    problems = [
        f"{chain.get('tenant')}: {chain['problem']}" for chain in chains if not chain["intact"]
    ]
    gaps = evidence.query(
        "SELECT tenant_id, count(*) AS entries, max(sequence) AS last FROM audit_auditentry"
        " WHERE tenant_id = ANY(%s) GROUP BY tenant_id HAVING count(*) <> max(sequence)",
        ids,
    )
    problems += [f"{evidence.slug(r['tenant_id'])}: {r['entries']} of {r['last']}" for r in gaps]
    writes = evidence.tenant_rows(
        "connector_vendorwrite", "id, tenant_id, operation, entity, state", "state <> 'sending'"
    )
    told = {
        (row["tenant_id"], row["entity"], row["action"]): row["times"]
        for row in evidence.query(
            "SELECT tenant_id, entity, action, count(*) AS times FROM audit_auditentry"
            " WHERE tenant_id = ANY(%s) GROUP BY tenant_id, entity, action",
            ids,
        )
    }
    counted: dict[tuple[int, str, str], int] = {}
    for row in writes:
        key = (row["tenant_id"], row["entity"], f"{row['operation']}.{row['state']}"[:80])
        counted[key] = counted.get(key, 0) + 1
    problems += [
        f"{evidence.slug(key[0])}: {count} x {key[2]} for {key[1]}, {told.get(key, 0)} in the trail"
        for key, count in counted.items()
        if told.get(key, 0) < count
    ]
    return judge("I17", len(writes), problems)
