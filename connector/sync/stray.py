"""Stripe's money without one of our invoices: kept and shown, never silently absent."""

from __future__ import annotations

from django.utils import timezone

from audit.recording import record
from connector import journal
from connector.errors import VendorNotFound
from connector.jobs import kinds, ledger
from connector.journal import Fact
from connector.models import ClientLink, InvoiceRevision, MoneyFact, StrayPayment
from connector.money import Money
from connector.sync.context import SyncRun
from connector.sync.returned import follow_payment
from connector.vendors.stripe.money_records import StripeCharge, StripePaymentIntent
from connector.vendors.stripe.pages import all_pages
from connector.vendors.stripe.records import StripeInvoicePayment
from tenants.scope import tenant_scope

NAMES_AN_INVOICE = ("fb_invoice_id", "invoice_id", "invoice_number", "invoice", "order_id")


def look_up_stripe_payment(run: SyncRun, payment_id: str) -> str:
    """A payment that is not known here: is it for one of our invoices, for another, for none?"""
    paid = list(
        all_pages(lambda cursor: run.stripe.list_invoice_payments_of(payment_id, cursor=cursor))
    )
    ours = _queue_ours(run, paid)
    if ours:
        return f"invoices {', '.join(ours)}"
    return _keep_stray(run, payment_id, paid)


def look_up_cash_balance(run: SyncRun, customer_id: str) -> str:
    """A bank transfer that Stripe could not apply yet."""
    raise NotImplementedError(customer_id)


def _queue_ours(run: SyncRun, paid: list[StripeInvoicePayment]) -> list[str]:
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        revisions = InvoiceRevision.objects.select_related("invoice").filter(
            stripe_invoice_id__in=[payment.invoice_id for payment in paid]
        )
        subjects = sorted({str(row.invoice.freshbooks_invoice_id) for row in revisions})
        for subject in subjects:
            ledger.enqueue(
                tenant_id=run.tenant_id,
                kind=kinds.SYNC_INVOICE,
                subject=subject,
                cause=run.job.cause,
            )
    return subjects


def _keep_stray(run: SyncRun, payment_id: str, paid: list[StripeInvoicePayment]) -> str:
    del paid
    return f"{payment_id} {run.tenant_id} {Fact} {journal} {record} {timezone} {ClientLink} {Money}"


__all__ = [
    "MoneyFact",
    "StrayPayment",
    "StripeCharge",
    "StripePaymentIntent",
    "VendorNotFound",
    "follow_payment",
    "look_up_cash_balance",
    "look_up_stripe_payment",
]
