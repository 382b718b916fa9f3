"""Deliveries from both vendors, as they came in: by webhook, or found by polling."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models import Tenant, TenantOwned


class Delivery(TenantOwned):
    """One verified hint that an object may have changed. The object itself is always re-read."""

    class Source(models.TextChoices):
        STRIPE = "stripe", "Stripe"
        FRESHBOOKS = "freshbooks", "FreshBooks"

    class Via(models.TextChoices):
        WEBHOOK = "webhook", "Webhook"
        POLL = "poll", "Found by polling"

    class State(models.TextChoices):
        RECEIVED = "received", "Received"
        ROUTED = "routed", "Routed to work"
        IGNORED = "ignored", "Nothing to do"
        QUARANTINED = "quarantined", "Quarantined"

    # A busy table, and other indexes begin with the tenant: one of its own would only cost.
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    source = models.CharField(max_length=12, choices=Source)
    via = models.CharField(max_length=8, choices=Via)
    event_id = models.CharField(
        max_length=120, blank=True, help_text="Stripe's event id; FreshBooks sends none."
    )
    event_type = models.CharField(max_length=80)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=120)
    invoice_id = models.CharField(
        max_length=120, blank=True, help_text="The vendor's invoice id, when the event names one."
    )
    payment_id = models.CharField(
        max_length=120, blank=True, help_text="The PaymentIntent or charge that the event is about."
    )
    customer_id = models.CharField(max_length=120, blank=True)
    caused_by_key = models.CharField(
        max_length=255, blank=True, help_text="Idempotency key of the request that caused it."
    )
    state = models.CharField(max_length=12, choices=State, default=State.RECEIVED)
    note = models.CharField(max_length=300, blank=True)
    duplicates = models.PositiveIntegerField(default=0)
    happened_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "source", "event_id"],
                condition=~Q(event_id=""),
                name="one_delivery_per_event",
            ),
            models.UniqueConstraint(
                fields=["tenant", "source", "event_type", "object_id"],
                condition=Q(event_id="", state="received"),
                name="unnumbered_deliveries_coalesce",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-received_at"], name="delivery_by_time"),
            models.Index(fields=["tenant", "object_id"], name="delivery_by_object"),
            models.Index(fields=["tenant", "invoice_id"], name="delivery_by_invoice"),
            models.Index(
                fields=["tenant", "payment_id"],
                condition=~Q(payment_id=""),
                name="delivery_by_payment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.object_id}"


class RefusedDelivery(models.Model):
    """A counter per day, source and reason. Nothing else of a refused delivery is kept."""

    day = models.DateField()
    source = models.CharField(max_length=12)
    reason = models.CharField(max_length=40)
    count = models.BigIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "refused deliveries"
        constraints = [
            models.UniqueConstraint(fields=["day", "source", "reason"], name="one_refusal_counter"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.source} {self.reason}: {self.count}"
