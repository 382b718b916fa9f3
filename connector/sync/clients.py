"""FreshBooks clients to Stripe customers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone

from audit.recording import record
from connector import idempotency
from connector.errors import VendorRefused
from connector.intents import Intent
from connector.jobs import ledger
from connector.jobs.kinds import SYNC_INVOICE
from connector.mapping.clients import CustomerDraft, customer_update, to_stripe_customer
from connector.models import ClientLink, InvoiceLink
from connector.sync.context import SyncRun
from connector.sync.tax_ids import Memory, Owner, follow_tax_id, given_with_customer, notes_of
from connector.vendors.freshbooks.records import VISIBLE, FreshBooksClient
from connector.vendors.stripe.pages import all_pages
from connector.vendors.stripe.records import StripeCustomer
from connector.writes import close_unanswered, perform
from tenants.scope import tenant_scope

CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"


@dataclass(frozen=True)
class InStripe:
    """What a client has there now, and what was done for it."""

    customer_id: str
    action: str
    tax_id: Memory


def sync_client(run: SyncRun, client_id: int) -> str:
    """Bring one client's Stripe customer in step; answer what was done.

    A client deleted or archived in FreshBooks is left as it is in Stripe: its invoices and payments
    there are history that must stay reachable.
    """
    client = run.freshbooks.get_client(client_id=client_id)
    link = _find_link(run, client_id)
    if client.vis_state != VISIBLE:
        return _remember_removed(run, link, client)
    link, action = _bring_in_step(run, client, link)
    _release_blocked_invoices(run, link)
    return f"customer {link.stripe_customer_id} {action}"


def ensure_stripe_customer(
    run: SyncRun, client_id: int, *, known: ClientLink | None = None
) -> ClientLink:
    """The link of a client that has a customer, making one if there is none yet.

    `known` is a link that was just read.
    """
    same = known is not None and known.freshbooks_client_id == client_id
    link = known if same else _find_link(run, client_id)
    if link is not None and link.stripe_customer_id:
        return link
    client = run.freshbooks.get_client(client_id=client_id)
    link, _ = _bring_in_step(run, client, link)
    return link


def _find_link(run: SyncRun, client_id: int) -> ClientLink | None:
    with tenant_scope(run.tenant_id):
        link: ClientLink | None = ClientLink.objects.filter(freshbooks_client_id=client_id).first()
        return link


def _bring_in_step(
    run: SyncRun, client: FreshBooksClient, link: ClientLink | None
) -> tuple[ClientLink, str]:
    draft = to_stripe_customer(client, freshbooks_account_id=run.freshbooks_account_id)
    if link is None or not link.stripe_customer_id:
        customer_id, draft, refusal = _find_or_create(run, client, draft)
        action, revision = CREATED, 1
        before = given_with_customer(run, client.id, refusal, draft)
    else:
        customer_id, revision, before = link.stripe_customer_id, link.revision + 1, link.tax_id
        action = UPDATED
        if link.content_hash == idempotency.body_hash(draft.body):
            return _save(run, client, draft, InStripe(customer_id, UNCHANGED, before)), UNCHANGED
        _update(run, link, draft)
    owner = Owner(client_id=client.id, customer_id=customer_id, revision=revision)
    tax_id = follow_tax_id(run, owner, before, draft)
    return _save(run, client, draft, InStripe(customer_id, action, tax_id)), action


def _find_or_create(
    run: SyncRun, client: FreshBooksClient, draft: CustomerDraft
) -> tuple[str, CustomerDraft, str]:
    """The customer that carries this client's id, or a new one. Never merges by e-mail alone.

    Answers its id, the draft with more notes, and why Stripe did not take the tax number.
    """
    same_email = run.stripe.find_customers(email=client.email) if client.email else ()
    for customer in same_email:
        if _is_ours(run, customer, client.id):
            _close_create(run, client, customer)
            return customer.id, draft, ""
    customer_id, refusal = _create(run, client, draft)
    notes = tuple(
        f"Stripe already has customer {customer.id} with the same e-mail address; "
        "it was left alone because nothing proves that both are the same client."
        for customer in same_email
    )
    return customer_id, replace(draft, notes=(*draft.notes, *notes)), refusal


def _create(run: SyncRun, client: FreshBooksClient, draft: CustomerDraft) -> tuple[str, str]:
    """A new customer. A tax number that Stripe does not accept is left out; answers why."""
    try:
        return _perform_create(run, client, draft), ""
    except VendorRefused as refusal:
        if "tax_id" not in f"{refusal.field} {refusal.code}" or "tax_id_data" not in draft.body:
            raise
        why = refusal.message
    body = {name: value for name, value in draft.body.items() if name != "tax_id_data"}
    return _perform_create(run, client, replace(draft, body=body)), why


def _perform_create(run: SyncRun, client: FreshBooksClient, draft: CustomerDraft) -> str:
    result = perform(
        run.job,
        Intent(
            vendor="stripe",
            vendor_account=run.stripe_account_id,
            operation="stripe.customers.create",
            entity=f"client:{client.id}",
            step="create",
            body=draft.body,
            call=lambda body, key: run.stripe.create_customer(body, idempotency_key=key),
            summarize=lambda customer: {"id": customer.id},
            look_up=lambda: _find_by_metadata(run, client),
        ),
    )
    return str(result["id"])


def _close_create(run: SyncRun, client: FreshBooksClient, customer: StripeCustomer) -> None:
    """The customer is there: a create whose answer never came did happen."""
    close_unanswered(
        run.job,
        operations=["stripe.customers.create"],
        entity=f"client:{client.id}",
        revision=1,
        found={"id": customer.id},
    )


def _find_by_metadata(run: SyncRun, client: FreshBooksClient) -> StripeCustomer | None:
    """For a create that was never answered: the customer that names this client, if it exists."""
    if client.email:
        candidates = run.stripe.find_customers(email=client.email)
        return next((c for c in candidates if _is_ours(run, c, client.id)), None)
    everybody = all_pages(lambda cursor: run.stripe.list_customers(cursor=cursor))
    return next((c for c in everybody if _is_ours(run, c, client.id)), None)


def _is_ours(run: SyncRun, customer: StripeCustomer, client_id: int) -> bool:
    return (
        not customer.deleted
        and customer.metadata.get("fb_client_id") == str(client_id)
        and customer.metadata.get("fb_account") == run.freshbooks_account_id
    )


def _update(run: SyncRun, link: ClientLink, draft: CustomerDraft) -> None:
    revision = link.revision + 1
    perform(
        run.job,
        Intent(
            vendor="stripe",
            vendor_account=run.stripe_account_id,
            operation="stripe.customers.update",
            entity=f"client:{link.freshbooks_client_id}",
            revision=revision,
            step=f"update-{idempotency.body_hash(draft.body)[:12]}",
            body=customer_update(draft),
            call=lambda body, key: run.stripe.update_customer(
                link.stripe_customer_id, body, idempotency_key=key
            ),
            summarize=lambda customer: {"id": customer.id},
            look_up=lambda: None,  # sending an update again under a new key changes nothing more
        ),
    )


def _save(
    run: SyncRun, client: FreshBooksClient, draft: CustomerDraft, now: InStripe
) -> ClientLink:
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        link: ClientLink
        link, _ = ClientLink.objects.get_or_create(
            tenant_id=run.tenant_id, freshbooks_client_id=client.id
        )
        link.stripe_customer_id = now.customer_id
        link.tax_id = now.tax_id
        link.name = str(draft.body.get("name", ""))[:300]
        link.email = client.email[:512]
        link.state = ClientLink.State.LINKED
        link.reason = ""
        link.freshbooks_updated = client.updated
        link.synced_at = timezone.now()
        if now.action != UNCHANGED:
            link.notes = [*draft.notes, *notes_of(now.tax_id)]
            link.content_hash = idempotency.body_hash(draft.body)
            link.revision += 1
            details = {"customer": now.customer_id, "notes": link.notes}
            _audit(run, f"client.{now.action}", client.id, details)
        link.save()
        waiting = InvoiceLink.objects.filter(client=None, freshbooks_client_id=client.id)
        waiting.update(client=link)
    return link


def _remember_removed(run: SyncRun, link: ClientLink | None, client: FreshBooksClient) -> str:
    if link is None:
        return "removed in FreshBooks before it came to Stripe"
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        link.freshbooks_updated = client.updated
        if link.state != ClientLink.State.REMOVED:
            link.state = ClientLink.State.REMOVED
            link.reason = (
                "Deleted or archived in FreshBooks. The Stripe customer was left as it is."
            )
            _audit(run, "client.removed", client.id, {"vis_state": client.vis_state})
        link.save()
    return "removed in FreshBooks, kept in Stripe"


def _release_blocked_invoices(run: SyncRun, link: ClientLink) -> None:
    """A corrected client (an e-mail was added) may unblock its invoices."""
    with tenant_scope(run.tenant_id):
        blocked = InvoiceLink.objects.filter(client=link, state=InvoiceLink.State.BLOCKED)
        for invoice in blocked:
            ledger.enqueue(
                tenant_id=run.tenant_id,
                kind=SYNC_INVOICE,
                subject=str(invoice.freshbooks_invoice_id),
                cause=run.job.cause,
            )


def _audit(run: SyncRun, action: str, client_id: int, details: dict[str, Any]) -> None:
    record(
        tenant_id=run.tenant_id,
        action=action,
        entity=f"client:{client_id}",
        cause=run.job.cause,
        details=details,
    )
