"""Deliveries as both vendors send them: signed bodies, and requests that carry them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Sum
from django.http import HttpResponse
from django.test import RequestFactory

from connector.models import Delivery, RefusedDelivery, SyncJob
from connector.vendors.freshbooks.callbacks import signature_of
from connector.vendors.stripe.records import StripeEvent
from connector.views.webhooks import receive_freshbooks_callback, receive_stripe_event
from tenants.models import FreshBooksCallback, StripeConnection, Tenant, token_digest
from tenants.scope import every_tenant, tenant_scope
from tests.factories import make_stripe_connection, unique

REQUESTS = RequestFactory()


def event(event_id: str = "", **values: Any) -> StripeEvent:
    """An event as the vendor code reads it."""
    fields: dict[str, Any] = {
        "id": event_id or unique("evt_"),
        "type": "invoice.paid",
        "created_at": datetime.now(UTC),
        "livemode": False,
        "account_id": "",
        "object_type": "invoice",
        "object_id": "in_1",
        "invoice_id": "in_1",
        "payment_id": "",
        "customer_id": "",
        "idempotency_key": "",
    } | values
    return StripeEvent(**fields)


def deliveries(tenant: Tenant) -> list[Delivery]:
    with tenant_scope(tenant.pk):
        return list(Delivery.objects.order_by("pk"))


def jobs(tenant: Tenant, **only: Any) -> list[SyncJob]:
    with tenant_scope(tenant.pk):
        return list(SyncJob.objects.filter(**only).order_by("pk"))


def refusals() -> dict[tuple[str, str], int]:
    """How many were refused, of all days: the day may end while a test runs."""
    sums = RefusedDelivery.objects.order_by().values_list("source", "reason").annotate(Sum("count"))
    return {(source, reason): count for source, reason, count in sums}


def everything_stored() -> tuple[int, int]:
    """How many deliveries and jobs there are, of all tenants."""
    with every_tenant():
        return Delivery.objects.count(), SyncJob.objects.count()


# Stripe ---------------------------------------------------------------------------------------


class StripeEndpoint:
    """A tenant's endpoint, and what Stripe would post to it."""

    def __init__(self, tenant: Tenant, **connection: Any) -> None:
        self.token, self.secret = unique("token-"), unique("whsec_")
        self.connection: StripeConnection = make_stripe_connection(
            tenant,
            endpoint_token_digest=token_digest(self.token),
            endpoint_secret=self.secret,
            **connection,
        )

    def body(self, event_id: str = "evt_1", **values: Any) -> bytes:
        snapshot = {
            "id": event_id,
            "object": "event",
            "type": "invoice.paid",
            "created": int(time.time()),
            "livemode": False,
            "data": {"object": {"id": "in_1", "object": "invoice"}},
        } | values
        return json.dumps(snapshot).encode()

    def signature(self, body: bytes, *, secret: str = "", at: float = 0) -> str:
        stamp = str(int(at or time.time()))
        message = f"{stamp}.".encode() + body
        digest = hmac.new((secret or self.secret).encode(), message, hashlib.sha256)
        return f"t={stamp},v1={digest.hexdigest()}"

    def post(
        self, body: bytes, signature: str | None = None, token: str = "", **more: Any
    ) -> HttpResponse:
        headers = {"Stripe-Signature": self.signature(body) if signature is None else signature}
        if signature == "":
            headers = {}
        request = REQUESTS.post(
            "/", body, content_type="application/json", headers=headers | more.pop("headers", {})
        )
        return receive_stripe_event(request, token or self.token)


# FreshBooks -----------------------------------------------------------------------------------


class FreshBooksAddress:
    """One callback of a tenant, and what FreshBooks would post to it."""

    def __init__(self, tenant: Tenant, state: str = "active", verifier: str = "v-secret") -> None:
        self.token, self.verifier = unique("token-"), verifier
        row = FreshBooksCallback(
            tenant=tenant,
            event="invoice.update",
            token_digest=token_digest(self.token),
            callback_id=77,
            state=state,
        )
        row.verifier = verifier
        with tenant_scope(tenant.pk):
            row.save()
        self.pk = row.pk

    def row(self) -> FreshBooksCallback:
        with every_tenant():
            found: FreshBooksCallback = FreshBooksCallback.objects.get(pk=self.pk)
            return found

    def fields(self, **values: str) -> dict[str, str]:
        return {
            "name": "invoice.update",
            "object_id": "1234",
            "account_id": "xZNQ1X",
            "business_id": "5",
            "identity_id": "9",
            "user_id": "1",
        } | values

    def post(
        self,
        fields: dict[str, str],
        *,
        signature: str | None = None,
        token: str = "",
        body: bytes | None = None,
    ) -> HttpResponse:
        signed = signature_of(fields, self.verifier) if signature is None else signature
        headers = {"X-FreshBooks-Hmac-SHA256": signed} if signed else {}
        request = REQUESTS.post(
            "/",
            urlencode(fields).encode() if body is None else body,
            content_type="application/x-www-form-urlencoded",
            headers=headers,
        )
        return receive_freshbooks_callback(request, token or self.token)
