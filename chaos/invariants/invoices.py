"""Invoices and customers: one of each, with the same total, and none that nobody asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from chaos.invariants.ends import told_of
from chaos.invariants.evidence import DELETED, LIVE, Evidence, Pair, Row
from chaos.invariants.money import minor, ours
from chaos.invariants.verdict import Verdict, judge

DRAFT = "draft"
OF_PEOPLE = frozenset({"delete_payment", "void_invoice", "delete_invoice"})
GRACE_S = 2.0  # what was under way at the moment of the act


def one_living_each(evidence: Evidence) -> Verdict:
    """I04."""
    looked, problems = 0, []
    for pair in evidence.pairs:
        for invoice_id, twins in pair.twins.items():
            looked += 1
            living = [row["id"] for row in pair.living(invoice_id)]
            if len(living) > 1:
                problems.append(f"{pair.name(invoice_id)}: {living} all stand")
            revisions = Counter(
                row["metadata"].get("fb_revision", "") for row in twins if row["status"] != "void"
            )
            problems += [
                f"{pair.name(invoice_id)}: revision {number} was made {count} times"
                for number, count in revisions.items()
                if count > 1
            ]
    return judge("I04", looked, problems)


def no_orphans(evidence: Evidence) -> Verdict:
    """I05: every draft and every customer in Stripe's book is the one that we know."""
    revisions = {
        row["stripe_invoice_id"]
        for row in evidence.tenant_rows("connector_invoicerevision", "id, stripe_invoice_id")
    }
    customers = {
        row["stripe_customer_id"]
        for row in evidence.tenant_rows("connector_clientlink", "id, stripe_customer_id")
    }
    looked, problems = 0, []
    for pair in evidence.pairs:
        for row in pair.stripe.get("customers", []):
            if row["metadata"].get("fb_client_id"):
                looked += 1
                if row["id"] not in customers:
                    problems.append(f"{pair.of.slug}: customer {row['id']} is nobody's")
        for row in pair.stripe.get("invoices", []):
            if row["status"] == DRAFT and row["metadata"].get("fb_invoice_id"):
                looked += 1
                if row["id"] not in revisions:
                    problems.append(f"{pair.of.slug}: draft {row['id']} is nobody's")
    return judge("I05", looked, problems)


def equal_totals(evidence: Evidence) -> Verdict:
    """I08: a finalized Stripe invoice that stands has FreshBooks' total, and its lines add up to it.

    One that was edited after money had come is a person's: the difference stands before them.
    """
    told = told_of(evidence)
    looked, waiting, problems = 0, 0, []
    for pair in evidence.pairs:
        for invoice_id, row in _finalized(pair):
            looked += 1
            wanted = minor(pair.invoices[invoice_id]["amount"])
            if row["total"] != wanted and told.get((pair.of.tenant_id, invoice_id), {}).get("told"):
                waiting += 1
            elif row["total"] != wanted:
                problems.append(
                    f"{pair.name(invoice_id)}: {wanted} in FreshBooks, {row['total']} in Stripe"
                )
            lines = pair.stripe["lines"].get(row["id"], [])
            if sum(one["amount"] for one in lines) != row["subtotal"]:
                problems.append(f"{pair.name(invoice_id)}: lines of {row['id']} do not add up")
    how = f"{waiting} edited after money had come, told to a person" if waiting else ""
    return judge("I08", looked, problems, how=how)


def nothing_made_again(evidence: Evidence) -> Verdict:
    """I10, for each time that a person deleted or voided something."""
    pairs = {pair.of.account_id: pair for pair in evidence.pairs}
    pairs |= {pair.of.stripe_account_id: pair for pair in evidence.pairs}
    looked, problems = 0, []
    for act in evidence.acts:
        pair = pairs.get(act.get("account_id", ""))
        if act["do"] in OF_PEOPLE and pair is not None:
            looked += 1
            problems += list(_made_again(evidence, pair, act))
    return judge("I10", looked, problems)


def one_mail_each(evidence: Evidence) -> Verdict:
    """I34, from the letters that the vendors sent."""
    looked, problems = 0, []
    for pair in evidence.pairs:
        letters: Counter[str] = Counter()
        for mail in pair.stripe["emails"]:
            if mail.get("invoice"):
                letters[str(mail["invoice"])] += 1
        looked += len(pair.twins)
        problems += [
            f"{pair.of.slug}: Stripe sent {count} letters for {invoice}"
            for invoice, count in letters.items()
            if count > 1
        ]
    return judge("I34", looked, problems, how="letters in Stripe's book, per Stripe invoice")


def _finalized(pair: Pair) -> Iterator[tuple[int, Row]]:
    for invoice_id in pair.twins:
        for row in pair.living(invoice_id):
            stands = pair.invoices[invoice_id]["vis_state"] != DELETED
            if row["status"] in {"open", "paid"} and stands:
                yield invoice_id, row


def _made_again(evidence: Evidence, pair: Pair, act: Row) -> Iterator[str]:
    if act["do"] == "delete_payment":
        gone = next((p for p in pair.freshbooks["payments"] if p["id"] == act["id"]), None)
        if gone is None or not ours(gone):
            return
        again = [
            p["id"]
            for p in pair.payments[gone["invoiceid"]]
            if p["note"] == gone["note"] and p["vis_state"] == LIVE
        ]
        if again:
            yield f"{pair.of.slug}: payment {act['id']} was deleted and made again as {again}"
    elif act["do"] == "delete_invoice":
        standing = [r["id"] for r in pair.living(act["id"]) if r["status"] in {"draft", "open"}]
        if standing and pair.invoices[act["id"]]["vis_state"] == DELETED:
            yield f"{pair.name(act['id'])} was deleted, and {standing} still ask for it"
    else:
        yield from _raised_again(evidence, pair, act)


def _raised_again(evidence: Evidence, pair: Pair, act: Row) -> Iterator[str]:
    """A Stripe invoice that a person voided comes back only if FreshBooks' was edited since."""
    for invoice_id, twins in pair.twins.items():
        if act["invoice"] not in {row["id"] for row in twins}:
            continue
        edited = any(
            one["do"] == "edit_invoice" and one.get("id") == invoice_id and one["at"] > act["at"]
            for one in evidence.acts
            if one.get("account_id") == pair.of.account_id
        )
        new = [r["id"] for r in pair.living(invoice_id) if r["created"] > act["at"] + GRACE_S]
        if new and not edited:
            yield f"{pair.name(invoice_id)}: {act['invoice']} was voided and made again as {new}"
