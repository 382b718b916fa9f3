"""Tenants with their settings, and the base of everything that belongs to one."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from tenants.scope import TenantManager


def new_url_token() -> str:
    """256 random bits for a URL nobody can guess."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """What is stored and looked up instead of the token itself."""
    return hashlib.sha256(token.encode()).hexdigest()


def validate_time_zone(name: str) -> None:
    """An IANA name such as "America/Toronto"."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValidationError(
            f"{name!r} is no time zone; use a name like America/Toronto."
        ) from error


class Tenant(models.Model):
    """One business whose FreshBooks and Stripe are kept in step."""

    class State(models.TextChoices):
        ONBOARDING = "onboarding", "Onboarding"
        LIVE = "live", "Live"
        PAUSED = "paused", "Paused"
        DISCONNECTED = "disconnected", "Disconnected"
        ERASED = "erased", "Erased"

    class PaymentMode(models.TextChoices):
        OBSERVE = "observe", "Observe: write nothing to FreshBooks"
        APPROVE = "approve", "Approve: a person confirms each payment"
        RECORD = "record", "Record: exact matches are recorded at once"

    class EmailSender(models.TextChoices):
        FRESHBOOKS = "freshbooks", "FreshBooks e-mails invoices"
        STRIPE = "stripe", "Stripe e-mails invoices"

    class OwnPayButton(models.TextChoices):
        REFUSE = "refuse", "Refuse: such an invoice is not sent to Stripe"
        WARN = "warn", "Warn: it is sent, and the danger is listed"

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=60, unique=True)
    state = models.CharField(max_length=20, choices=State, default=State.ONBOARDING)
    payment_mode = models.CharField(
        max_length=10,
        choices=PaymentMode,
        default=PaymentMode.OBSERVE,
        help_text="What happens in FreshBooks when Stripe collects money. Chosen explicitly.",
    )
    email_sender = models.CharField(
        max_length=12,
        choices=EmailSender,
        default=EmailSender.FRESHBOOKS,
        help_text="Who e-mails the client. Exactly one of the two, so nobody is written to twice.",
    )
    own_pay_button = models.CharField(
        max_length=8,
        choices=OwnPayButton,
        default=OwnPayButton.REFUSE,
        help_text="What happens to an invoice that FreshBooks itself collects online: with two "
        "collectors the client may pay twice.",
    )
    applies_exact_matches = models.BooleanField(
        "apply exact matches",
        default=False,
        help_text="A payment without invoice is matched by itself if exactly one open invoice of its "
        "payer has its exact amount.",
    )
    time_zone = models.CharField(
        max_length=60,
        default="America/Toronto",
        validators=[validate_time_zone],
        help_text="The books' time zone: decides on which day a payment is dated.",
    )
    start_date = models.DateField(
        null=True, blank=True, help_text="Invoices dated earlier are left alone. Empty: all."
    )
    poll_interval_s = models.PositiveIntegerField(
        default=300,
        validators=[MinValueValidator(1)],
        help_text="Seconds between two polls of each vendor.",
    )
    poll_crontab = models.CharField(
        max_length=100,
        blank=True,
        help_text='Instead of the interval: "minute hour day-of-month month day-of-week", in the time '
        'zone of the books. "0 7-19 * * 1-5" is hourly from 7:00 to 19:00 on working days.',
    )
    job_weight = models.PositiveSmallIntegerField(
        "share of the work",
        default=1,
        db_default=1,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="How many of its jobs are taken up in a round in which others have one.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    choices_made_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When somebody chose payment mode and sender; nothing goes live on defaults.",
    )
    live_at = models.DateTimeField(null=True, blank=True)
    looks_first_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Until then whatever is new to us is looked for at the vendor before it is made: "
        "the database was restored from a backup and may have forgotten it.",
    )
    epoch = models.PositiveIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="Counts pauses, disconnections and erasures: work begun before one stops at it.",
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_live(self) -> bool:
        """Whether work is done for it."""
        return self.state == self.State.LIVE

    @property
    def looks_first(self) -> bool:
        """Whether the database was restored of late and may have forgotten what we did."""
        return self.looks_first_until is not None and self.looks_first_until > timezone.now()


class TenantOwned(models.Model):
    """Base of every tenant-owned table: a tenant column, and no query without a scope."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")

    objects: TenantManager[Any] = TenantManager()

    class Meta:
        abstract = True

    @property
    def seal_owner(self) -> str:
        """Whose secrets this row holds."""
        return f"tenant:{self.tenant_id}"
