"""Stretches of time in which nothing was read for a tenant, and what catching up found."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models import TenantOwned


class Gap(TenantOwned):
    """One outage as one tenant saw it: from the last look to the first one after it.

    Its correlation id is that of all the work which catching up queued.
    """

    class State(models.TextChoices):
        OPEN = "open", "Being caught up"
        CLOSED = "closed", "Caught up"

    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    began_at = models.DateTimeField(help_text="The last look before it.")
    ended_at = models.DateTimeField(help_text="When looking began again.")
    beyond_events = models.BooleanField(
        default=False,
        help_text="Longer than Stripe keeps events: every open invoice was looked at instead.",
    )
    correlation_id = models.UUIDField()
    feeds = models.JSONField(default=list, help_text="The feeds that had been read before.")
    findings = models.JSONField(default=dict, help_text="What each feed found, by feed.")
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(state="open"), name="one_open_gap"
            ),
        ]
        verbose_name = "outage"
        indexes = [models.Index(fields=["tenant", "-ended_at"], name="gap_by_time")]

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M} to {self.ended_at:%Y-%m-%d %H:%M}"

    @property
    def found(self) -> int:
        """How much all feeds together found that nobody had told of."""
        return sum(int(finding["found"]) for finding in self.findings.values())

    @property
    def missing(self) -> list[str]:
        """The feeds that are still to be read."""
        return [feed for feed in self.feeds if feed not in self.findings]
