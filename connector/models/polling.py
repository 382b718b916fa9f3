"""How far each vendor's feed was read, and when to look again."""

from __future__ import annotations

from django.db import models

from tenants.models import TenantOwned


class PollFeed(TenantOwned):
    """One feed of one tenant: what Beat's tick looks at, by index."""

    class Feed(models.TextChoices):
        FRESHBOOKS = "freshbooks", "FreshBooks: clients and invoices"
        STRIPE = "stripe", "Stripe: events"
        MONEY = "money", "Stripe: movements of money"
        RECONCILE = "reconcile", "Full reconciliation"

    feed = models.CharField(max_length=12, choices=Feed)
    next_due_at = models.DateTimeField()
    watermarks = models.JSONField(
        default=dict, blank=True, help_text="Highest change seen, per list."
    )
    last_started_at = models.DateTimeField(null=True, blank=True)
    last_finished_at = models.DateTimeField(null=True, blank=True)
    last_result = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "feed"], name="one_feed_row"),
        ]
        indexes = [models.Index(fields=["next_due_at"], name="feed_due")]
        verbose_name = "poll feed"

    def __str__(self) -> str:
        return self.get_feed_display()
