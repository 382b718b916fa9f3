"""The end state: whatever happened on the way, both sides agree (I21, I22, I23, I31, I36)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chaos.invariants.evidence import DELETED, LIVE, Connected, Evidence, Pair, Row
from chaos.invariants.money import RECORD, collected, minor
from chaos.invariants.verdict import Verdict, judge

TOLD = frozenset({"blocked", "skipped"})
DRAFT = "draft"


def same_end(
    evidence: Evidence, id_: str, *, how: str, of: Callable[[Connected], bool] = lambda _: True
) -> Verdict:
    """One end for all tenants that are meant: every invoice is where it belongs, with one remainder.

    An invoice that waits for a person, with its reason told, is at its end too.
    """
    told = told_of(evidence)
    looked, problems = 0, []
    for pair in evidence.pairs:
        if not of(pair.of):
            continue
        for invoice_id, row in pair.invoices.items():
            looked += 1
            link = told.get((pair.of.tenant_id, invoice_id), {})
            problems += list(_unequal(pair, row, link))
    return judge(id_, looked, problems, how=how)


def told_of(evidence: Evidence) -> dict[tuple[int, int], Row]:
    """What our rows say of each invoice; `told`: a difference of it stands open before a person."""
    rows = evidence.tenant_rows(
        "connector_invoicelink link",
        "tenant_id, freshbooks_invoice_id, state, reason, stripe_remaining_minor,"
        " EXISTS (SELECT 1 FROM connector_discrepancy d WHERE d.invoice_id = link.id"
        " AND d.state = 'open') AS told",
    )
    return {(row["tenant_id"], row["freshbooks_invoice_id"]): row for row in rows}


def _unequal(pair: Pair, invoice: Row, link: Row) -> Iterator[str]:
    living = pair.living(invoice["id"])
    name = pair.name(invoice["id"])
    if link.get("told") or (link.get("state") in TOLD and link["reason"]):
        return
    if invoice["vis_state"] == DELETED:
        if any(row["status"] in {"draft", "open"} for row in living):
            yield f"{name} is deleted in FreshBooks and asked for in Stripe"
    elif not living:
        yield f"{name} ({invoice['v3_status']}) is not in Stripe; we say {link.get('state')}"
    else:
        yield from _unlike(pair, invoice, living[0])


def _unlike(pair: Pair, invoice: Row, twin: Row) -> Iterator[str]:
    """Both stand: sent here and there, and as much is left to pay.

    What went back is to be paid again in FreshBooks; Stripe's invoice does not ask for it.
    """
    name = pair.name(invoice["id"])
    sent = invoice["v3_status"] != DRAFT
    if sent != (twin["status"] != DRAFT):
        yield f"{name} is {invoice['v3_status']} in FreshBooks and {twin['status']} in Stripe"
    elif invoice["vis_state"] == LIVE and sent and pair.of.mode == RECORD:
        outstanding, remaining = minor(invoice["outstanding"]), twin["amount_remaining"]
        back = sum(
            one.amount - one.kept for one in collected(pair) if one.invoice_id == invoice["id"]
        )
        if outstanding != remaining + back:
            yield (
                f"{name}: {outstanding} outstanding in FreshBooks, {remaining} in Stripe,"
                f" {back} went back"
            )
