"""The audit trail's two tables. Written by `audit.recording` only.

This app imports no other app of ours: a tenant is a number here, so that erasing a tenant leaves
its chain in place, unreadable but intact.
"""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from fernet_fields import EncryptedTextField

from config.sealing import Sealed


class AuditChain(models.Model):
    """The head of one tenant's chain, and the key that its details are encrypted with.

    Erasing a tenant destroys `data_key_sealed`; the entries stay and still verify.
    """

    tenant_id = models.BigIntegerField(unique=True)
    last_sequence = models.BigIntegerField(default=0)
    last_hash = models.CharField(max_length=64)
    anchored_sequence = models.BigIntegerField(
        default=0,
        db_default=0,
        help_text="Up to which entry the chain is known outside the database.",
    )
    anchored_at = models.DateTimeField(null=True)
    data_key_sealed = EncryptedTextField(blank=True)
    data_key = Sealed()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"audit chain of tenant {self.tenant_id}, {self.last_sequence} entries"

    @property
    def seal_owner(self) -> str:
        """Whose key it is: a key copied into another chain does not open."""
        return f"tenant:{self.tenant_id}"


class AuditEntry(models.Model):
    """One thing that was read, decided, written or clicked. Never changed, never deleted."""

    tenant_id = models.BigIntegerField()
    sequence = models.BigIntegerField()
    at = models.DateTimeField()
    action = models.CharField(max_length=80)  # dotted, past tense: payment.recorded
    entity = models.CharField(max_length=120)  # e.g. invoice:2903314
    actor = models.CharField(max_length=150)  # worker, webhook, or a person's user name
    cause = models.CharField(max_length=300)  # why: the delivery, poll, click or replay behind it
    correlation_id = models.UUIDField(null=True)
    details_encrypted = models.BinaryField()
    previous_hash = models.CharField(max_length=64)
    entry_hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "sequence"], name="audit_gapless"),
        ]
        indexes = [
            # An entity has few entries: they are sorted when they are asked for.
            models.Index(fields=["tenant_id", "entity"], name="audit_of_entity"),
            # Rows only ever come in the order of time, so a note of it for each stretch of them will do.
            BrinIndex(fields=["at"], name="audit_by_stretch", autosummarize=True),
            models.Index(fields=["correlation_id"], name="audit_by_correlation"),
        ]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.sequence} {self.action} {self.entity}"
