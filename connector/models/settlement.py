"""What Stripe's balance did: every movement with its fee, and the payouts to the bank."""

from __future__ import annotations

from django.db import models

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
    created_at = models.DateTimeField()
    available_on = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "stripe_id"], name="one_row_per_movement"),
        ]
        indexes = [
            models.Index(fields=["tenant", "created_at"], name="movement_by_time"),
            models.Index(fields=["tenant", "source_id"], name="movement_by_source"),
            models.Index(fields=["tenant", "payout_id"], name="movement_by_payout"),
        ]
        verbose_name = "balance movement"

    def __str__(self) -> str:
        return self.stripe_id


class Payout(TenantOwned):
    """One payout to the tenant's bank account: what the deposit on the bank statement is made of."""

    stripe_id = models.CharField(max_length=80)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=20)
    automatic = models.BooleanField(default=True)
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
        return self.stripe_id
