"""Listing events after a gap, and registering our webhook endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.vendors.stripe.api import StripeApi, path_to
from connector.vendors.stripe.http import API_VERSION
from connector.vendors.stripe.pages import page_params, to_page
from connector.vendors.stripe.parsing import to_event, to_webhook_endpoint
from connector.vendors.stripe.records import StripeEvent, StripePage, StripeWebhookEndpoint
from connector.vendors.stripe.subscriptions import MAX_TYPES_PER_CALL


class EventCalls(StripeApi):
    """Operations stripe.events.* and stripe.webhook_endpoints.*."""

    def list_events(
        self, *, types: Sequence[str], created_gte: datetime | None = None, cursor: str = ""
    ) -> StripePage[StripeEvent]:
        """One page of events of the last 30 days, newest first, of at most 20 types."""
        if not 0 < len(types) <= MAX_TYPES_PER_CALL:
            raise ValueError(f"Between 1 and {MAX_TYPES_PER_CALL} event types at a time.")
        params = page_params(cursor, created_gte=created_gte)
        return self.read(
            "stripe.events.list",
            path_to("events"),
            to_page(to_event),
            params={**params, "types": list(types)},
        )

    def create_webhook_endpoint(
        self,
        *,
        url: str,
        enabled_events: Sequence[str],
        description: str,
        metadata: dict[str, str],
        idempotency_key: str,
    ) -> StripeWebhookEndpoint:
        """Register our endpoint, pinned to our API version. Only this answer has the secret."""
        return self.write(
            "stripe.webhook_endpoints.create",
            path_to("webhook_endpoints"),
            to_webhook_endpoint,
            body={
                "url": url,
                "enabled_events": list(enabled_events),
                "api_version": API_VERSION,
                "description": description,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )

    def list_webhook_endpoints(self, *, cursor: str = "") -> StripePage[StripeWebhookEndpoint]:
        """One page of the account's endpoints, other products' included."""
        return self.read(
            "stripe.webhook_endpoints.list",
            path_to("webhook_endpoints"),
            to_page(to_webhook_endpoint),
            params=page_params(cursor),
        )

    def delete_webhook_endpoint(self, endpoint_id: str) -> None:
        """Remove an endpoint; Stripe then retries nothing that was still under way."""
        self.delete("stripe.webhook_endpoints.delete", path_to("webhook_endpoints", endpoint_id))
