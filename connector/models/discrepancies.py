"""Where the two sides do not agree, and what to do about it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from connector.models.links import InvoiceLink
from tenants.models import TenantOwned


class Discrepancy(TenantOwned):
    """One difference, with both figures. Closes by itself once both sides agree."""

    class Severity(models.TextChoices):
        INFO = "info", "For information"
        WARNING = "warning", "Look at it"
        ERROR = "error", "Act on it"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=120)
    invoice = models.ForeignKey(
        InvoiceLink, on_delete=models.CASCADE, null=True, blank=True, related_name="discrepancies"
    )
    severity = models.CharField(max_length=8, choices=Severity)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    currency = models.CharField(max_length=3, blank=True)
    freshbooks_minor = models.BigIntegerField(null=True, blank=True)
    stripe_minor = models.BigIntegerField(null=True, blank=True)
    explanation = models.TextField()
    suggested_step = models.TextField(blank=True)
    owner = models.CharField(max_length=150, blank=True, help_text="Who looks after it.")
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    reopened = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "discrepancies"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "subject"], name="one_row_per_difference"
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "severity"], condition=Q(state="open"), name="open_discrepancies"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
