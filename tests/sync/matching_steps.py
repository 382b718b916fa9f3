"""What the tests of unmatched money do: money arrives, people match it, books are looked at."""

from __future__ import annotations

from typing import Any

import requests

from connector import decisions_matching
from connector.decisions_matching import Wish
from connector.jobs import kinds
from connector.models import Allocation, ClientLink, MoneyFact, StrayPayment, SyncJob
from tenants.models import StripeConnection
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop, cause


def arrive(shop: Shop, amount: int, **more: Any) -> dict[str, Any]:
    """A payment without an invoice; `id` is the one that its row will have."""
    wanted = {"currency": shop.currency.lower(), **more}
    paid = shop.st("create_payment", amount=amount, **wanted)
    return {**paid, "id": paid["payment_intent"] or paid["charge"]}


def customer_of(shop: Shop) -> str:
    """The Stripe customer of the shop's usual client."""
    with tenant_scope(shop.tenant.pk):
        client = ClientLink.objects.get(freshbooks_client_id=shop.client_id)
    return str(client.stripe_customer_id)


def look_up(shop: Shop, payment_id: str) -> SyncJob:
    job = shop.run(kinds.LOOK_UP_STRIPE_PAYMENT, payment_id)
    shop.settle()
    return shop.job(job.pk)


def strays(shop: Shop) -> list[StrayPayment]:
    with tenant_scope(shop.tenant.pk):
        return list(StrayPayment.objects.order_by("paid_at", "pk"))


def only_stray(shop: Shop) -> StrayPayment:
    (stray,) = strays(shop)
    return stray


def facts(shop: Shop, kind: str) -> list[tuple[int | None, int]]:
    """Facts of one kind: the invoice link's id, if any, and the amount."""
    with tenant_scope(shop.tenant.pk):
        rows = MoneyFact.objects.filter(kind=kind).order_by("pk")
        return list(rows.values_list("invoice_id", "amount_minor"))


def attach_in_stripe(shop: Shop, invoice_id: int, payment_intent: str) -> None:
    """Somebody attaches a payment to the open Stripe invoice there, past the product."""
    with tenant_scope(shop.tenant.pk):
        key = StripeConnection.objects.get().api_key
    answer = requests.post(
        f"{shop.stripe.url}/v1/invoices/{shop.asking(invoice_id)['id']}/attach_payment",
        data={"payment_intent": payment_intent},
        headers={"Authorization": f"Bearer {key}", "Stripe-Version": "2026-10-28.endive"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text


def match(shop: Shop, paid: dict[str, Any], *parts: tuple[int, int]) -> None:
    """A person matches a payment to invoices, and everything that follows is done."""
    if not any(row.payment_id == paid["id"] for row in strays(shop)):
        look_up(shop, paid["id"])
    decide(shop, paid, *parts)
    shop.settle()


def decide(shop: Shop, paid: dict[str, Any], *parts: tuple[int, int]) -> None:
    """A person matches a payment that is known; nothing follows yet."""
    wishes = [Wish(invoice=str(invoice), amount_minor=amount) for invoice, amount in parts]
    with tenant_scope(shop.tenant.pk):
        stray = StrayPayment.objects.get(payment_id=paid["id"])
        decisions_matching.match(stray.pk, wishes, cause=cause())


def undo(shop: Shop, because: str) -> None:
    """A person takes the latest living match back, and everything that follows is done."""
    undo_only(shop, because)
    shop.settle()


def undo_only(shop: Shop, because: str = "Wrong.") -> None:
    """A person takes the latest living match back; nothing follows yet."""
    with tenant_scope(shop.tenant.pk):
        living = Allocation.objects.filter(undone_at__isnull=True).latest("pk")
        decisions_matching.undo(living.pk, because=because, cause=cause())
