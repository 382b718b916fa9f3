"""The inbox: a hint is durable with its job, once, however often and wherever from it comes."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from django.db import OperationalError, connections

from connector import inbox
from connector.jobs import kinds, runner
from connector.models import Delivery, InvoiceLink, InvoiceRevision, VendorWrite
from connector.routing import HANDLERS
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.factories import make_tenant, unique
from tests.inbox.arriving import deliveries, event, jobs
from tests.pipeline.shop import cause
from tests.sandbox.driving import eventually
from tests.threads import at_once

WEBHOOK, POLL = Delivery.Via.WEBHOOK, Delivery.Via.POLL


def test_fifty_copies_of_an_event_at_once_are_one_delivery_and_one_job(
    fresh_tenant: Tenant,
) -> None:
    same = event("evt_same")
    stored = at_once(50, lambda _: inbox.store_event(fresh_tenant.pk, same, via=WEBHOOK))
    assert sum(one.is_new for one in stored) == 1
    eventually(lambda: [row.duplicates for row in deliveries(fresh_tenant)] == [49])
    assert len(jobs(fresh_tenant)) == 1


def test_an_event_found_by_polling_is_the_one_the_webhook_brought(fresh_tenant: Tenant) -> None:
    inbox.store_event(fresh_tenant.pk, event("evt_1"), via=WEBHOOK)
    runner.drain("intake", HANDLERS)
    assert not inbox.store_event(fresh_tenant.pk, event("evt_1"), via=POLL).is_new
    eventually(lambda: [row.duplicates for row in deliveries(fresh_tenant)] == [1])
    assert [row.via for row in deliveries(fresh_tenant)] == ["webhook"]
    assert jobs(fresh_tenant, kind="route_delivery", state="queued") == []


def test_what_our_own_write_caused_is_stored_without_any_work(fresh_tenant: Tenant) -> None:
    ours, theirs = _key_of_a_write(fresh_tenant), _key_of_a_write(make_tenant())
    for key in (ours, ours, theirs):
        inbox.store_event(fresh_tenant.pk, event(idempotency_key=key), via=WEBHOOK)
    rows = deliveries(fresh_tenant)
    assert [row.state for row in rows] == ["ignored", "ignored", "received"]
    assert [(row.note, bool(row.processed_at)) for row in rows] == [
        *[("our own write caused it", True)] * 2,
        ("", False),
    ]
    assert [job.subject for job in jobs(fresh_tenant)] == [str(rows[2].pk)]


def _key_of_a_write(tenant: Tenant) -> str:
    with tenant_scope(tenant.pk):
        write = VendorWrite.objects.create(
            tenant=tenant,
            vendor="stripe",
            operation="stripe.invoices.finalize",
            entity="invoice:7",
            step="finalize",
            idempotency_key=unique("mlc1:stripe.invoices.finalize:"),
            body={},
            first_sent_at=datetime.now(UTC),
        )
    key: str = write.idempotency_key
    return key


def test_the_same_event_id_of_two_tenants_is_two_deliveries(fresh_tenant: Tenant) -> None:
    other = make_tenant()
    for tenant in (fresh_tenant, other):
        assert inbox.store_event(tenant.pk, event("evt_1"), via=WEBHOOK).is_new
    assert len(deliveries(fresh_tenant)) == len(deliveries(other)) == 1


def test_hints_of_freshbooks_coalesce_until_they_are_worked_on(fresh_tenant: Tenant) -> None:
    def hint(_: int = 0) -> bool:
        return inbox.store_hint(fresh_tenant.pk, event_type="invoice.update", object_id="7").is_new

    assert sum(at_once(20, hint)) == 1
    assert len(jobs(fresh_tenant)) == 1
    runner.drain("intake", HANDLERS)
    assert hint(), "what changes after the work began is a new hint"
    assert [row.state for row in deliveries(fresh_tenant)] == ["routed", "received"]
    assert len(jobs(fresh_tenant, kind="route_delivery", state="queued")) == 1


def test_a_hint_that_comes_in_while_its_twin_is_being_worked_on_is_not_lost(
    fresh_tenant: Tenant,
) -> None:
    first = inbox.store_hint(fresh_tenant.pk, event_type="invoice.update", object_id="7")
    late: list[inbox.Stored] = []

    def arrive() -> None:
        late.append(inbox.store_hint(fresh_tenant.pk, event_type="invoice.update", object_id="7"))
        connections.close_all()

    with tenant_scope(fresh_tenant.pk):
        row = Delivery.objects.select_for_update().get(pk=first.delivery_id)
        thread = threading.Thread(target=arrive)
        thread.start()
        eventually(_someone_waits_for_a_lock)
        inbox.mark(row, Delivery.State.ROUTED, "done", now=datetime.now(UTC))
    thread.join(60)
    assert late[0].is_new
    assert [row.state for row in deliveries(fresh_tenant)] == ["routed", "received"]


def _someone_waits_for_a_lock() -> bool:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks waiting JOIN pg_locks held USING (pid)"
            " JOIN pg_database here ON here.oid = held.database"
            " WHERE NOT waiting.granted AND here.datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


def test_a_delivery_that_could_not_get_its_job_is_not_stored_at_all(
    fresh_tenant: Tenant,
) -> None:
    def fail(execute, sql, params, many, context):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        if "connector_syncjob" in sql:
            raise OperationalError("disk full")
        return execute(sql, params, many, context)

    with (
        connections["default"].execute_wrapper(fail),
        pytest.raises(OperationalError),
    ):
        inbox.store_event(fresh_tenant.pk, event("evt_1"), via=WEBHOOK)
    assert deliveries(fresh_tenant) == []
    assert inbox.store_event(fresh_tenant.pk, event("evt_1"), via=WEBHOOK).is_new


def test_a_replay_goes_through_the_same_door(fresh_tenant: Tenant) -> None:
    for number in range(3):
        inbox.store_event(fresh_tenant.pk, event(f"evt_{number}"), via=WEBHOOK)
    runner.drain("intake", HANDLERS)
    ids = [row.pk for row in deliveries(fresh_tenant)]
    with tenant_scope(fresh_tenant.pk):
        assert inbox.replay(ids, cause=cause()) == 3
        assert inbox.replay(ids, cause=cause()) == 3
    assert len(jobs(fresh_tenant, kind="route_delivery", state="queued")) == 3, (
        "a second click adds nothing"
    )


@pytest.mark.parametrize(
    ("event_type", "state"),
    [("customer.created", "ignored"), ("invoice.sent", "ignored"), ("invoice.paid", "routed")],
)
def test_an_event_that_means_nothing_to_us_ends_as_ignored(
    fresh_tenant: Tenant, event_type: str, state: str
) -> None:
    inbox.store_event(fresh_tenant.pk, event(type=event_type), via=WEBHOOK)
    runner.drain("intake", HANDLERS)
    (row,) = deliveries(fresh_tenant)
    assert (row.state, bool(row.note), bool(row.processed_at)) == (state, True, True)


def test_money_on_an_invoice_that_we_do_not_know_is_looked_up(fresh_tenant: Tenant) -> None:
    inbox.store_event(fresh_tenant.pk, event(type="invoice_payment.paid"), via=WEBHOOK)
    inbox.store_event(fresh_tenant.pk, event(type="invoice.updated"), via=WEBHOOK)
    runner.drain("intake", HANDLERS)
    looked_up = jobs(fresh_tenant, kind=kinds.LOOK_UP_STRIPE_INVOICE.name)
    assert [job.subject for job in looked_up] == ["in_1"]


def test_an_event_on_an_old_revision_leads_to_the_same_invoice(fresh_tenant: Tenant) -> None:
    with tenant_scope(fresh_tenant.pk):
        link = InvoiceLink.objects.create(tenant=fresh_tenant, freshbooks_invoice_id=42)
        InvoiceRevision.objects.create(
            tenant=fresh_tenant,
            invoice=link,
            revision=1,
            stripe_invoice_id="in_1",
            state="gone",
            content_hash="x",
        )
    inbox.store_event(fresh_tenant.pk, event(), via=WEBHOOK)
    runner.drain("intake", HANDLERS)
    assert [job.subject for job in jobs(fresh_tenant, kind="sync_invoice")] == ["42"]


@pytest.mark.parametrize("object_id", ["", "in_1", "1e5", "-1", "99999999999999999999999"])
def test_a_hint_with_an_odd_object_id_does_not_break_the_intake(
    fresh_tenant: Tenant, object_id: str
) -> None:
    inbox.store_hint(fresh_tenant.pk, event_type="payment.create", object_id=object_id)
    runner.drain("intake", HANDLERS)
    assert [job.failure_code for job in jobs(fresh_tenant, kind="route_delivery")] in (
        [""],
        ["unexpected"],
    )
