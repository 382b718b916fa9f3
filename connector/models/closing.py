"""Closed months: what the books said when they were closed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models import TenantOwned


class ClosedPeriod(TenantOwned):
    """A month that somebody closed. What changes later is shown as "changed since close"."""

    month = models.DateField(help_text="Its first day.")
    closed_at = models.DateTimeField()
    closed_by = models.CharField(max_length=150)
    statement_hash = models.CharField(max_length=64)
    figures = models.JSONField(help_text="The figures of each invoice and total at that moment.")
    reopened_at = models.DateTimeField(null=True, blank=True)
    reopened_by = models.CharField(max_length=150, blank=True)
    reopened_because = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "month"],
                condition=Q(reopened_at__isnull=True),
                name="a_month_is_closed_once",
            ),
        ]
        verbose_name = "closed month"

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
