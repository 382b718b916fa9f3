"""What a sync function works with: one tenant's settings and vendor clients, for one job."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from connector.jobs.context import JobRun
from connector.vendors.freshbooks.client import FreshBooksAccountClient
from connector.vendors.stripe.client import StripeAccountClient
from connector.vendors.stripe.records import StripeInvoice


@dataclass(frozen=True, kw_only=True)
class SyncRun:
    """Built by `connector.routing`; everything a job may touch belongs to this one tenant."""

    job: JobRun
    freshbooks: FreshBooksAccountClient
    stripe: StripeAccountClient
    freshbooks_account_id: str
    stripe_account_id: str
    payment_mode: str
    stripe_sends_email: bool
    book_time_zone: ZoneInfo
    start_date: date | None
    # What FreshBooks itself takes money through, as known when the run began; None: never asked.
    own_gateway: str | None = None
    looks_first: bool = False  # after a restore: what is new to us may only be forgotten
    # The latest answer for each Stripe invoice that this run wrote: spares reading it again.
    answers: dict[str, StripeInvoice] = field(default_factory=dict)

    @property
    def tenant_id(self) -> int:
        """The tenant whose job this is."""
        return self.job.tenant_id

    def has_forgotten(self, marker: str | None, known: Container[object]) -> bool:
        """Whether a payment with this marker was most likely made by us before a restore.

        Then it is not ours to know yet: Stripe's side tells of it a little later.
        """
        return self.looks_first and marker is not None and marker not in known

    def keep(self, answer: StripeInvoice) -> StripeInvoice:
        """Remember what Stripe answered about an invoice, and pass it on."""
        self.answers[answer.id] = answer
        return answer
