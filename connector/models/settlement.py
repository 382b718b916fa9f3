"""What Stripe's balance did: every movement with its fee, and the payouts to the bank."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models import TenantOwned


class BalanceMovement(TenantOwned):
    """One Stripe balance transaction, in minor units of the settlement currency."""

    stripe_id = models.CharField(max_length=80)
    type = models.CharField(max_length=60)
    reporting_category = models.CharField(max_length=60, blank=True)
    source_id = models.CharField(max_length=80, blank=True)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    exchange_rate = models.DecimalField(max_digits=24, decimal_places=12, null=True, blank=True)
    description = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=20, blank=True)
    payout_id = models.CharField(max_length=80, blank=True, help_text="Once it was paid out.")
    payment_id = models.CharField(
        max_length=80, blank=True, help_text="The payment that it belongs to: pi_… or ch_…."
    )
    unresolved = models.BooleanField(
        default=False, help_text="Its payment is not known here yet: it is being looked up."
    )
    created_at = models.DateTimeField()
    available_on = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(auto_now_add=True, help_text="By our clock.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "stripe_id"], name="one_row_per_movement"),
        ]
        indexes = [
            models.Index(fields=["tenant", "created_at"], name="movement_by_time"),
            models.Index(fields=["tenant", "source_id"], name="movement_by_source"),
            models.Index(fields=["tenant", "payout_id"], name="movement_by_payout"),
            models.Index(
                fields=["tenant"], condition=Q(unresolved=True), name="movement_unresolved"
            ),
        ]
        verbose_name = "balance movement"

    def __str__(self) -> str:
        return f"movement {self.stripe_id}"


class Payout(TenantOwned):
    """One payout to the tenant's bank account: what the deposit on the bank statement is made of."""

    stripe_id = models.CharField(max_length=80)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=20)
    automatic = models.BooleanField(default=True)
    reconciliation = models.CharField(
        max_length=20, blank=True, help_text="Stripe's: completed once its movements are final."
    )
    created_at = models.DateTimeField()
    arrives_on = models.DateField()
    movements_read_at = models.DateTimeField(
        null=True, blank=True, help_text="When the movements it is made of were read."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "stripe_id"], name="one_row_per_payout"),
        ]
        indexes = [models.Index(fields=["tenant", "arrives_on"], name="payout_by_arrival")]

    def __str__(self) -> str:
        return f"payout {self.stripe_id}"
