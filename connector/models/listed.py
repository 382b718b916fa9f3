"""Invoices as a list showed them, for the sync that is about to begin."""

from __future__ import annotations

from django.db import models

from tenants.models import TenantOwned


class ListedInvoice(TenantOwned):
    """The body of a FreshBooks invoice that a poll found and that was not known here.

    Lives for a minute at most; see `connector.sync.listed`.
    """

    job_id = models.BigIntegerField(help_text="The job that the poll asked for.")
    body = models.BinaryField(help_text="The invoice with its lines: JSON, compressed.")
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "job_id"], name="one_listing_per_job"),
        ]

    def __str__(self) -> str:
        return f"listed for job {self.job_id}"
