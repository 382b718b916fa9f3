"""How far each vendor's feed was read, and when to look again."""

from __future__ import annotations

from django.db import models

from tenants.models import TenantOwned

SILENT_AFTER = 3  # looks in a row


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
    quiet = models.PositiveIntegerField(default=0, help_text="Looks in a row that found nothing.")
    silent = models.PositiveIntegerField(
        default=0, help_text="Looks in a row that found what webhooks should have told."
    )
    last_result = models.CharField(max_length=300, blank=True)

    @property
    def webhooks_are_silent(self) -> bool:
        """Whether what happens is found by polling only."""
        return self.silent >= SILENT_AFTER

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "feed"], name="one_feed_row"),
        ]
        indexes = [models.Index(fields=["next_due_at"], name="feed_due")]
        verbose_name = "poll feed"

    def __str__(self) -> str:
        return self.get_feed_display()
