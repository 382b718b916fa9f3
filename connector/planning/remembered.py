"""Vendor clients that answer the first read of an entity with what was just compared.

What is done is then decided on exactly what was found unchanged, and each object is read once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

from connector.errors import VendorNotFound
from connector.planning.entities import (
    Entity,
    Facts,
    client_facts,
    client_here,
    invoice_facts,
    invoice_here,
    living_stripe_id,
)
from connector.planning.world import Collection
from connector.sync.context import SyncRun
from connector.vendors.freshbooks.client import FreshBooksAccountClient
from connector.vendors.freshbooks.records import FreshBooksClient, FreshBooksInvoice
from connector.vendors.stripe.client import StripeAccountClient
from tenants.scope import tenant_scope


@dataclass
class Remembering:
    """One vendor's client, with answers that are given once and then asked for again."""

    client: Any
    answers: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        """The remembered answer once; otherwise the client's own method."""
        if name in self.answers:
            answer = self.answers.pop(name)
            return lambda *_args, **_kwargs: answer
        return getattr(self.client, name)


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What was just seen of one entity."""

    facts: Facts
    run: SyncRun
    collection: Collection | None = None


def look(run: SyncRun, entity: Entity, *, linked_id: str = "") -> Sight:
    """Read one entity on both sides. `linked_id` is the Stripe invoice that the plan would link."""
    with tenant_scope(run.tenant_id):
        here = client_here(entity.number) if entity.is_client else invoice_here(entity.number)
    if entity.is_client:
        client = _client(run, entity.number)
        facts = client_facts(client, here, account_id=run.freshbooks_account_id)
        return Sight(facts=facts, run=_with(run, get_client=client))
    invoice = _invoice(run, entity.number)
    living = living_stripe_id(here)
    collection = _collection(run, living or linked_id) if living or linked_id else None
    facts = invoice_facts(invoice, collection, here)
    return Sight(
        facts=facts,
        run=_with(run, get_invoice=invoice, collection=collection),
        collection=collection,
    )


def _with(
    run: SyncRun,
    *,
    get_client: FreshBooksClient | None = None,
    get_invoice: FreshBooksInvoice | None = None,
    collection: Collection | None = None,
) -> SyncRun:
    from_freshbooks = {"get_client": get_client, "get_invoice": get_invoice}
    known = {name: value for name, value in from_freshbooks.items() if value is not None}
    from_stripe = {} if collection is None else {"collection": collection}
    return replace(
        run,
        freshbooks=cast("FreshBooksAccountClient", Remembering(run.freshbooks, dict(known))),
        stripe=cast("StripeAccountClient", Remembering(run.stripe, dict(from_stripe))),
        answers={},
    )


def _client(run: SyncRun, client_id: int) -> FreshBooksClient | None:
    try:
        return run.freshbooks.get_client(client_id=client_id)
    except VendorNotFound:
        return None


def _invoice(run: SyncRun, invoice_id: int) -> FreshBooksInvoice | None:
    try:
        return run.freshbooks.get_invoice(invoice_id=invoice_id)
    except VendorNotFound:
        return None


def _collection(run: SyncRun, stripe_invoice_id: str) -> Collection | None:
    try:
        return run.stripe.collection(stripe_invoice_id)
    except VendorNotFound:
        return None
