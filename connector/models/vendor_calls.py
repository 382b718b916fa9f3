"""Budgets and counters of calls to the vendors, shared by all workers."""

from __future__ import annotations

from django.db import models

from tenants.models import TenantOwned


class RateBucket(TenantOwned):
    """A token bucket per tenant's vendor account. Empty means: later, not: wait here."""

    vendor = models.CharField(max_length=12)
    rate_per_s = models.DecimalField(max_digits=8, decimal_places=3)
    capacity = models.DecimalField(max_digits=8, decimal_places=3)
    tokens = models.DecimalField(max_digits=12, decimal_places=6)
    updated_at = models.DateTimeField()
    blocked_until = models.DateTimeField(
        null=True, blank=True, help_text="The vendor said: later, or it does not answer."
    )
    failures = models.PositiveIntegerField(
        default=0,
        help_text="Calls in a row that it did not answer, or answered with an error of its own.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "vendor"], name="one_bucket_per_vendor"),
        ]
        verbose_name = "rate limit"

    def __str__(self) -> str:
        return f"{self.vendor}: {self.rate_per_s}/s"


class CallCount(TenantOwned):
    """Calls per day and operation, by outcome."""

    day = models.DateField()
    vendor = models.CharField(max_length=12)
    operation = models.CharField(max_length=60)
    outcome = models.CharField(max_length=12)
    calls = models.BigIntegerField(default=0)
    total_ms = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "day", "operation", "outcome"], name="one_call_counter"
            ),
        ]
        verbose_name = "vendor call count"

    def __str__(self) -> str:
        return f"{self.day} {self.operation} {self.outcome}: {self.calls}"
