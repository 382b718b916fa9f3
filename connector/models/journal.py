"""The journal of money: each fact on either side once, never changed (a trigger refuses it)."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from connector.models.links import InvoiceLink
from tenants.models import TenantOwned


class MoneyFact(TenantOwned):
    """One fact about money, as one of the vendors told it.

    `amount_minor` is signed: what the fact adds to, or takes from, the money on the invoice, in
    minor units of `currency`. A fact that moves nothing (a dispute is opened) has 0 and says how
    much it is about in `about_minor`.
    """

    class Side(models.TextChoices):
        STRIPE = "stripe", "Stripe"
        FRESHBOOKS = "freshbooks", "FreshBooks"

    class Kind(models.TextChoices):
        COLLECTED = "collected", "Collected"
        ALLOCATED = "allocated", "Payment without invoice matched to it"
        UNALLOCATED = "unallocated", "Match taken back"
        STRAY = "stray", "Payment without invoice"
        HELD = "held", "Bank transfer held for a customer"
        OVERPAID = "overpaid", "Paid more than asked"
        REFUNDED = "refunded", "Refunded"
        REFUND_FAILED = "refund_failed", "Refund failed, money is back"
        DISPUTE_OPENED = "dispute_opened", "Dispute opened"
        DISPUTE_WITHDRAWN = "dispute_withdrawn", "Disputed money taken"
        DISPUTE_REINSTATED = "dispute_reinstated", "Disputed money given back"
        DISPUTE_WON = "dispute_won", "Dispute won"
        DISPUTE_LOST = "dispute_lost", "Dispute lost"
        PAYMENT_FAILED = "payment_failed", "Payment failed"
        CREDIT_NOTE = "credit_note", "Credit note in Stripe"
        CREDIT_NOTE_VOIDED = "credit_note_voided", "Credit note taken back"
        BALANCE_APPLIED = "balance_applied", "Customer's credit balance used"
        REPORTED = "reported", "Told Stripe of a payment elsewhere"
        SETTLED = "settled", "Settled: fee and rate known"
        PAYMENT = "payment", "Payment in FreshBooks"
        PAYMENT_CHANGED = "payment_changed", "Payment changed in FreshBooks"
        PAYMENT_DELETED = "payment_deleted", "Payment deleted in FreshBooks"
        PAYMENT_RESTORED = "payment_restored", "Payment restored in FreshBooks"

    invoice = models.ForeignKey(
        InvoiceLink, on_delete=models.PROTECT, null=True, blank=True, related_name="facts"
    )
    side = models.CharField(max_length=10, choices=Side)
    kind = models.CharField(max_length=20, choices=Kind)
    key = models.CharField(
        max_length=200, help_text="Says which fact it is: the same is kept once."
    )
    source_id = models.CharField(
        max_length=80, help_text="The vendor's object, e.g. inpay_… or re_…"
    )
    payment_id = models.CharField(
        max_length=80, blank=True, help_text="The payment it belongs to: pi_…, ch_… or a number."
    )
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    about_minor = models.BigIntegerField(null=True, blank=True)
    presentment_minor = models.BigIntegerField(null=True, blank=True)
    presentment_currency = models.CharField(max_length=3, blank=True)
    settlement_minor = models.BigIntegerField(null=True, blank=True, help_text="Before the fee.")
    settlement_currency = models.CharField(max_length=3, blank=True)
    exchange_rate = models.DecimalField(max_digits=24, decimal_places=12, null=True, blank=True)
    fee_minor = models.BigIntegerField(null=True, blank=True, help_text="In settlement currency.")
    ours = models.BooleanField(default=False, help_text="A payment in FreshBooks that we made.")
    note = models.CharField(max_length=300, blank=True)
    happened_at = models.DateTimeField(help_text="By the vendor's clock.")
    seen_at = models.DateTimeField(auto_now_add=True, help_text="By our clock.")
    correlation_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="one_row_per_fact"),
        ]
        indexes = [
            models.Index(fields=["tenant", "invoice", "kind"], name="fact_by_invoice"),
            models.Index(fields=["tenant", "payment_id"], name="fact_by_payment"),
            models.Index(fields=["tenant", "happened_at"], name="fact_by_time"),
            # Rows only ever come in this order, so a note of it for each stretch of them will do.
            BrinIndex(fields=["seen_at"], name="fact_by_stretch", autosummarize=True),
        ]
        verbose_name = "money fact"

    def __str__(self) -> str:
        return self.key
