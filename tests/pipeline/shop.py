"""One tenant with its two vendor accounts, driven in this process: act, pump, look."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from audit.models import AuditEntry
from audit.recording import Cause
from connector import routing, schedule
from connector.jobs import kinds, ledger, runner
from connector.jobs.context import Handler
from connector.models import (
    CollectedPayment,
    Discrepancy,
    InvoiceLink,
    InvoiceRevision,
    OutsidePayment,
    PollFeed,
    RateBucket,
    SyncJob,
    VendorWrite,
)
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.factories import (
    make_freshbooks_connection,
    make_grant,
    make_stripe_connection,
    make_tenant,
    unique,
)
from tests.pipeline.vendor_side import VendorSide
from tests.sandbox.driving import FreshBooks, Vendor

QUEUES = ("intake", "freshbooks", "stripe", "reconcile")
ROUNDS = 40  # more than any test needs: work that never ends fails the test


def cause(reason: str = "test") -> Cause:
    return Cause(actor="test", reason=reason, correlation_id=uuid.uuid4())


@dataclass(kw_only=True)
class Shop(VendorSide):
    """A tenant, its FreshBooks business and its Stripe account."""

    tenant: Tenant
    handlers: Mapping[str, Handler] = field(default_factory=lambda: routing.HANDLERS)

    # What the connector does -------------------------------------------------------------------

    def enqueue(self, kind: kinds.Kind, subject: object = "") -> int:
        with tenant_scope(self.tenant.pk):
            return ledger.enqueue(
                tenant_id=self.tenant.pk,
                kind=kind,
                subject=str(subject),
                cause=cause(),
                delay_s=0,
            )

    def run(self, kind: kinds.Kind, subject: object = "") -> SyncJob:
        """Queue one job, run all that is ready now (not what backs off), answer the job's row."""
        job_id = self.enqueue(kind, subject)
        self.pump()
        return self.job(job_id)

    def look(self, invoice_id: int) -> SyncJob:
        """One run of "look at this invoice again"."""
        return self.run(kinds.SYNC_INVOICE, invoice_id)

    def enqueue_look(self, invoice_id: int) -> int:
        return self.enqueue(kinds.SYNC_INVOICE, invoice_id)

    def unblock(self) -> None:
        """As if the time were over that a vendor asked us to wait."""
        with tenant_scope(self.tenant.pk):
            RateBucket.objects.update(blocked_until=None)

    def sync(self, invoice_id: int) -> InvoiceLink:
        """Look at an invoice until there is nothing more to do; answer where it stands."""
        self.enqueue(kinds.SYNC_INVOICE, invoice_id)
        self.settle()
        return self.link(invoice_id)

    def poll(self) -> None:
        """Poll both vendors, as if no webhook ever came, and do all that follows."""
        self.enqueue(kinds.POLL_FRESHBOOKS)
        self.enqueue(kinds.POLL_STRIPE)
        self.settle()

    def reconcile(self) -> str:
        job_id = self.enqueue(kinds.RECONCILE_ALL)
        self.settle()
        return str(self.job(job_id).outcome)

    def pump(self) -> int:
        """Run what is ready now, and what that makes ready."""
        ran = 0
        for _ in range(ROUNDS):
            now = sum(runner.drain(queue, self.handlers) for queue in QUEUES)
            ran += now
            if not now:
                return ran
        raise AssertionError("the work does not end")

    def hurry(self) -> int:
        """Let no back-off wait; answer how many jobs were waiting."""
        with tenant_scope(self.tenant.pk):
            waiting = SyncJob.objects.filter(state=SyncJob.State.QUEUED)
            return int(waiting.update(due_at=timezone.now() - timedelta(seconds=1)))

    def settle(self) -> None:
        """Run everything to its end, back-offs included."""
        for _ in range(ROUNDS):
            self.pump()
            self.unblock()
            if not self.hurry():
                return
        raise AssertionError(f"jobs never end: {self.jobs(state='queued')}")

    # What stands where -------------------------------------------------------------------------

    def link(self, invoice_id: int) -> InvoiceLink:
        with tenant_scope(self.tenant.pk):
            link: InvoiceLink = InvoiceLink.objects.get(freshbooks_invoice_id=invoice_id)
            return link

    def revisions(self, invoice_id: int) -> list[InvoiceRevision]:
        with tenant_scope(self.tenant.pk):
            rows = InvoiceRevision.objects.filter(invoice__freshbooks_invoice_id=invoice_id)
            return list(rows.order_by("revision"))

    def job(self, job_id: int) -> SyncJob:
        with tenant_scope(self.tenant.pk):
            job: SyncJob = SyncJob.objects.get(pk=job_id)
            return job

    def jobs(self, **only: Any) -> list[SyncJob]:
        with tenant_scope(self.tenant.pk):
            return list(SyncJob.objects.filter(**only).order_by("pk"))

    def writes(self, **only: Any) -> list[VendorWrite]:
        with tenant_scope(self.tenant.pk):
            return list(VendorWrite.objects.filter(**only).order_by("pk"))

    def collected(self, invoice_id: int) -> list[CollectedPayment]:
        with tenant_scope(self.tenant.pk):
            rows = CollectedPayment.objects.filter(invoice__freshbooks_invoice_id=invoice_id)
            return list(rows.order_by("pk"))

    def outside(self, invoice_id: int) -> list[OutsidePayment]:
        with tenant_scope(self.tenant.pk):
            rows = OutsidePayment.objects.filter(invoice__freshbooks_invoice_id=invoice_id)
            return list(rows.order_by("pk"))

    def differences(self, invoice_id: int, state: str = "open") -> list[str]:
        """Kinds of the discrepancies of an invoice."""
        with tenant_scope(self.tenant.pk):
            rows = Discrepancy.objects.filter(
                invoice__freshbooks_invoice_id=invoice_id, state=state
            )
            return sorted(row.kind for row in rows)

    def audited(self, entity: str) -> list[str]:
        with tenant_scope(self.tenant.pk):
            rows = AuditEntry.objects.filter(tenant_id=self.tenant.pk, entity=entity)
            return list(rows.order_by("sequence").values_list("action", flat=True))


def open_shop(
    freshbooks: FreshBooks,
    stripe: Vendor,
    *,
    currency: str = "CAD",
    scopes: Mapping[str, str] | None = None,
    **tenant: Any,
) -> Shop:
    """A new tenant, live, with new accounts at both vendors."""
    email = f"{unique('owner-')}@maple.example"
    business = freshbooks.business(email, currency=currency)
    account = stripe.act("create_account", name="Maple", country="CA", default_currency="cad")
    tokens = freshbooks.tokens(email, **(scopes or {}))
    values = {"payment_mode": "record", "state": "live", "live_at": timezone.now()} | tenant
    row = make_tenant(**values)
    grant = make_grant(
        identity_id=business["identity_id"],
        email=email,
        access_token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
    )
    make_freshbooks_connection(
        row, grant=grant, account_id=business["account_id"], business_id=business["business_id"]
    )
    make_stripe_connection(row, account_id=account["account_id"], api_key=account["secret_key"])
    with tenant_scope(row.pk):
        schedule.start_feeds(row)
        PollFeed.objects.update(next_due_at=timezone.now() + timedelta(days=1))
        for vendor in ("freshbooks", "stripe"):
            RateBucket.objects.create(
                tenant=row,
                vendor=vendor,
                rate_per_s=5000,
                capacity=5000,
                tokens=5000,
                updated_at=timezone.now(),
            )
    return Shop(
        tenant=row,
        freshbooks=freshbooks,
        stripe=stripe,
        account_id=business["account_id"],
        stripe_account_id=account["account_id"],
        identity_id=business["identity_id"],
        currency=currency,
    )
