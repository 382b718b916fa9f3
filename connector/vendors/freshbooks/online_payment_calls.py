"""Whether FreshBooks itself collects an invoice online. Read-only: one collector per invoice."""

from __future__ import annotations

from connector.vendors.freshbooks.api import Call, FreshBooksApi
from connector.vendors.freshbooks.envelopes import Family
from connector.vendors.freshbooks.parsing import to_gateway_connections, to_payment_options
from connector.vendors.freshbooks.records import GatewayConnection, PaymentOptions


class OnlinePaymentCalls(FreshBooksApi):
    """Operations freshbooks.payment_options.get and freshbooks.gateway.get."""

    def payment_options(self, *, invoice_id: int) -> PaymentOptions:
        """How FreshBooks would collect this invoice. Raises VendorNotFound if it never would."""
        return self.call(
            Call(
                operation="freshbooks.payment_options.get",
                method="GET",
                path=f"/payments/account/{self.account_id}/invoice/{invoice_id:d}/payment_options",
                family=Family.ONLINE_PAYMENTS,
            ),
            to_payment_options,
        )

    def gateway(self) -> tuple[GatewayConnection, ...]:
        """The gateways that the business has connected to FreshBooks; empty if none."""
        return self.call(
            Call(
                operation="freshbooks.gateway.get",
                method="GET",
                path=f"/payments/account/{self.account_id}/gateway",
                family=Family.ONLINE_PAYMENTS,
            ),
            to_gateway_connections,
        )
