"""Tenants, their connections to both vendors, and the credentials, sealed."""

from __future__ import annotations

from tenants.models.connections import (
    ConnectionState,
    FreshBooksCallback,
    FreshBooksConnection,
    FreshBooksGrant,
    OAuthState,
    OnboardingLink,
    StripeConnection,
)
from tenants.models.tenant import (
    Tenant,
    TenantOwned,
    new_url_token,
    token_digest,
    validate_time_zone,
)

__all__ = [
    "ConnectionState",
    "FreshBooksCallback",
    "FreshBooksConnection",
    "FreshBooksGrant",
    "OAuthState",
    "OnboardingLink",
    "StripeConnection",
    "Tenant",
    "TenantOwned",
    "new_url_token",
    "token_digest",
    "validate_time_zone",
]
