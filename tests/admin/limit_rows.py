"""Rows of vendor limits for the admin's tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from connector.models import RateBucket, VendorIncident
from tenants.models import Tenant


def make_budgets(tenant: Tenant) -> None:
    """Both accounts; Stripe's is paused, for it answers nobody, and has an endpoint that refused."""
    now = timezone.now()
    paused: dict[str, Any] = {
        "failures": 6,
        "blocked_until": now + timedelta(minutes=3),
        "reads": 8_400,
        "reads_month": now.date().replace(day=1),
    }
    lowered: dict[str, Any] = {
        "endpoint": "stripe.invoices.create",
        "ceiling_per_s": 3.0,
        "lowered_per_s": 1.5,
        "lowered_at": now,
        "recovery_s": 600,
    }
    for vendor, more in (("freshbooks", {}), ("stripe", paused), ("stripe", lowered)):
        RateBucket.objects.create(
            tenant=tenant,
            vendor=vendor,
            rate_per_s=3,
            capacity=3,
            tokens=2,
            updated_at=now,
            **more,
        )
    VendorIncident.objects.get_or_create(
        vendor="stripe", defaults={"opened_at": now, "probe_at": now, "failing": 3, "calling": 4}
    )
