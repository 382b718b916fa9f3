"""Connections of tenants to both vendors, and the credentials, sealed."""

from __future__ import annotations

from django.db import models
from fernet_fields import EncryptedTextField

from config.sealing import Sealed
from tenants.models.tenant import TenantOwned


class OnboardingLink(TenantOwned):
    """A link that lets a tenant's own people connect both vendors. Only its digest is stored."""

    token_digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"onboarding link of {self.tenant_id}, expires {self.expires_at:%Y-%m-%d}"


class FreshBooksGrant(models.Model):
    """One OAuth grant, by FreshBooks identity: a second one would kill the first (ADR 5).

    Not tenant-owned: one person may own several businesses, each a tenant of ours, and FreshBooks
    lets one refresh token per person and app live. Reached only through a tenant's connection.
    """

    identity_id = models.BigIntegerField(unique=True)
    email = models.CharField(max_length=320, blank=True)
    scopes = models.TextField(blank=True)
    access_token_sealed = EncryptedTextField(blank=True)
    refresh_token_sealed = EncryptedTextField(blank=True)
    access_token = Sealed()
    refresh_token = Sealed()
    expires_at = models.DateTimeField()
    refresh_at = models.DateTimeField()
    generation = models.BigIntegerField(default=1)
    refresh_lease_until = models.DateTimeField(null=True, blank=True)
    refused_at = models.DateTimeField(
        null=True, blank=True, help_text="When FreshBooks last refused the refresh token."
    )
    lost_at = models.DateTimeField(null=True, blank=True)
    lost_reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    refreshed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"FreshBooks login {self.identity_id}"

    @property
    def seal_owner(self) -> str:
        """Whose secrets this row holds: a person's at FreshBooks, not one tenant's."""
        return f"identity:{self.identity_id}"


class ConnectionState(models.TextChoices):
    """Where a connection stands; what a person must do follows from it."""

    CONNECTED = "connected", "Connected"
    NEEDS_REAUTH = "needs_reauth", "Needs to be connected again"
    DISCONNECTED = "disconnected", "Disconnected"


class FreshBooksConnection(TenantOwned):
    """One tenant's FreshBooks business. An account belongs to one tenant only."""

    grant = models.ForeignKey(FreshBooksGrant, on_delete=models.PROTECT, related_name="connections")
    account_id = models.CharField(max_length=40, unique=True)
    business_id = models.BigIntegerField()
    business_name = models.CharField(max_length=200)
    state = models.CharField(
        max_length=20, choices=ConnectionState, default=ConnectionState.CONNECTED
    )
    connected_at = models.DateTimeField(auto_now_add=True)
    last_ping_at = models.DateTimeField(null=True, blank=True)
    last_ping = models.JSONField(default=list, blank=True)
    own_gateway = models.CharField(
        max_length=120,
        blank=True,
        help_text="What FreshBooks itself takes money through; empty: none.",
    )
    own_gateway_checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="one_freshbooks_per_tenant"),
        ]
        verbose_name = "FreshBooks connection"

    def __str__(self) -> str:
        return f"{self.business_name} ({self.account_id})"


class StripeConnection(TenantOwned):
    """One tenant's Stripe account, reached by an API key."""

    account_id = models.CharField(max_length=60, unique=True)
    account_name = models.CharField(max_length=200, blank=True)
    country = models.CharField(max_length=2, blank=True)
    livemode = models.BooleanField(default=False)
    api_key_sealed = EncryptedTextField(blank=True)
    api_key = Sealed()
    api_key_hint = models.CharField(max_length=20, help_text="Kind and last four characters.")
    endpoint_id = models.CharField(max_length=60, blank=True)
    endpoint_token_digest = models.CharField(max_length=64, blank=True, db_index=True)
    endpoint_secret_sealed = EncryptedTextField(blank=True)
    endpoint_secret = Sealed()
    state = models.CharField(
        max_length=20, choices=ConnectionState, default=ConnectionState.CONNECTED
    )
    connected_at = models.DateTimeField(auto_now_add=True)
    last_ping_at = models.DateTimeField(null=True, blank=True)
    last_ping = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="one_stripe_per_tenant"),
        ]
        verbose_name = "Stripe connection"

    def __str__(self) -> str:
        return f"{self.account_name or self.account_id}{'' if self.livemode else ' (test mode)'}"


class FreshBooksCallback(TenantOwned):
    """One registered callback: one event, one URL, one signing key (the verifier).

    The row exists before FreshBooks is asked, because the handshake may arrive before the answer.
    """

    class State(models.TextChoices):
        REGISTERING = "registering", "Registering"
        CONFIRMING = "confirming", "Handshake received"
        ACTIVE = "active", "Active"

    event = models.CharField(max_length=40)
    token_digest = models.CharField(max_length=64, unique=True)
    callback_id = models.BigIntegerField(null=True, blank=True)
    verifier_sealed = EncryptedTextField(blank=True)
    verifier = Sealed()
    state = models.CharField(max_length=12, choices=State, default=State.REGISTERING)
    created_at = models.DateTimeField(auto_now_add=True)
    last_delivery_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "event"], name="one_callback_per_event"),
        ]
        verbose_name = "FreshBooks callback"

    def __str__(self) -> str:
        return f"{self.event} ({self.get_state_display()})"


class OAuthState(TenantOwned):
    """One attempt to connect FreshBooks: single use, ten minutes, bound to session and tenant.

    `used_at` ends the state of the redirect; `chosen_at` ends the choice of a business after it.
    """

    state_digest = models.CharField(max_length=64, unique=True)
    session_digest = models.CharField(max_length=64)
    started_by = models.CharField(max_length=150)
    return_to_sealed = EncryptedTextField()  # sealed, for it may hold an onboarding link
    return_to = Sealed()
    code_verifier_sealed = EncryptedTextField()
    code_verifier = Sealed()
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    grant = models.ForeignKey(
        FreshBooksGrant, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    offered = models.JSONField(default=list, blank=True, help_text="Businesses to choose from.")
    chosen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "connect attempt"

    def __str__(self) -> str:
        return f"connect attempt of {self.tenant_id} at {self.created_at:%Y-%m-%d %H:%M}"
