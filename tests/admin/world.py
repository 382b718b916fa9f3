"""One tenant with rows in every table, as a few days of business leave them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from audit.recording import Cause, record
from connector.jobs import kinds
from connector.models import (
    CallCount,
    ClientLink,
    ClosedPeriod,
    CollectedPayment,
    Delivery,
    Discrepancy,
    Gap,
    InvoiceLink,
    InvoiceRevision,
    OutsidePayment,
    PollFeed,
    RateBucket,
    RefusedDelivery,
    StrayPayment,
    SyncJob,
    VendorWrite,
)
from tenants.models import (
    Tenant,
)
from tests.admin.balance_rows import make_balance
from tests.admin.connected import connect
from tests.admin.limit_rows import make_budgets
from tests.admin.plan_rows import make_plan
from tests.admin.stray_rows import make_stray
from tests.factories import (
    make_tenant,
    unique,
    unique_number,
)


@dataclass(kw_only=True)
class World:
    """A tenant and one row of each kind that tests name."""

    tenant: Tenant
    invoice: InvoiceLink
    payment: CollectedPayment
    delivery: Delivery
    job: SyncJob
    discrepancy: Discrepancy
    client: ClientLink
    bucket: RateBucket
    stray: StrayPayment


def make_world(name: str = "Maple Joinery", *, invoices: int = 3, **tenant_values: Any) -> World:
    """Inside a scope over every tenant."""
    values = {"state": Tenant.State.LIVE, "payment_mode": "approve", "live_at": timezone.now()}
    tenant = make_tenant(name=name, **(values | tenant_values))
    connect(tenant)
    made = [_invoice(tenant, number) for number in range(1, invoices + 1)]
    link, payment, client = made[0]
    discrepancy = _discrepancy(tenant, made[1 % len(made)][0])
    _tenant_rows(tenant)
    make_balance(payment)
    make_plan(tenant)
    job = make_job(
        tenant,
        kind=kinds.SYNC_INVOICE,
        subject=str(made[-1][0].freshbooks_invoice_id),
        state=SyncJob.State.DEAD,
        failure_mode="permanent",
        failure_code="resource_missing",
        failure_message="Stripe refused the invoice: expected a customer, found none (cus_gone).",
        next_step="Restore the customer in Stripe, then re-queue this job.",
        request_id="req_AbC123",
        attempts=1,
    )
    delivery = Delivery.objects.filter(tenant=tenant).order_by("pk")[0]
    return World(
        tenant=tenant,
        invoice=link,
        payment=payment,
        delivery=delivery,
        job=job,
        discrepancy=discrepancy,
        client=client,
        bucket=RateBucket.objects.get(tenant=tenant, vendor="stripe", endpoint=""),
        stray=make_stray(made[-1][0]),
    )


def make_job(tenant: Tenant, *, kind: kinds.Kind, subject: str = "", **values: Any) -> SyncJob:
    now = timezone.now()
    defaults = {
        "tenant": tenant,
        "kind": kind.name,
        "subject": subject,
        "lane": kind.lane_of(subject),
        "queue": kind.queue,
        "state": SyncJob.State.DONE,
        "due_at": now,
        "actor": "webhook",
        "reason": "stripe invoice_payment.paid in_1",
        "created_at": now,
        "started_at": now,
        "finished_at": now,
        "outcome": "open, unpaid, 0 differences",
    }
    job: SyncJob = SyncJob.objects.create(**(defaults | values))
    return job


def _invoice(tenant: Tenant, number: int) -> tuple[InvoiceLink, CollectedPayment, ClientLink]:
    started = timezone.now() - timedelta(hours=number)
    total = 102690 + 12345 * (number - 1)
    client = ClientLink.objects.create(
        tenant=tenant,
        freshbooks_client_id=unique_number(),
        stripe_customer_id=unique("cus_"),
        name=f"Client {number} of {tenant.name}",
        email=f"client{number}@example.com",
        state=ClientLink.State.LINKED,
        notes=["The country “Kanada” was not recognised and left out."] if number == 1 else [],
        synced_at=started,
    )
    link = InvoiceLink.objects.create(
        tenant=tenant,
        freshbooks_invoice_id=unique_number(),
        number=f"INV-{number:04}",
        client=client,
        state=InvoiceLink.State.OPEN,
        currency="CAD",
        freshbooks_total_minor=total,
        freshbooks_paid_minor=0,
        freshbooks_outstanding_minor=total,
        freshbooks_status="sent",
        issued_on=date(2026, 3, min(number, 28)),
        due_on=date(2026, 4, min(number, 28)),
        stripe_invoice_id=unique("in_"),
        stripe_status="paid" if number == 1 else "open",
        stripe_total_minor=total,
        stripe_paid_minor=total if number == 1 else 0,
        stripe_remaining_minor=0 if number == 1 else total,
        hosted_invoice_url="https://invoice.stripe.com/i/acct_1/live_1",
        collection_status="paid" if number == 1 else "unpaid",
        synced_at=started,
    )
    InvoiceRevision.objects.create(
        tenant=tenant,
        invoice=link,
        revision=1,
        stripe_invoice_id=link.stripe_invoice_id,
        state=InvoiceRevision.State.PAID if number == 1 else InvoiceRevision.State.OPEN,
        content_hash="0" * 64,
    )
    payment = CollectedPayment.objects.create(
        tenant=tenant,
        invoice=link,
        stripe_invoice_payment_id=unique("inpay_"),
        stripe_invoice_id=link.stripe_invoice_id,
        stripe_payment_intent_id=unique("pi_"),
        status="paid",
        method_type="card",
        card_brand="visa",
        amount_minor=total if number == 1 else 5000,
        currency="CAD",
        paid_at=started + timedelta(minutes=30),
        recording=CollectedPayment.Recording.AWAITING_APPROVAL,
    )
    _steps(tenant, link, started)
    return link, payment, client


def _steps(tenant: Tenant, link: InvoiceLink, started: datetime) -> None:
    """What happened to one invoice: a delivery, a job, a write, and the record of it."""
    cause = Cause(actor="webhook", reason="freshbooks invoice.create", correlation_id=uuid.uuid4())
    Delivery.objects.create(
        tenant=tenant,
        source=Delivery.Source.FRESHBOOKS,
        via=Delivery.Via.WEBHOOK,
        event_type="invoice.create",
        object_type="invoice",
        object_id=str(link.freshbooks_invoice_id),
        state=Delivery.State.ROUTED,
        note=f"sync_invoice {link.freshbooks_invoice_id}",
        received_at=started,
        processed_at=started + timedelta(seconds=1),
    )
    make_job(
        tenant,
        kind=kinds.SYNC_INVOICE,
        subject=str(link.freshbooks_invoice_id),
        correlation_id=cause.correlation_id,
        reason=cause.reason,
        created_at=started + timedelta(seconds=1),
        started_at=started + timedelta(seconds=2),
        finished_at=started + timedelta(seconds=5),
    )
    VendorWrite.objects.create(
        tenant=tenant,
        vendor="stripe",
        operation="stripe.invoices.create",
        entity=f"invoice:{link.freshbooks_invoice_id}",
        step="create",
        idempotency_key=unique("mlc1:stripe.invoices.create:"),
        body={"customer": "cus_1", "auto_advance": False},
        state=VendorWrite.State.CONFIRMED,
        result={"id": link.stripe_invoice_id},
        vendor_object_id=link.stripe_invoice_id,
        correlation_id=cause.correlation_id,
        attempts=1,
        first_sent_at=started + timedelta(seconds=3),
        answered_at=started + timedelta(seconds=4),
    )
    record(
        tenant_id=tenant.pk,
        action="invoice.synced",
        entity=f"invoice:{link.freshbooks_invoice_id}",
        cause=cause,
        details={"state": "open", "freshbooks_outstanding_minor": link.freshbooks_total_minor},
    )


def _discrepancy(tenant: Tenant, link: InvoiceLink) -> Discrepancy:
    now = timezone.now()
    row: Discrepancy = Discrepancy.objects.create(
        tenant=tenant,
        kind="total_differs",
        subject=f"invoice:{link.freshbooks_invoice_id}",
        invoice=link,
        severity=Discrepancy.Severity.ERROR,
        currency="CAD",
        freshbooks_minor=102690,
        stripe_minor=102691,
        explanation="The total differs, and nothing is paid yet.",
        suggested_step="Synchronize this invoice: the Stripe invoice is replaced.",
        opened_at=now,
        last_seen_at=now,
    )
    return row


def _tenant_rows(tenant: Tenant) -> None:
    now = timezone.now()
    link = InvoiceLink.objects.filter(tenant=tenant).order_by("pk")[0]
    OutsidePayment.objects.create(
        tenant=tenant,
        invoice=link,
        freshbooks_payment_id=unique_number(),
        amount_minor=5000,
        currency="CAD",
        paid_on=date(2026, 3, 9),
        type="Check",
    )
    ClosedPeriod.objects.create(
        tenant=tenant,
        month=date(2026, 3, 1),
        closed_at=now,
        closed_by="fin",
        statement_hash="0" * 64,
        figures={"last_fact": 0, "invoices": [], "totals": []},
    )
    Gap.objects.create(
        tenant=tenant,
        state=Gap.State.CLOSED,
        began_at=now - timedelta(days=5),
        ended_at=now - timedelta(hours=1),
        closed_at=now,
        correlation_id=uuid.uuid4(),
        feeds=PollFeed.Feed.values,
        findings={
            feed: {"found": 3, "result": "3 changed", "at": now.isoformat()}
            for feed in PollFeed.Feed.values
        },
    )
    for feed in PollFeed.Feed.values:
        PollFeed.objects.create(
            tenant=tenant,
            feed=feed,
            next_due_at=now + timedelta(hours=5),
            last_finished_at=now - timedelta(minutes=4),
            last_result="2 changed",
        )
    make_budgets(tenant)
    CallCount.objects.create(
        tenant=tenant,
        day=now.date(),
        vendor="stripe",
        operation="stripe.invoices.create",
        outcome="ok",
        calls=1234,
        total_ms=98765,
    )
    RefusedDelivery.objects.get_or_create(
        day=now.date(),
        source="stripe",
        reason="bad_signature",
        defaults={"count": 3, "last_at": now},
    )
