"""Plans: what would be done, shown before it is done (D9)."""

from __future__ import annotations

import uuid

from django.db import models

from tenants.models import TenantOwned


class Plan(TenantOwned):
    """A list of steps with a hash. Only the approved hash is applied, and only to the same world."""

    class Purpose(models.TextChoices):
        IMPORT = "import", "First import"
        MODE = "mode", "Change of payment mode"
        REPLAY = "replay", "Bulk replay"
        UNDO = "undo", "Undo of an import"

    class State(models.TextChoices):
        BUILDING = "building", "Being made"
        PROPOSED = "proposed", "Waits for approval"
        APPROVED = "approved", "Approved"
        APPLYING = "applying", "Being applied"
        APPLIED = "applied", "Applied"
        REFUSED = "refused", "Refused: the world changed"
        DISCARDED = "discarded", "Discarded"
        FAILED = "failed", "Failed"

    public_id = models.UUIDField(default=uuid.uuid4)
    purpose = models.CharField(max_length=10, choices=Purpose)
    state = models.CharField(max_length=10, choices=State, default=State.BUILDING)
    options = models.JSONField(default=dict, blank=True)
    hash = models.CharField(max_length=64, blank=True)
    counts = models.JSONField(default=dict, blank=True, help_text="Steps by what they do.")
    reason = models.TextField(blank=True)
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField(auto_now_add=True)
    approved_by = models.CharField(max_length=150, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="one_plan_per_public_id"),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} of {self.made_at:%Y-%m-%d %H:%M}"


class PlanStep(TenantOwned):
    """One thing that the plan would do, or leave, with the reason, field by field."""

    class Action(models.TextChoices):
        CREATE = "create", "Create in Stripe"
        UPDATE = "update", "Change in Stripe"
        REPLACE = "replace", "Void and make again"
        VOID = "void", "Void or delete in Stripe"
        LINK = "link", "Link what is there"
        RECORD = "record", "Record payment in FreshBooks"
        REMOVE = "remove", "Take our payment back"
        REPORT = "report", "Tell Stripe of a payment"
        SKIP = "skip", "Leave as it is"

    class State(models.TextChoices):
        OPEN = "open", "To do"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CHANGED = "changed", "Not done: changed since"

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField()
    action = models.CharField(max_length=8, choices=Action)
    entity = models.CharField(max_length=120, help_text='e.g. "invoice:2903314".')
    label = models.CharField(max_length=200, blank=True)
    fields = models.JSONField(default=dict, blank=True, help_text="Each field: before and after.")
    reason = models.TextField(blank=True)
    fingerprint = models.CharField(max_length=64, help_text="Of the world it was made for.")
    seen = models.JSONField(
        default=dict,
        blank=True,
        help_text="What the fingerprint was taken of, to tell what changed.",
    )
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    begun_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0, help_text="How often it was begun.")
    outcome = models.CharField(max_length=300, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "position"], name="one_step_per_position"),
        ]
        indexes = [models.Index(fields=["plan", "state"], name="step_by_state")]
        verbose_name = "plan step"

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.entity}"
