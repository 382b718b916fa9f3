"""Taking over Stripe invoices that name an invoice of ours but are not known here.

After a database was restored from a backup, Stripe still has what was made since. It is taken over
by what it says about itself, so that nothing is made a second time.
"""

from __future__ import annotations

from audit.recording import record
from connector.models import InvoiceLink, InvoiceRevision
from connector.sync.context import SyncRun
from connector.vendors.stripe.records import StripeInvoice
from tenants.scope import tenant_scope

State = InvoiceRevision.State
STATES = {"draft": State.DRAFT, "open": State.OPEN, "uncollectible": State.OPEN, "paid": State.PAID}


def freshbooks_invoice_of(run: SyncRun, invoice: StripeInvoice) -> int | None:
    """The FreshBooks invoice that a Stripe invoice says it is for, if it is this account's."""
    named = invoice.metadata.get("fb_invoice_id", "")
    same_account = invoice.metadata.get("fb_account") == run.freshbooks_account_id
    return int(named) if same_account and named.isdigit() else None


def adopt(run: SyncRun, invoice: StripeInvoice) -> bool:
    """Make a living Stripe invoice the revision of its FreshBooks invoice; False if it cannot be.

    Its content is not known, only its total: the next sync replaces it unless the total is right.
    """
    owner = freshbooks_invoice_of(run, invoice)
    number = invoice.metadata.get("fb_revision", "")
    if owner is None or not number.isdigit() or invoice.status not in STATES:
        return False
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        link, _ = InvoiceLink.objects.get_or_create(
            tenant_id=run.tenant_id, freshbooks_invoice_id=owner
        )
        revisions = InvoiceRevision.objects.filter(invoice=link)
        if (
            revisions.exclude(state=State.GONE).exists()
            or revisions.filter(revision=int(number)).exists()
        ):
            return False
        InvoiceRevision.objects.create(
            tenant_id=run.tenant_id,
            invoice=link,
            revision=int(number),
            stripe_invoice_id=invoice.id,
            state=STATES[invoice.status],
            content_hash="",
        )
        record(
            tenant_id=run.tenant_id,
            action="invoice.revision_adopted",
            entity=f"invoice:{owner}",
            cause=run.job.cause,
            details={"stripe_invoice": invoice.id, "revision": int(number)},
        )
    return True
