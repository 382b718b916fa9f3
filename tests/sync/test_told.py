"""A payment of our invoice comes with several events: it is looked at once, whatever their order."""

from __future__ import annotations

import uuid

from audit.recording import Cause
from connector.jobs import kinds, ledger
from connector.models import CollectedPayment, Delivery, SyncJob
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop

LOOK_UP = kinds.LOOK_UP_STRIPE_PAYMENT


def paid_invoice(shop: Shop) -> tuple[int, str]:
    """An invoice that is in Stripe and was just paid there, and its payment."""
    invoice = shop.invoice()
    shop.sync(invoice)
    shop.poll()
    return invoice, shop.pay(invoice)["payment_intent"]


def jobs_since(shop: Shop, job_id: int, kind: kinds.Kind) -> int:
    return sum(job.pk > job_id for job in shop.jobs(kind=kind.name))


def look_up_as_webhook(shop: Shop, payment: str) -> SyncJob:
    with tenant_scope(shop.tenant.pk):
        job_id = ledger.enqueue(
            tenant_id=shop.tenant.pk,
            kind=LOOK_UP,
            subject=payment,
            cause=Cause(actor="webhook", reason="stripe", correlation_id=uuid.uuid4()),
        )
    shop.settle()
    return shop.job(job_id)


def test_a_payment_with_all_its_events_is_one_look_and_three_calls(shop: Shop) -> None:
    invoice, payment = paid_invoice(shop)
    last = max(job.pk for job in shop.jobs())
    calls = [vendor.calls()["total"] for vendor in (shop.freshbooks, shop.stripe)]
    shop.enqueue(kinds.POLL_STRIPE)
    shop.settle()
    asked = [vendor.calls()["total"] for vendor in (shop.freshbooks, shop.stripe)]
    assert jobs_since(shop, last, kinds.SYNC_INVOICE) == 1
    assert jobs_since(shop, last, LOOK_UP) == 0
    assert [now - before for now, before in zip(asked, calls, strict=True)] == [2, 2]  # one polls
    with tenant_scope(shop.tenant.pk):
        said = Delivery.objects.filter(payment_id=payment).values_list("event_type", "state")
        assert set(said) == {
            ("invoice_payment.paid", "routed"),
            ("payment_intent.succeeded", "ignored"),
            ("charge.succeeded", "ignored"),
        }
        assert CollectedPayment.objects.get().recording == "recorded"
    assert len(shop.fb_payments(invoice)) == 1


def test_a_look_up_that_waited_finds_that_the_invoice_was_told(shop: Shop) -> None:
    _, payment = paid_invoice(shop)
    shop.poll()
    before = shop.stripe.calls()["total"]
    assert look_up_as_webhook(shop, payment).outcome == "the event of its invoice came too"
    assert shop.stripe.calls()["total"] == before


def test_a_look_up_waits_a_moment_for_that_event(shop: Shop) -> None:
    with tenant_scope(shop.tenant.pk):
        job_id = ledger.enqueue(
            tenant_id=shop.tenant.pk,
            kind=LOOK_UP,
            subject="pi_soon",
            cause=Cause(actor="webhook", reason="stripe", correlation_id=uuid.uuid4()),
        )
    job = shop.job(job_id)
    assert (job.due_at - job.created_at).total_seconds() == LOOK_UP.waits_s > 0


def test_more_than_success_is_looked_up(shop: Shop) -> None:
    invoice, payment = paid_invoice(shop)
    shop.poll()
    charge = next(
        one["id"] for one in shop.st_book()["charges"] if one["payment_intent"] == payment
    )
    shop.st("refund", charge=charge, amount=100)
    shop.poll()
    assert look_up_as_webhook(shop, payment).outcome == f"invoices {invoice}"


def test_a_replay_looks_again(shop: Shop) -> None:
    invoice, payment = paid_invoice(shop)
    shop.poll()
    with tenant_scope(shop.tenant.pk):
        delivery = Delivery.objects.get(payment_id=payment, event_type="payment_intent.succeeded")
    last = max(job.pk for job in shop.jobs())
    shop.run(kinds.ROUTE_DELIVERY, delivery.pk)
    shop.settle()
    assert jobs_since(shop, last, kinds.SYNC_INVOICE) == 1
    assert shop.link(invoice).collection_status == "paid"
