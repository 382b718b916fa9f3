"""Which state is shown in which colour, in one place, so that a colour means one thing."""

from __future__ import annotations

from connector.admin.display import BAD, BUSY, GOOD, QUIET, WARN
from connector.mapping.compare import CollectionStatus
from connector.models import (
    ClientLink,
    CollectedPayment,
    Delivery,
    Discrepancy,
    Gap,
    InvoiceLink,
    InvoiceRevision,
    MoneyFact,
    OutsidePayment,
    Plan,
    PlanStep,
    StrayPayment,
    SyncJob,
    VendorWrite,
)
from tenants.models import ConnectionState, FreshBooksCallback, Tenant

TENANT: dict[str, str] = {
    Tenant.State.LIVE: GOOD,
    Tenant.State.ONBOARDING: BUSY,
    Tenant.State.PAUSED: WARN,
    Tenant.State.DISCONNECTED: BAD,
    Tenant.State.ERASED: QUIET,
}
CONNECTION: dict[str, str] = {
    ConnectionState.CONNECTED: GOOD,
    ConnectionState.NEEDS_REAUTH: BAD,
    ConnectionState.DISCONNECTED: QUIET,
}
CALLBACK: dict[str, str] = {
    FreshBooksCallback.State.ACTIVE: GOOD,
    FreshBooksCallback.State.CONFIRMING: BUSY,
    FreshBooksCallback.State.REGISTERING: BUSY,
}
GAP: dict[str, str] = {Gap.State.OPEN: WARN, Gap.State.CLOSED: GOOD}
JOB: dict[str, str] = {
    SyncJob.State.QUEUED: BUSY,
    SyncJob.State.RUNNING: BUSY,
    SyncJob.State.DONE: GOOD,
    SyncJob.State.HELD: WARN,
    SyncJob.State.DEAD: BAD,
    SyncJob.State.SUPERSEDED: QUIET,
}
DELIVERY: dict[str, str] = {
    Delivery.State.RECEIVED: BUSY,
    Delivery.State.ROUTED: GOOD,
    Delivery.State.IGNORED: QUIET,
    Delivery.State.QUARANTINED: BAD,
}
CLIENT: dict[str, str] = {
    ClientLink.State.PENDING: BUSY,
    ClientLink.State.LINKED: GOOD,
    ClientLink.State.REMOVED: QUIET,
}
INVOICE: dict[str, str] = {
    InvoiceLink.State.PENDING: BUSY,
    InvoiceLink.State.DRAFT: BUSY,
    InvoiceLink.State.OPEN: BUSY,
    InvoiceLink.State.SETTLED: GOOD,
    InvoiceLink.State.BLOCKED: WARN,
    InvoiceLink.State.REMOVED: QUIET,
    InvoiceLink.State.SKIPPED: QUIET,
}
REVISION: dict[str, str] = {
    InvoiceRevision.State.CREATING: BUSY,
    InvoiceRevision.State.DRAFT: BUSY,
    InvoiceRevision.State.OPEN: BUSY,
    InvoiceRevision.State.PAID: GOOD,
    InvoiceRevision.State.RETIRING: WARN,
    InvoiceRevision.State.GONE: QUIET,
}
COLLECTION: dict[str, str] = {
    CollectionStatus.UNPAID: QUIET,
    CollectionStatus.PENDING: BUSY,
    CollectionStatus.PARTLY_PAID: BUSY,
    CollectionStatus.PAID: GOOD,
    CollectionStatus.OVERPAID: WARN,
    CollectionStatus.PAID_OUTSIDE: GOOD,
    CollectionStatus.REFUNDED: WARN,
    CollectionStatus.DISPUTED: BAD,
    CollectionStatus.NOT_COLLECTED: QUIET,
}
RECORDING: dict[str, str] = {
    CollectedPayment.Recording.OBSERVED: QUIET,
    CollectedPayment.Recording.AWAITING_APPROVAL: WARN,
    CollectedPayment.Recording.APPROVED: BUSY,
    CollectedPayment.Recording.SENDING: BUSY,
    CollectedPayment.Recording.UNKNOWN: WARN,
    CollectedPayment.Recording.RECORDED: GOOD,
    CollectedPayment.Recording.REJECTED: BAD,
    CollectedPayment.Recording.NEEDS_YOU: WARN,
    CollectedPayment.Recording.DELETED_BY_PERSON: QUIET,
    CollectedPayment.Recording.BY_HAND: GOOD,
}
PLAN: dict[str, str] = {
    Plan.State.BUILDING: BUSY,
    Plan.State.PROPOSED: WARN,
    Plan.State.APPROVED: BUSY,
    Plan.State.APPLYING: BUSY,
    Plan.State.APPLIED: GOOD,
    Plan.State.REFUSED: BAD,
    Plan.State.DISCARDED: QUIET,
    Plan.State.FAILED: BAD,
}
PLAN_STEP: dict[str, str] = {
    PlanStep.State.OPEN: BUSY,
    PlanStep.State.DONE: GOOD,
    PlanStep.State.FAILED: BAD,
    PlanStep.State.CHANGED: WARN,
}
REPORTING: dict[str, str] = {
    OutsidePayment.Reporting.SEEN: BUSY,
    OutsidePayment.Reporting.REPORTED: GOOD,
    OutsidePayment.Reporting.NEEDS_YOU: WARN,
    OutsidePayment.Reporting.SAME_MONEY: GOOD,
}
STRAY: dict[str, str] = {
    StrayPayment.State.UNMATCHED: WARN,
    StrayPayment.State.PARTLY: WARN,
    StrayPayment.State.MATCHED: GOOD,
    StrayPayment.State.IGNORED: QUIET,
    StrayPayment.State.RETURNED: QUIET,
}
SEVERITY: dict[str, str] = {
    Discrepancy.Severity.INFO: QUIET,
    Discrepancy.Severity.WARNING: WARN,
    Discrepancy.Severity.ERROR: BAD,
}
DISCREPANCY: dict[str, str] = {Discrepancy.State.OPEN: WARN, Discrepancy.State.CLOSED: GOOD}
WRITE: dict[str, str] = {
    VendorWrite.State.SENDING: BUSY,
    VendorWrite.State.CONFIRMED: GOOD,
    VendorWrite.State.REJECTED: BAD,
    VendorWrite.State.UNKNOWN: WARN,
}
PAYOUT: dict[str, str] = {
    "pending": BUSY,
    "in_transit": BUSY,
    "paid": GOOD,
    "failed": BAD,
    "canceled": QUIET,
}
FACT: dict[str, str] = {
    MoneyFact.Kind.COLLECTED: GOOD,
    MoneyFact.Kind.ALLOCATED: GOOD,
    MoneyFact.Kind.UNALLOCATED: WARN,
    MoneyFact.Kind.STRAY: WARN,
    MoneyFact.Kind.OVERPAID: WARN,
    MoneyFact.Kind.REFUNDED: WARN,
    MoneyFact.Kind.REFUND_FAILED: GOOD,
    MoneyFact.Kind.DISPUTE_OPENED: BAD,
    MoneyFact.Kind.DISPUTE_WITHDRAWN: BAD,
    MoneyFact.Kind.DISPUTE_REINSTATED: GOOD,
    MoneyFact.Kind.DISPUTE_WON: GOOD,
    MoneyFact.Kind.DISPUTE_LOST: BAD,
    MoneyFact.Kind.PAYMENT_FAILED: BAD,
    MoneyFact.Kind.PAYMENT: BUSY,
}
