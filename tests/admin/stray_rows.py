"""Rows about money that stands on no invoice."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from audit.recording import Cause
from connector import allocating, suggesting
from connector.models import InvoiceLink, StrayPayment
from tests.factories import unique


def make_stray(link: InvoiceLink, **values: Any) -> StrayPayment:
    """Money that an invoice's client paid without naming it, with what it may be for."""
    client = link.client
    assert client is not None
    defaults = {
        "tenant_id": link.tenant_id,
        "payment_id": unique("pi_"),
        "charge_id": unique("ch_"),
        "via": StrayPayment.Via.PAYMENT_INTENT,
        "amount_minor": allocating.open_amounts([link])[link.pk],
        "currency": link.currency,
        "client": client,
        "customer_id": client.stripe_customer_id,
        "payer_name": "Haddad & Sons",
        "payer_email": client.email,
        "description": "Deposit for the oak table",
        "method_type": "card",
        "card_brand": "visa",
        "paid_at": timezone.now() - timedelta(days=1),
    }
    stray: StrayPayment = StrayPayment.objects.create(**(defaults | values))
    suggesting.refresh(stray, cause=Cause(actor="test", reason="", correlation_id=uuid.uuid4()))
    return stray
