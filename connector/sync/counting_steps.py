"""The steps by which Stripe is told of matches, and how far an earlier run came with them."""

from __future__ import annotations

from collections.abc import Iterable

from connector.models import Allocation, CollectedPayment, InvoiceLink, InvoiceRevision, VendorWrite
from connector.sync.context import SyncRun
from tenants.scope import tenant_scope

ATTACH = "stripe.invoices.attach_payment"
REPORT = "stripe.payment_records.report"


def step_of(row: CollectedPayment, *, by_record: bool = False) -> str:
    """Names the write by which Stripe is told of a match."""
    return f"allocation-{row.allocation_id}" + ("-record" if by_record else "")


def match_of(row: CollectedPayment) -> Allocation:
    """The match that a collected payment comes from."""
    assert row.allocation is not None  # noqa: S101 - selected by it; narrows the type
    return row.allocation


def unfinished_steps(
    link: InvoiceLink, revision: InvoiceRevision, rows: Iterable[CollectedPayment]
) -> set[str]:
    """Steps whose answer never came, or came and was not noted because we stopped just then."""
    writes = VendorWrite.objects.filter(operation=ATTACH, entity=link.entity)
    unanswered = writes.filter(state__in=[VendorWrite.State.SENDING, VendorWrite.State.UNKNOWN])
    answered = writes.filter(state=VendorWrite.State.CONFIRMED, revision=revision.revision)
    counted = {(match_of(row).stray_id, row.amount_minor) for row in rows if match_of(row).told_on}
    silent = {
        step_of(row, by_record=True)
        for row in rows
        if row.undone and (match_of(row).stray_id, row.amount_minor) not in counted
    }
    known = silent & set(answered.values_list("step", flat=True))
    return known.union(unanswered.values_list("step", flat=True))


def begun_step(
    run: SyncRun, link: InvoiceLink, revision: InvoiceRevision, row: CollectedPayment
) -> str:
    """The step that an earlier run began, "" if none or if Stripe refused its end.

    After it, Stripe's remainder says nothing.
    """
    steps = [step_of(row), step_of(row, by_record=True)]
    with tenant_scope(run.tenant_id):
        write = (
            VendorWrite.objects.filter(
                operation__in=[ATTACH, REPORT],
                entity=link.entity,
                revision=revision.revision,
                step__in=steps,
            )
            .order_by("-pk")
            .first()
        )
    return write.step if write and write.state != VendorWrite.State.REJECTED else ""
