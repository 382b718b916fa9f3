"""Webhooks of both sides together."""

from __future__ import annotations

from audit.recording import Cause
from connector.connecting.freshbooks_callbacks import (
    register_freshbooks_callbacks,
    unregister_freshbooks_callbacks,
)
from connector.connecting.stripe_endpoint import (
    register_stripe_endpoint,
    unregister_stripe_endpoint,
)


def register_webhooks(tenant_id: int, *, cause: Cause, renew: bool = False) -> str:
    """Make sure that both vendors tell us of changes; what was done. Running it again is harmless.

    `renew` replaces working ones too, e.g. after a secret has leaked.
    """
    endpoint = register_stripe_endpoint(tenant_id, cause=cause, renew=renew)
    callbacks = register_freshbooks_callbacks(tenant_id, cause=cause, renew=renew)
    if not endpoint and not callbacks:
        return "all in place"
    return (
        f"Stripe endpoint {'made' if endpoint else 'kept'}, {callbacks} FreshBooks callbacks made"
    )


def unregister_webhooks(tenant_id: int) -> str:
    """Take our registrations back on both sides; what was done."""
    endpoints = unregister_stripe_endpoint(tenant_id)
    callbacks = unregister_freshbooks_callbacks(tenant_id)
    return f"{endpoints} Stripe endpoints and {callbacks} FreshBooks callbacks removed"
