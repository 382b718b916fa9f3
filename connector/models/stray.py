"""Stripe's money that names none of our invoices, and what people matched it to."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from connector.models.links import ClientLink, InvoiceLink
from tenants.models import TenantOwned


class StrayPayment(TenantOwned):
    """One succeeded Stripe payment without one of our invoices. It is never silently absent."""

    class State(models.TextChoices):
        UNMATCHED = "unmatched", "Unmatched"
        PARTLY = "partly", "Matched in part"
        MATCHED = "matched", "Matched"
        IGNORED = "ignored", "Left alone, with a reason"
        RETURNED = "returned", "Went back to the payer"

    class Via(models.TextChoices):
        PAYMENT_INTENT = "payment_intent", "PaymentIntent"
        CHARGE = "charge", "Charge"
        CASH_BALANCE = "cash_balance", "Bank transfer, not yet applied"

    payment_id = models.CharField(max_length=80, help_text="pi_…, ch_… or ccsbtxn_….")
    charge_id = models.CharField(max_length=80, blank=True)
    via = models.CharField(max_length=16, choices=Via)
    state = models.CharField(max_length=10, choices=State, default=State.UNMATCHED)
    reason = models.TextField(blank=True, help_text="Why it is left alone.")
    amount_minor = models.BigIntegerField()
    returned_minor = models.BigIntegerField(default=0, help_text="Refunded or lost to a dispute.")
    applied_minor = models.BigIntegerField(
        default=0, help_text="Stripe itself counts so much of it towards invoices of ours."
    )
    currency = models.CharField(max_length=3)
    customer_id = models.CharField(max_length=80, blank=True)
    client = models.ForeignKey(
        ClientLink, on_delete=models.SET_NULL, null=True, blank=True, related_name="stray_payments"
    )
    payer_name = models.CharField(max_length=300, blank=True)
    payer_email = models.CharField(max_length=512, blank=True)
    description = models.CharField(max_length=500, blank=True)
    named_invoice = models.CharField(
        max_length=60, blank=True, help_text="FreshBooks invoice id or number in its metadata."
    )
    foreign_invoice_id = models.CharField(
        max_length=80, blank=True, help_text="A Stripe invoice that did not come from FreshBooks."
    )
    method_type = models.CharField(max_length=40, blank=True)
    card_brand = models.CharField(max_length=40, blank=True)
    paid_at = models.DateTimeField()
    suggestions = models.JSONField(default=list, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    first_seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "payment_id"], name="one_row_per_stray"),
        ]
        indexes = [models.Index(fields=["tenant", "state", "-paid_at"], name="stray_by_state")]
        verbose_name = "unmatched payment"

    @property
    def is_open(self) -> bool:
        """Whether somebody should match it: neither done, nor left alone, nor gone."""
        return self.state in {self.State.UNMATCHED, self.State.PARTLY}

    def __str__(self) -> str:
        return f"payment {self.payment_id}"


class Allocation(TenantOwned):
    """A part of a stray payment that stands for an invoice, until somebody takes it back."""

    stray = models.ForeignKey(StrayPayment, on_delete=models.PROTECT, related_name="allocations")
    invoice = models.ForeignKey(InvoiceLink, on_delete=models.PROTECT, related_name="allocations")
    amount_minor = models.BigIntegerField()
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField(auto_now_add=True)
    evidence = models.JSONField(default=list, blank=True)
    told_on = models.CharField(
        max_length=80, blank=True, help_text="The Stripe invoice that counts it as paid."
    )
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.CharField(max_length=150, blank=True)
    undone_because = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "stray", "invoice"],
                condition=Q(undone_at__isnull=True),
                name="one_living_allocation",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="allocation_above_zero"),
        ]

    def __str__(self) -> str:
        return f"allocation {self.pk}"
