"""Every invariant that needs no more than to look: the same for all tiers."""

from __future__ import annotations

from typing import Any

from chaos.invariants import calls, intake, invoices, money, trail, work
from chaos.invariants.evidence import Evidence
from chaos.invariants.verdict import Verdict


def look(
    evidence: Evidence,
    *,
    chains: list[dict[str, Any]],
    requeued: int = 0,
    lost_grants: int = 0,
    frozen_refreshes: int = 0,
) -> list[Verdict]:
    """`chains`: what the product's own check says of its audit trail. All work is at rest."""
    return [
        intake.nothing_lost(evidence),
        intake.all_dealt_with(evidence),
        intake.one_effect_each(evidence),
        invoices.one_living_each(evidence),
        invoices.no_orphans(evidence),
        money.each_payment_once(evidence),
        money.same_sums(evidence),
        invoices.equal_totals(evidence),
        calls.own_credentials(evidence),
        invoices.nothing_made_again(evidence),
        work.one_writer(evidence),
        calls.tokens_used_once(evidence, lost=lost_grants, frozen=frozen_refreshes),
        trail.every_write_told(evidence, chains),
        work.nothing_overdue(evidence),
        work.failures_explained(evidence, requeued=requeued),
        money.looked_before_posting_again(evidence),
        invoices.one_mail_each(evidence),
    ]
