"""What all steps of a revision share: how a write is named, how its state is saved."""

from __future__ import annotations

from typing import Any

from config.riding import save_along
from connector.intents import Intent
from connector.models import InvoiceLink, InvoiceRevision
from connector.sync.context import SyncRun
from connector.vendors.stripe.pages import all_pages
from connector.vendors.stripe.records import StripeInvoice
from tenants.scope import tenant_scope

State = InvoiceRevision.State


def step_intent(
    run: SyncRun, link: InvoiceLink, revision: InvoiceRevision, *, step: str, **parts: Any
) -> Intent[Any]:
    """The intent of one step; its operation is named after the step, without its number."""
    return Intent(
        vendor="stripe",
        vendor_account=run.stripe_account_id,
        operation=f"stripe.invoices.{step.partition('-')[0]}",
        entity=link.entity,
        revision=revision.revision,
        step=step,
        **parts,
    )


def advance(
    run: SyncRun, revision: InvoiceRevision, state: State, *, stripe_invoice_id: str = ""
) -> None:
    """Save how far this revision has come."""
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        note_state(revision, state, stripe_invoice_id=stripe_invoice_id)


def note_state(revision: InvoiceRevision, state: State, *, stripe_invoice_id: str = "") -> None:
    """The same inside a transaction that holds the fence: with the answer of the step itself."""
    revision.state = state
    revision.stripe_invoice_id = stripe_invoice_id or revision.stripe_invoice_id
    save_along(revision, "state", "stripe_invoice_id")


def find_by_metadata(
    run: SyncRun, link: InvoiceLink, revision: InvoiceRevision, customer_id: str
) -> StripeInvoice | None:
    """The customer's invoice that names this revision, for a create that was never answered."""
    named = {
        "fb_account": run.freshbooks_account_id,
        "fb_invoice_id": str(link.freshbooks_invoice_id),
        "fb_revision": str(revision.revision),
    }
    invoices = all_pages(
        lambda cursor: run.stripe.list_invoices(cursor=cursor, customer=customer_id)
    )
    return next(
        (found for found in invoices if named.items() <= dict(found.metadata).items()), None
    )
