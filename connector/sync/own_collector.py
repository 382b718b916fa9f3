"""One collector per invoice: whether FreshBooks itself takes money for it online.

FreshBooks' pay button and autobill would ask the client for the same money as Stripe does. Reads are
limited, so nothing is asked where the business has no gateway of its own in FreshBooks; where it has
one, each invoice is asked for before it is sent, after it was changed, and once a day.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from audit.recording import record
from connector.errors import CredentialRejected, NotRepresentable, VendorNotFound, VendorRefused
from connector.models import InvoiceLink
from connector.sync.context import SyncRun
from connector.vendors.freshbooks.records import FreshBooksInvoice, GatewayConnection
from tenants.models import FreshBooksConnection, Tenant
from tenants.scope import tenant_scope

AUTOBILL, PAY_BUTTON = "autobill", "pay_button"
ASK_AGAIN_AFTER = timedelta(hours=23)  # the daily comparison finds each one due
MAY_NOT_ASK = 403
_REASONS = {
    AUTOBILL: "FreshBooks charges this invoice by itself (autobill)",
    PAY_BUTTON: "FreshBooks shows its own pay button on this invoice",
}


def require_one_collector(run: SyncRun, link: InvoiceLink, invoice: FreshBooksInvoice) -> None:
    """Ask before the Stripe invoice becomes payable.

    Raises NotRepresentable if FreshBooks collects it and the tenant refuses two collectors.
    """
    found = _ask(run, link, invoice)
    if not found:
        return
    with tenant_scope(run.tenant_id):
        setting = Tenant.objects.get(pk=run.tenant_id).own_pay_button
    if setting == Tenant.OwnPayButton.REFUSE:
        raise NotRepresentable(
            f"{_REASONS[found]}: with Stripe asking as well, the client may pay twice. It was not "
            "sent to Stripe.",
            next_step="Turn online payment off for this invoice in FreshBooks, then synchronize it.",
            code="own_pay_button",
        )


def notice_own_collector(run: SyncRun, link: InvoiceLink, invoice: FreshBooksInvoice) -> None:
    """Of an invoice that Stripe asks for already: was FreshBooks' own way switched on, or off?"""
    asked = link.own_collector_at
    due = timezone.now() - ASK_AGAIN_AFTER
    if asked is None or asked < max(invoice.updated_at, due):
        _ask(run, link, invoice)


def own_gateway(run: SyncRun, *, not_older_than: timedelta | None = None) -> str:
    """What FreshBooks itself takes money through, as last known; "" for nothing."""
    if run.own_gateway is not None and not_older_than is None:
        return run.own_gateway
    with tenant_scope(run.tenant_id):
        connection = FreshBooksConnection.objects.get()
    checked = connection.own_gateway_checked_at
    if checked is None or (not_older_than and timezone.now() - checked > not_older_than):
        return refresh_own_gateway(run)
    return str(connection.own_gateway)


def refresh_own_gateway(run: SyncRun) -> str:
    """Ask FreshBooks for the gateways of the business, and remember them.

    A grant that may not ask counts as none: *Ping* says which permission is missing.
    """
    try:
        found = run.freshbooks.gateway()
    except VendorRefused:
        found = ()
    except CredentialRejected as refusal:
        if refusal.status != MAY_NOT_ASK:
            raise
        found = ()
    return remember_own_gateway(run.tenant_id, found)


def remember_own_gateway(tenant_id: int, found: tuple[GatewayConnection, ...]) -> str:
    """Keep what was found with the connection; answer the gateways' names."""
    names = ", ".join(gateway.name for gateway in found)[:120]
    with tenant_scope(tenant_id):
        FreshBooksConnection.objects.update(
            own_gateway=names, own_gateway_checked_at=timezone.now()
        )
    return names


def _ask(run: SyncRun, link: InvoiceLink, invoice: FreshBooksInvoice) -> str:
    """How FreshBooks collects it now, kept on the link; "" if it does not."""
    gateway = own_gateway(run)
    asks = bool(gateway) and not invoice.auto_bill
    found = AUTOBILL if invoice.auto_bill else ""
    if asks and _has_pay_button(run, invoice):
        found = PAY_BUTTON
    if not asks and found == link.own_collector:
        return found
    before, link.own_collector = link.own_collector, found
    link.own_collector_at = timezone.now()
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        link.save(update_fields=["own_collector", "own_collector_at"])
        if found != before:
            record(
                tenant_id=run.tenant_id,
                action="invoice.own_collector_changed",
                entity=link.entity,
                cause=run.job.cause,
                details={"before": before, "after": found, "gateway": gateway},
            )
    return found


def _has_pay_button(run: SyncRun, invoice: FreshBooksInvoice) -> bool:
    try:
        return run.freshbooks.payment_options(invoice_id=invoice.id).collects_online
    except VendorNotFound:
        return False
