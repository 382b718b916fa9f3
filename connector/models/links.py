"""What belongs together on both sides: clients and customers, invoices and their revisions."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models import TenantOwned


class ClientLink(TenantOwned):
    """A FreshBooks client and its Stripe customer."""

    class State(models.TextChoices):
        PENDING = "pending", "Not yet in Stripe"
        LINKED = "linked", "In step"
        REMOVED = "removed", "Deleted or archived in FreshBooks"

    freshbooks_client_id = models.BigIntegerField()
    stripe_customer_id = models.CharField(max_length=60, blank=True)
    name = models.CharField(max_length=300, blank=True)
    email = models.CharField(max_length=512, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    reason = models.TextField(blank=True)
    notes = models.JSONField(default=list, blank=True, help_text="What could not be carried over.")
    tax_id = models.JSONField(
        default=dict, blank=True, help_text="The tax id that we gave the Stripe customer, if any."
    )
    revision = models.PositiveIntegerField(default=0, help_text="Counts updates sent to Stripe.")
    content_hash = models.CharField(max_length=64, blank=True)
    freshbooks_updated = models.CharField(max_length=40, blank=True)
    synced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "freshbooks_client_id"], name="one_link_per_client"
            ),
            models.UniqueConstraint(
                fields=["tenant", "stripe_customer_id"],
                condition=~Q(stripe_customer_id=""),
                name="one_link_per_customer",
            ),
        ]
        verbose_name = "client link"

    def __str__(self) -> str:
        return self.name or f"client {self.freshbooks_client_id}"


class InvoiceLink(TenantOwned):
    """One FreshBooks invoice, what is known of it on both sides, and where it stands."""

    class State(models.TextChoices):
        PENDING = "pending", "Not yet in Stripe"
        DRAFT = "draft", "Draft in Stripe"
        OPEN = "open", "Open in Stripe"
        SETTLED = "settled", "Settled"
        BLOCKED = "blocked", "Needs you"
        REMOVED = "removed", "Deleted in FreshBooks"
        SKIPPED = "skipped", "Left alone"

    freshbooks_invoice_id = models.BigIntegerField()
    number = models.CharField(max_length=60, blank=True)
    client = models.ForeignKey(
        ClientLink, on_delete=models.PROTECT, null=True, blank=True, related_name="invoices"
    )
    freshbooks_client_id = models.BigIntegerField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    reason = models.TextField(blank=True, help_text="Why it is blocked or left alone.")
    notes = models.JSONField(default=list, blank=True, help_text="What was adapted on the way.")
    currency = models.CharField(max_length=3, blank=True)

    freshbooks_total_minor = models.BigIntegerField(null=True, blank=True)
    freshbooks_paid_minor = models.BigIntegerField(null=True, blank=True)
    freshbooks_outstanding_minor = models.BigIntegerField(null=True, blank=True)
    freshbooks_status = models.CharField(max_length=40, blank=True)
    freshbooks_updated = models.CharField(max_length=40, blank=True)
    freshbooks_vis_state = models.SmallIntegerField(default=0)
    issued_on = models.DateField(null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)

    stripe_invoice_id = models.CharField(max_length=60, blank=True, help_text="Current revision.")
    stripe_status = models.CharField(max_length=20, blank=True)
    stripe_total_minor = models.BigIntegerField(null=True, blank=True)
    stripe_paid_minor = models.BigIntegerField(null=True, blank=True)
    stripe_remaining_minor = models.BigIntegerField(null=True, blank=True)
    hosted_invoice_url = models.TextField(blank=True)
    returned_minor = models.BigIntegerField(
        default=0, help_text="Of what Stripe collected: refunded or lost to disputes."
    )
    dispute_due_at = models.DateTimeField(
        null=True, blank=True, help_text="Until when an open dispute must be answered."
    )
    collection_status = models.CharField(max_length=20, blank=True)
    own_collector = models.CharField(
        max_length=20, blank=True, help_text="How FreshBooks itself collects it online; empty: not."
    )
    own_collector_at = models.DateTimeField(
        null=True, blank=True, help_text="When FreshBooks was last asked for that."
    )

    content_hash = models.CharField(max_length=64, blank=True)
    synced_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "freshbooks_invoice_id"], name="one_link_per_invoice"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "state"], name="invoice_by_state"),
            models.Index(fields=["tenant", "number"], name="invoice_by_number"),
        ]
        verbose_name = "invoice link"

    @property
    def entity(self) -> str:
        """Its name in the audit trail, in intents and in discrepancies, e.g. "invoice:2903314"."""
        return f"invoice:{self.freshbooks_invoice_id}"

    def __str__(self) -> str:
        return self.number or f"invoice {self.freshbooks_invoice_id}"


class InvoiceRevision(TenantOwned):
    """One Stripe invoice made for a FreshBooks invoice. At most one per invoice is alive."""

    class State(models.TextChoices):
        CREATING = "creating", "Being made"
        DRAFT = "draft", "Draft"
        OPEN = "open", "Open"
        PAID = "paid", "Paid"
        RETIRING = "retiring", "Being voided or deleted"
        GONE = "gone", "Voided or deleted"

    invoice = models.ForeignKey(InvoiceLink, on_delete=models.CASCADE, related_name="revisions")
    revision = models.PositiveIntegerField()
    stripe_invoice_id = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.CREATING)
    content_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_because = models.CharField(max_length=300, blank=True)
    retired_by_person = models.BooleanField(
        default=False, help_text="Voided or deleted in Stripe by somebody: never made again."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "invoice", "revision"], name="one_revision"),
            models.UniqueConstraint(
                fields=["tenant", "invoice"],
                condition=~Q(state="gone"),
                name="one_living_revision_per_invoice",
            ),
            models.UniqueConstraint(
                fields=["tenant", "stripe_invoice_id"],
                condition=~Q(stripe_invoice_id=""),
                name="one_revision_per_stripe_invoice",
            ),
        ]

    def __str__(self) -> str:
        return f"revision {self.revision} of {self.invoice_id}"
