"""Budgets and counters of calls to the vendors, shared by all workers."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from tenants.models import TenantOwned

MOST_PER_S = 10_000


class RateBucket(TenantOwned):
    """A token bucket per tenant's vendor account, and per endpoint of it that has a limit.

    The row without an endpoint is the account: it also holds what is in flight, the circuit breaker
    and the month's reads. Empty means: later, not: wait here.
    """

    vendor = models.CharField(max_length=12)
    endpoint = models.CharField(
        max_length=60, blank=True, default="", db_default="", help_text="Empty: the whole account."
    )
    rate_per_s = models.DecimalField(
        "calls per second",
        max_digits=8,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(MOST_PER_S)],
        help_text="Empty: the setting's value.",
    )
    capacity = models.DecimalField(
        "calls at once",
        max_digits=8,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(MOST_PER_S)],
        help_text="How many may follow each other without a pause. Empty: fits the rate.",
    )
    most_in_flight = models.PositiveSmallIntegerField(
        "workers at once",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="How many workers may call this account at the same time. "
        "Empty: the setting's value.",
    )
    reads_allowed = models.PositiveIntegerField(
        "reads per month",
        null=True,
        blank=True,
        validators=[MinValueValidator(1000), MaxValueValidator(1_000_000_000)],
        help_text="Empty: 500 per payment of the last 30 days, at least 10,000.",
    )
    tokens = models.DecimalField(max_digits=12, decimal_places=6)
    updated_at = models.DateTimeField()
    blocked_until = models.DateTimeField(
        null=True, blank=True, help_text="The vendor said: later, or it does not answer."
    )
    failures = models.PositiveIntegerField(
        default=0,
        help_text="Calls in a row that it did not answer, or answered with an error of its own.",
    )
    # What the vendor's 429s taught: the rate at the last one, what it was lowered to, how long it
    # takes to get back there.
    ceiling_per_s = models.FloatField(null=True, blank=True)
    lowered_per_s = models.FloatField(null=True, blank=True)
    lowered_at = models.DateTimeField(null=True, blank=True)
    recovery_s = models.FloatField(default=0, db_default=0)
    in_flight = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        help_text="Who calls now: worker, and until when at the latest (epoch).",
    )
    slow_until = models.DateTimeField(
        null=True, blank=True, help_text="It answers slowly: one worker at a time until then."
    )
    turn_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last of the jobs that were sent away comes back."
    )
    later_turn_at = models.DateTimeField(
        null=True, blank=True, help_text="The same of what was found by looking."
    )
    reads_month = models.DateField(null=True, blank=True)
    reads = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "vendor", "endpoint"], name="one_bucket_per_endpoint"
            ),
        ]
        indexes = [
            models.Index(
                fields=["vendor", "updated_at"],
                condition=models.Q(endpoint=""),
                name="account_by_last_call",
            ),
        ]
        verbose_name = "rate limit"

    def __str__(self) -> str:
        return f"{self.vendor} {self.endpoint}".strip()


class VendorIncident(models.Model):
    """A vendor that many tenants' calls got no answer from, one row per vendor.

    Belongs to no tenant: while it is open one call a minute is tried, whoever's it is.
    """

    vendor = models.CharField(max_length=12, unique=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    probe_at = models.DateTimeField(null=True, blank=True, help_text="When one call is tried.")
    closed_at = models.DateTimeField(null=True, blank=True)
    failing = models.PositiveIntegerField(default=0, help_text="Accounts without answers.")
    calling = models.PositiveIntegerField(default=0, help_text="Accounts that called then.")

    class Meta:
        verbose_name = "vendor incident"

    def __str__(self) -> str:
        return f"{self.vendor}: {'no answers' if self.opened_at else 'answers'}"


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
