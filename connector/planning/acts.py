"""What a step does: the same functions for the rehearsal and for the doing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from django.utils import timezone

from audit.recording import record
from connector.errors import NotRepresentable, VendorNotFound
from connector.models import CollectedPayment, InvoiceLink, InvoiceRevision, Plan
from connector.planning.entities import Entity
from connector.sync.adopting import adopt
from connector.sync.alignment import look_at_stripe
from connector.sync.clients import ensure_stripe_customer, sync_client
from connector.sync.context import SyncRun
from connector.sync.pair import sync_invoice
from connector.sync.retiring import retire
from connector.vendors.stripe.records import StripeInvoice
from tenants.models import Tenant
from tenants.scope import tenant_scope

Recording = CollectedPayment.Recording
UNDONE = "The import was undone."
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Act:
    """One entity's part of a plan. `approver` is "" while it is only rehearsed."""

    purpose: str
    entity: Entity
    named: StripeInvoice | None = None  # a Stripe invoice that says it is for this one
    payments: tuple[str, ...] = field(default=())  # to be recorded: a change of mode
    needed: bool = False  # an open invoice needs the client's customer, archived or not
    approver: str = ""

    def __call__(self, run: SyncRun) -> str:
        """Do it."""
        if self.purpose == Plan.Purpose.MODE:
            run = replace(run, payment_mode=Tenant.PaymentMode.RECORD)
        if self.entity.is_client:
            return _client(run, self.entity.number, needed=self.needed)
        if self.purpose == Plan.Purpose.UNDO:
            return take_out(run, self.entity.number)
        if self.named is not None:
            adopt(run, self.named)
        if self.payments:
            _approve(run, self.payments, self.approver)
        return sync_invoice(run, self.entity.number)


def _client(run: SyncRun, client_id: int, *, needed: bool) -> str:
    """One that is archived gets a customer only because an open invoice needs one."""
    if not needed:
        return sync_client(run, client_id)
    link = ensure_stripe_customer(run, client_id)
    return f"customer {link.stripe_customer_id}"


def payments_to_record(**only: int) -> dict[int, tuple[str, ...]]:
    """Collected payments that nobody decided about, by FreshBooks invoice. Inside the scope.

    One that a person left alone has their reason, and stays as they left it.
    """
    rows = (
        CollectedPayment.objects.filter(
            recording__in=[Recording.OBSERVED, Recording.AWAITING_APPROVAL], reason="", **only
        )
        .order_by("pk")
        .values_list("invoice__freshbooks_invoice_id", "stripe_invoice_payment_id")
    )
    found: dict[int, tuple[str, ...]] = {}
    for invoice_id, payment_id in rows:
        found[invoice_id] = (*found.get(invoice_id, ()), payment_id)
    return found


def _approve(run: SyncRun, payments: tuple[str, ...], approver: str) -> None:
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        rows = CollectedPayment.objects.select_for_update().filter(
            stripe_invoice_payment_id__in=payments,
            recording__in=[Recording.OBSERVED, Recording.AWAITING_APPROVAL],
        )
        rows.update(recording=Recording.APPROVED, approved_by=approver, approved_at=timezone.now())


def take_out(run: SyncRun, invoice_id: int) -> str:
    """Void or delete the Stripe invoice that was made for an invoice, if no money moved on it.

    It counts as removed by a person, so that it is not made again by itself. Raises
    NotRepresentable where money moved.
    """
    with tenant_scope(run.tenant_id):
        link = InvoiceLink.objects.filter(freshbooks_invoice_id=invoice_id).first()
    if link is None:
        return "nothing was made for it"
    sight = look_at_stripe(run, link)
    if sight.has_money or (sight.invoice is not None and sight.invoice.status == "paid"):
        raise NotRepresentable(
            "Money moved on the Stripe invoice, so it stays.",
            next_step="Refund it in Stripe first, or leave it.",
            code="money_moved",
        )
    if sight.revision is not None and not retire(run, link, sight.revision, because=UNDONE):
        raise NotRepresentable("Money arrived at this very moment, so it stays.")
    _keep_out(run, link)
    try:
        return sync_invoice(run, invoice_id)
    except VendorNotFound:
        return "taken out"


def _keep_out(run: SyncRun, link: InvoiceLink) -> None:
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        last = InvoiceRevision.objects.filter(invoice=link).order_by("-revision").first()
        if last is None or last.retired_by_person:
            return
        last.retired_by_person = True
        last.save(update_fields=["retired_by_person"])
        record(
            tenant_id=run.tenant_id,
            action="invoice.import_undone",
            entity=link.entity,
            cause=run.job.cause,
            details={"revision": last.revision, "stripe_invoice": last.stripe_invoice_id},
        )
