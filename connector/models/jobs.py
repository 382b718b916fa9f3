"""The work ledger: every unit of work is a row (ADR 1). Written by `connector.jobs` only."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from tenants.models import Tenant, TenantOwned


class SyncJob(TenantOwned):
    """One thing to do for one tenant.

    At most one waiting job per (tenant, kind, subject): a new hint coalesces into it. At most one
    running job per (tenant, lane): work on the same entity never overlaps.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        HELD = "held", "Held: needs a person"
        DEAD = "dead", "Failed for good"
        SUPERSEDED = "superseded", "Superseded by a later run"

    # A busy table, and other indexes begin with the tenant: one of its own would only cost.
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField(
        default=1,
        db_default=1,  # an older version, which does not know the column, still adds jobs
        help_text="Of the kind: workers leave rows alone that are newer than their code.",
    )
    subject = models.CharField(max_length=120, blank=True)
    lane = models.CharField(max_length=160)
    queue = models.CharField(max_length=20)
    priority = models.SmallIntegerField(default=50, help_text="Lower runs first.")
    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0, help_text="Counted when a worker claims it.")
    deaths = models.PositiveSmallIntegerField(
        default=0, help_text="How often the worker died while it ran."
    )
    fence = models.BigIntegerField(default=0)
    begun_fence = models.BigIntegerField(
        default=0, help_text="The fence of the run that was last begun, not only claimed."
    )
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=120, blank=True)

    failure_mode = models.CharField(max_length=20, blank=True)
    failure_code = models.CharField(max_length=80, blank=True)
    failure_message = models.TextField(blank=True)
    next_step = models.TextField(blank=True)
    request_id = models.CharField(max_length=120, blank=True)
    outcome = models.CharField(max_length=300, blank=True, help_text="What the last run did.")

    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=300)
    correlation_id = models.UUIDField(default=uuid.uuid4)
    hints = models.PositiveIntegerField(default=1, help_text="How many hints coalesced into it.")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "job"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "subject"],
                condition=Q(state__in=["queued", "held"]),
                name="one_waiting_job_per_subject",
            ),
            models.UniqueConstraint(
                fields=["tenant", "lane"],
                condition=Q(state="running"),
                name="one_running_job_per_lane",
            ),
        ]
        indexes = [
            models.Index(fields=["queue", "due_at"], condition=Q(state="queued"), name="job_ready"),
            models.Index(
                fields=["queue", "tenant", "priority", "due_at", "id"],
                condition=Q(state="queued"),
                name="job_turns",
            ),
            models.Index(
                fields=["tenant", "kind", "subject"], condition=Q(state="dead"), name="job_dead"
            ),
            # Of no use to who asks what runs for a tenant: that is what the index of the lanes is for,
            # and Postgres, which expects hardly a running row, would take either.
            models.Index(
                fields=["lease_expires_at"],
                condition=Q(state="running", lease_expires_at__isnull=False),
                name="job_lease_ends",
            ),
            models.Index(fields=["tenant", "kind", "subject"], name="job_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".strip()
