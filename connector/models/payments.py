"""Money that moved: collected by Stripe, or recorded by people in FreshBooks."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from connector.models.links import InvoiceLink
from connector.models.stray import Allocation
from tenants.models import TenantOwned


def of_payment(payment_id: str) -> Q:
    """The collected payments that one Stripe payment brought; `payment_id` is a pi_ or ch_ id."""
    return Q(stripe_payment_intent_id=payment_id) | Q(stripe_charge_id=payment_id)


class CollectedPayment(TenantOwned):
    """One Stripe InvoicePayment of real Stripe money, and what became of it in FreshBooks.

    `recording` is the state of protocol R5: FreshBooks has no idempotency keys, so a payment is
    sent once, found again by its marker, and never sent again blindly.
    """

    class Recording(models.TextChoices):
        OBSERVED = "observed", "Observed, nothing written"
        AWAITING_APPROVAL = "awaiting_approval", "Waits for approval"
        APPROVED = "approved", "Approved, to be recorded"
        SENDING = "sending", "Being sent"
        UNKNOWN = "unknown", "Sent, outcome unknown"
        RECORDED = "recorded", "Recorded in FreshBooks"
        REJECTED = "rejected", "Refused by FreshBooks"
        NEEDS_YOU = "needs_you", "Needs you"
        DELETED_BY_PERSON = "deleted_by_person", "Recorded, then deleted by a person"
        TAKEN_BACK = "taken_back", "Recorded, then taken back"
        BY_HAND = "by_hand", "Entered in FreshBooks by hand"

    invoice = models.ForeignKey(
        InvoiceLink, on_delete=models.PROTECT, related_name="collected_payments"
    )
    allocation = models.ForeignKey(
        Allocation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="collected",
        help_text="Set for a payment without invoice that was matched to this one.",
    )
    stripe_invoice_payment_id = models.CharField(
        max_length=60, help_text="inpay_…, or alloc_<n> for a match that was made here."
    )
    stripe_invoice_id = models.CharField(max_length=60, blank=True)
    stripe_payment_intent_id = models.CharField(max_length=60, blank=True)
    stripe_charge_id = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=20)  # Stripe's: open, paid, canceled
    method_type = models.CharField(max_length=40, blank=True)
    card_brand = models.CharField(max_length=40, blank=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    paid_at = models.DateTimeField(null=True, blank=True)
    refunded_minor = models.BigIntegerField(default=0, help_text="Went back to the payer.")
    dispute_status = models.CharField(max_length=40, blank=True)  # Stripe's; open enum
    disputed_minor = models.BigIntegerField(default=0, help_text="Under dispute or lost to one.")
    open_dispute_minor = models.BigIntegerField(
        default=0,
        db_default=0,
        help_text="Under disputes that are open, also beside one that was lost.",
    )
    open_dispute_status = models.CharField(max_length=40, blank=True, default="", db_default="")
    dispute_due_at = models.DateTimeField(null=True, blank=True)
    refunds_unclear = models.BooleanField(
        default=False,
        help_text="How much of it went back cannot be told: its payment paid several invoices, or "
        "the dispute is in another currency.",
    )

    undone = models.BooleanField(default=False, help_text="Its match was taken back.")

    recording = models.CharField(max_length=20, choices=Recording, default=Recording.OBSERVED)
    reason = models.TextField(blank=True)
    marker = models.CharField(max_length=40, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    looks = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    freshbooks_payment_id = models.BigIntegerField(null=True, blank=True)
    freshbooks_amount_minor = models.BigIntegerField(null=True, blank=True)
    approved_by = models.CharField(max_length=150, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    first_seen_at = models.DateTimeField(auto_now_add=True)
    recorded_at = models.DateTimeField(null=True, blank=True)
    written_minor = models.BigIntegerField(
        null=True, blank=True, help_text="What we last asked FreshBooks to show."
    )
    changes = models.PositiveSmallIntegerField(
        default=0, help_text="How often we changed or removed it in FreshBooks."
    )
    change_pending = models.BooleanField(default=False)
    changed_by_person = models.BooleanField(
        default=False, help_text="Its amount in FreshBooks is somebody's own: left as it is."
    )
    lowering_proposed_minor = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="What FreshBooks should show instead, once somebody allows it.",
    )
    lowering_approved_by = models.CharField(
        max_length=150, blank=True, help_text="Who allowed to lower it after a refund."
    )
    lowering_approved_to_minor = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "stripe_invoice_payment_id"], name="one_row_per_invoice_payment"
            ),
            models.UniqueConstraint(
                fields=["tenant", "freshbooks_payment_id"],
                condition=Q(freshbooks_payment_id__isnull=False),
                name="one_row_per_recorded_payment",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "recording"], name="collected_by_recording")]
        verbose_name = "collected payment"

    @property
    def waits_for_lowering(self) -> bool:
        """Whether somebody must say if FreshBooks may follow what went back of it."""
        proposed = self.lowering_proposed_minor
        return proposed is not None and proposed != self.lowering_approved_to_minor

    @property
    def at_stake_minor(self) -> int:
        """What a dispute that is open may still cost."""
        lost = self.dispute_status == "lost"
        return self.open_dispute_minor or (0 if lost else self.disputed_minor)

    @property
    def kept_minor(self) -> int:
        """What of it the tenant still has: an open dispute counts as kept until it is lost."""
        return 0 if self.undone else self.amount_minor - self._gone_minor

    @property
    def counted_minor(self) -> int:
        """What of it counts as collected for the invoice; kept and returned add up to it."""
        return self._gone_minor if self.undone else self.amount_minor

    @property
    def _gone_minor(self) -> int:
        lost = self.disputed_minor if self.dispute_status == "lost" else 0
        return min(self.amount_minor, self.refunded_minor + lost)

    def __str__(self) -> str:
        return self.stripe_invoice_payment_id


class OutsidePayment(TenantOwned):
    """A payment that stands in FreshBooks and was not made by us: a cheque, cash, a credit."""

    class Reporting(models.TextChoices):
        SEEN = "seen", "Seen"
        REPORTED = "reported", "Reported to Stripe"
        NEEDS_YOU = "needs_you", "Needs you"
        SAME_MONEY = "same_money", "Stripe's own money"

    invoice = models.ForeignKey(
        InvoiceLink, on_delete=models.PROTECT, related_name="outside_payments"
    )
    freshbooks_payment_id = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    paid_on = models.DateField()
    type = models.CharField(max_length=40)
    gateway = models.CharField(max_length=40, blank=True)
    deleted = models.BooleanField(default=False)
    reporting = models.CharField(max_length=12, choices=Reporting, default=Reporting.SEEN)
    reason = models.TextField(blank=True)
    reported_amount_minor = models.BigIntegerField(null=True, blank=True)
    reported_on_stripe_invoice = models.CharField(max_length=60, blank=True)
    stripe_payment_record_id = models.CharField(
        max_length=60, blank=True, help_text='Empty when reported as "paid out of band".'
    )
    stripe_records = models.JSONField(
        default=list,
        blank=True,
        help_text="Each payment record that stands for it: id, amount_minor, refunded_minor, attached.",
    )
    first_seen_at = models.DateTimeField(auto_now_add=True)
    reported_at = models.DateTimeField(null=True, blank=True)

    # What a person decided: the sync reads these columns and never writes them.
    same_money_as = models.OneToOneField(
        CollectedPayment,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="entered_by_hand",
        help_text="The Stripe payment that somebody entered in FreshBooks by hand.",
    )
    other_money = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Somebody said that it is none of Stripe's payments.",
    )
    decided_by = models.CharField(max_length=150, blank=True, default="", db_default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_because = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "freshbooks_payment_id"], name="one_row_per_outside_payment"
            ),
            models.CheckConstraint(
                condition=Q(same_money_as__isnull=True) | Q(other_money=False),
                name="same_money_or_other",
            ),
        ]
        verbose_name = "outside payment"

    @property
    def is_decided(self) -> bool:
        """Whether somebody said what money it is."""
        return self.other_money or self.same_money_as_id is not None

    @property
    def stands_for_stripe(self) -> bool:
        """Whether it is in FreshBooks what Stripe collected, entered by hand."""
        return self.same_money_as_id is not None and not self.deleted

    @property
    def by_hand_reason(self) -> str:
        """What the Stripe payment says for which it stands."""
        return f"Entered in FreshBooks by hand as payment {self.freshbooks_payment_id}."

    @property
    def told_minor(self) -> int:
        """What Stripe was told of it, less what was taken back there."""
        return self.reported_amount_minor or 0

    @property
    def untold_minor(self) -> int:
        """What Stripe must still be told of; negative if it was told too much."""
        nothing = self.deleted or self.same_money_as_id is not None
        return (0 if nothing else self.amount_minor) - self.told_minor

    @property
    def taken_back_minor(self) -> int:
        """What the Stripe invoice goes on counting unless Stripe lowers it: records do not detach."""
        records = self.stripe_records
        counted = sum(record["amount_minor"] for record in records if record["attached"])
        told = sum(record["amount_minor"] - record["refunded_minor"] for record in records)
        return max(0, int(counted - told))

    def __str__(self) -> str:
        return f"FreshBooks payment {self.freshbooks_payment_id}"
