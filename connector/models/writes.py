"""Intents: every write to a vendor is a row before it is a call (ADR 4)."""

from __future__ import annotations

from django.db import models

from tenants.models import TenantOwned


class VendorWrite(TenantOwned):
    """One write: what was meant, with which key and body, and how it ended.

    The body is frozen with the key, so a retry sends exactly what was sent before.
    """

    class State(models.TextChoices):
        SENDING = "sending", "Sent, no answer yet"
        CONFIRMED = "confirmed", "Confirmed"
        REJECTED = "rejected", "Refused"
        UNKNOWN = "unknown", "Outcome unknown"

    vendor = models.CharField(max_length=12)
    operation = models.CharField(max_length=60)
    entity = models.CharField(max_length=120)
    revision = models.PositiveIntegerField(default=1)
    step = models.CharField(max_length=40)
    key_version = models.PositiveSmallIntegerField(default=1)
    idempotency_key = models.CharField(max_length=255)
    body = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.SENDING)
    result = models.JSONField(default=dict, blank=True, help_text="Ids and figures of the answer.")
    vendor_object_id = models.CharField(max_length=80, blank=True)
    request_id = models.CharField(max_length=120, blank=True)
    error = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    correlation_id = models.UUIDField(null=True)
    first_sent_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "vendor", "idempotency_key"], name="one_intent_per_key"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "entity"], name="write_by_entity")]
        verbose_name = "vendor write"

    def __str__(self) -> str:
        return f"{self.operation} {self.entity}"
