"""One invoice as a story: each step from delivery to record, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from audit.models import AuditEntry
from connector.admin import tones
from connector.admin.display import QUIET, badge, exact, page_of
from connector.jobs import kinds
from connector.models import (
    CollectedPayment,
    Delivery,
    InvoiceLink,
    InvoiceRevision,
    OutsidePayment,
    SyncJob,
    VendorWrite,
)

MOST_OF_EACH = 200  # of each kind of step, the latest


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of the story."""

    at: datetime
    kind: str
    what: str
    note: str = ""
    state: str = ""
    url: str = ""

    @property
    def when(self) -> str:
        """To the second, in UTC."""
        return exact(self.at)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """An invoice's rows that the story and the page share, read once."""

    link: InvoiceLink
    revisions: list[InvoiceRevision]
    collected: list[CollectedPayment]
    outside: list[OutsidePayment]

    @classmethod
    def of(cls, link: InvoiceLink) -> Parts:
        """Read them."""
        return cls(
            link=link,
            revisions=list(link.revisions.order_by("revision")),
            collected=list(link.collected_payments.order_by("paid_at", "pk")),
            outside=list(link.outside_payments.order_by("paid_on", "pk")),
        )

    @property
    def stripe_ids(self) -> list[str]:
        """Every Stripe invoice that was ever made for it."""
        return [row.stripe_invoice_id for row in self.revisions if row.stripe_invoice_id]

    @property
    def payment_ids(self) -> list[str]:
        """Every FreshBooks payment that is known of it."""
        ours = [row.freshbooks_payment_id for row in self.collected if row.freshbooks_payment_id]
        return [str(key) for key in [*ours, *(row.freshbooks_payment_id for row in self.outside)]]


def story(parts: Parts, user: Any) -> list[Step]:
    """All steps, oldest first. What the person may not open is told without a link."""
    steps = [
        *_deliveries(parts),
        *_jobs(parts),
        *_writes(parts.link),
        *_entries(parts.link),
    ]
    readable = {
        "delivery": user.has_perm("connector.view_delivery"),
        "job": user.has_perm("connector.view_syncjob"),
        "write": user.has_perm("connector.view_vendorwrite"),
        "record": user.has_perm("audit.view_auditentry"),
    }
    told = [step if readable[step.kind] else _without_link(step) for step in steps]
    return sorted(told, key=lambda step: step.at)


def _without_link(step: Step) -> Step:
    return Step(at=step.at, kind=step.kind, what=step.what, note=step.note, state=step.state)


def _deliveries(parts: Parts) -> Iterable[Step]:
    invoice_id = str(parts.link.freshbooks_invoice_id)
    about = (
        Q(source="freshbooks", object_type="invoice", object_id=invoice_id)
        | Q(source="freshbooks", object_type="payment", object_id__in=parts.payment_ids)
        | Q(source="stripe", invoice_id__in=parts.stripe_ids)
    )
    rows = Delivery.objects.filter(about, tenant_id=parts.link.tenant_id).order_by("-pk")
    for row in rows[:MOST_OF_EACH]:
        repeats = f", heard of {row.duplicates + 1} times" if row.duplicates else ""
        yield Step(
            at=row.received_at,
            kind="delivery",
            what=f"{row.get_source_display()}: {row.event_type}",
            note=f"{row.get_via_display()}{repeats}",
            state=badge(row.get_state_display(), tones.DELIVERY.get(row.state, QUIET)),
            url=page_of(row),
        )


def _jobs(parts: Parts) -> Iterable[Step]:
    about = (
        Q(kind=kinds.SYNC_INVOICE.name, subject=str(parts.link.freshbooks_invoice_id))
        | Q(kind=kinds.LOOK_UP_STRIPE_INVOICE.name, subject__in=parts.stripe_ids)
        | Q(kind=kinds.LOOK_UP_PAYMENT.name, subject__in=parts.payment_ids)
    )
    rows = SyncJob.objects.filter(about, tenant_id=parts.link.tenant_id).order_by("-pk")
    for row in rows[:MOST_OF_EACH]:
        yield Step(
            at=row.started_at or row.created_at,
            kind="job",
            what=f"{row.kind.replace('_', ' ')}, because of {row.actor}: {row.reason}",
            note=row.failure_message or row.outcome,
            state=badge(row.get_state_display(), tones.JOB.get(row.state, QUIET)),
            url=page_of(row),
        )


def _writes(link: InvoiceLink) -> Iterable[Step]:
    rows = VendorWrite.objects.filter(tenant_id=link.tenant_id, entity=link.entity).order_by("-pk")
    for row in rows[:MOST_OF_EACH]:
        yield Step(
            at=row.first_sent_at,
            kind="write",
            what=f"{row.operation}, {row.step}",
            note=row.error or row.vendor_object_id,
            state=badge(row.get_state_display(), tones.WRITE.get(row.state, QUIET)),
            url=page_of(row),
        )


def _entries(link: InvoiceLink) -> Iterable[Step]:
    """The audit trail, but for the entries about vendor writes: those have lines of their own."""
    rows = (
        AuditEntry.objects.filter(tenant_id=link.tenant_id, entity=link.entity)
        .exclude(Q(action__startswith="stripe.") | Q(action__startswith="freshbooks."))
        .defer("details_encrypted")
        .order_by("-sequence")
    )
    for row in rows[:MOST_OF_EACH]:
        yield Step(
            at=row.at,
            kind="record",
            what=row.action.replace(".", ": ").replace("_", " "),
            note=f"{row.actor}: {row.cause}",
            url=page_of(row),
        )
