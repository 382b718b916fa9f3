"""Everything that the checkers read, taken at a moment of rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from chaos.invariants.evidence import Evidence, Row, read_lines, read_requests
from chaos.processes.system import System

FRESHBOOKS_RECORDS = ("clients", "invoices", "payments", "credit_notes")
STRIPE_RECORDS = (
    *("customers", "invoices", "payment_intents", "charges", "refunds", "disputes"),
    *("invoice_payments", "payment_records", "lines"),
)


def gather(system: System) -> Evidence:
    """The books of both vendors, their records, what people did, and our rows."""
    freshbooks, stripe = system.simulators()
    return Evidence(
        freshbooks=freshbooks.book(),
        stripe=stripe.book(),
        tenants=system.tenants,
        query=system.query,
        requests=read_requests(system.stack.record_file),
        tries=list(read_lines(system.stack.webhooks_file)),
        acts=list(system.acts),
    )


def fingerprint(evidence: Evidence) -> str:
    """One hash of all that both vendors have of the tenants; tokens and logs left out."""
    books = [
        [_chosen(pair.freshbooks, FRESHBOOKS_RECORDS), _chosen(pair.stripe, STRIPE_RECORDS)]
        for pair in evidence.pairs
    ]
    text = json.dumps(books, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _chosen(book: Row, names: Iterable[str]) -> Row:
    return {name: book.get(name, []) for name in names}
