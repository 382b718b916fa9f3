"""Money: what Stripe collected stands in FreshBooks once, to the minor unit (I06, I07, I30)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from chaos.invariants.evidence import LIVE, Evidence, Pair, Request, Row
from chaos.invariants.verdict import Verdict, judge
from connector.idempotency import find_marker
from connector.money import Money

UNDONE = frozenset({"failed", "canceled"})
LEFT_TO_A_PERSON = frozenset({"needs_you", "deleted_by_person", "rejected", "awaiting_approval"})
RECORD = "record"


@dataclass(frozen=True, kw_only=True)
class Collected:
    """One settled Stripe payment on one Stripe invoice."""

    id: str
    invoice_id: int
    amount: int
    gone: int
    """Of its charge: refunded, or lost to a dispute."""
    live: tuple[Row, ...]
    """FreshBooks payments that count and name it."""

    @property
    def kept(self) -> int:
        """What of it is still there."""
        return max(0, self.amount - self.gone)


def minor(amount: Row) -> int:
    """A FreshBooks amount in minor units."""
    return Money.from_decimal(amount["amount"], amount["code"]).amount_minor


def ours(payment: Row) -> bool:
    """Whether a FreshBooks payment carries a marker of ours."""
    return find_marker(payment["note"] or "") is not None


def collected(pair: Pair) -> Iterator[Collected]:
    """Every settled payment of a tenant, with what FreshBooks has of it."""
    charge_of = {row["id"]: row["latest_charge"] for row in pair.stripe.get("payment_intents", [])}
    gone: dict[str, int] = defaultdict(int)
    for row in pair.stripe.get("refunds", []):
        gone[row["charge"]] += 0 if row["status"] in UNDONE else row["amount"]
    for row in pair.stripe.get("disputes", []):
        gone[row["charge"]] += row["amount"] if row["status"] == "lost" else 0
    for invoice_id, twins in pair.twins.items():
        live = [row for row in pair.payments.get(invoice_id, []) if row["vis_state"] == LIVE]
        for row in (one for twin in twins for one in pair.stripe_payments.get(twin["id"], [])):
            yield Collected(
                id=row["id"],
                invoice_id=invoice_id,
                amount=row["amount_paid"],
                gone=gone[charge_of.get(row["payment"]["payment_intent"], "")],
                live=tuple(p for p in live if row["id"] in (p["note"] or "")),
            )


def each_payment_once(evidence: Evidence) -> Verdict:
    """I06. Where only observed, none; where a person must decide, none or one; never two."""
    decided, looked, waiting, problems = _recordings(evidence), 0, 0, []
    for pair in evidence.pairs:
        for one in collected(pair):
            looked += 1
            state = decided.get((pair.of.tenant_id, one.id), "unseen")
            waits = state in LEFT_TO_A_PERSON
            waiting += waits
            wanted = int(one.kept > 0 and pair.of.mode == RECORD)
            if len(one.live) == wanted or (waits and len(one.live) <= 1):
                continue
            problems.append(
                f"{pair.name(one.invoice_id)}: {len(one.live)} FreshBooks payments for {one.id} of"
                f" {one.amount} ({one.gone} went back; we say {state}), {wanted} expected"
            )
        problems += _extra(pair)
    return judge("I06", looked, problems, how=f"{waiting} wait for a person" if waiting else "")


def same_sums(evidence: Evidence) -> Verdict:
    """I07, for each payment that stands in FreshBooks, and for the invoice as a whole."""
    decided, looked, problems = _recordings(evidence), 0, []
    for pair in evidence.pairs:
        kept: dict[int, int] = defaultdict(int)
        unclear: set[int] = set()
        for one in collected(pair):
            kept[one.invoice_id] += one.kept
            if decided.get((pair.of.tenant_id, one.id)) in LEFT_TO_A_PERSON:
                unclear.add(one.invoice_id)
        for invoice_id, amount in kept.items():
            if pair.of.mode != RECORD or invoice_id in unclear:
                continue
            looked += 1
            live = pair.payments.get(invoice_id, [])
            sums = sum(minor(p["amount"]) for p in live if p["vis_state"] == LIVE and ours(p))
            if sums != amount:
                problems.append(
                    f"{pair.name(invoice_id)}: Stripe kept {amount}, our payments are {sums}"
                )
    return judge("I07", looked, problems)


def looked_before_posting_again(evidence: Evidence) -> Verdict:
    """I30, from the record: between two POSTs with one marker, the invoice's payments were read.

    Not so after a refusal (4xx): that one was surely not done. The record is in the order in which
    the requests ended.
    """
    posts: dict[str, list[tuple[int, Request]]] = defaultdict(list)
    looks: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(evidence.requests):
        if one.vendor != "freshbooks" or "/payments/payments" not in one.path:
            continue
        account = one.path.split("/account/")[-1].split("/")[0]
        if one.method == "GET":
            looks[account].append(place)
        elif one.method == "POST" and isinstance(one.body, dict):
            marker = find_marker(str(one.body.get("payment", {}).get("note", "")))
            posts[f"{account} {marker}"].append((place, one))
    problems = [
        f"{name}: posted again without a look"
        for name, rows in posts.items()
        for (first, answered), (second, _) in pairwise(rows)
        if not 400 <= (answered.status or 0) < 500
        and not any(first < look < second for look in looks[name.split()[0]])
    ]
    return judge("I30", sum(map(len, posts.values())), problems)


def _recordings(evidence: Evidence) -> dict[tuple[int, str], str]:
    rows = evidence.tenant_rows(
        "connector_collectedpayment", "tenant_id, stripe_invoice_payment_id, recording"
    )
    return {(row["tenant_id"], row["stripe_invoice_payment_id"]): row["recording"] for row in rows}


def _extra(pair: Pair) -> list[str]:
    """Payments of ours that name no settled Stripe payment, or stand in a tenant that only observes."""
    known = {one.id for one in collected(pair)}
    found = []
    for invoice_id, rows in pair.payments.items():
        for row in rows:
            if row["vis_state"] != LIVE or not ours(row):
                continue
            if not any(one in row["note"] for one in known):
                found.append(f"{pair.name(invoice_id)}: payment {row['id']} is for no Stripe money")
    return found
