"""The command line does what the buttons do, says what it did, and fails when it did not."""

from __future__ import annotations

import json
import threading
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from audit.models import AuditEntry
from connector.jobs import kinds
from connector.models import Delivery, SyncJob
from tenants.models import Tenant
from tenants.scope import every_tenant
from tests.admin.world import World, make_job


def run(*arguments: Any) -> str:
    out = StringIO()
    call_command(*[str(argument) for argument in arguments], stdout=out, stderr=StringIO())
    return out.getvalue()


def run_json(*arguments: Any) -> Any:
    return json.loads(run(*arguments, "--json"))


def queued(tenant: Tenant, kind: kinds.Kind) -> list[str]:
    with every_tenant():
        jobs = SyncJob.objects.filter(tenant=tenant, kind=kind.name, state=SyncJob.State.QUEUED)
        return list(jobs.values_list("subject", flat=True))


@pytest.mark.parametrize("command", ["sync", "reconcile", "standing"])
def test_an_unknown_tenant_is_told_with_the_known_ones(world: World, command: str) -> None:
    with pytest.raises(CommandError, match=f"no tenant 'nobody'.*{world.tenant.slug}"):
        run(command, "nobody")


def test_sync_polls_both_vendors(two_worlds: tuple[World, World], rung: list[str]) -> None:
    tenant = two_worlds[0].tenant
    told = run("sync", tenant.slug)
    assert "queued poll_freshbooks, poll_stripe, poll_money" in told
    assert queued(tenant, kinds.POLL_FRESHBOOKS) == queued(tenant, kinds.POLL_STRIPE) == [""]
    assert queued(two_worlds[1].tenant, kinds.POLL_STRIPE) == []
    assert rung == ["freshbooks"]
    with every_tenant():
        assert AuditEntry.objects.filter(action="tenant.work_asked").count() == 1


@pytest.mark.parametrize("name", ["number", "freshbooks_invoice_id", "stripe_invoice_id"])
def test_sync_of_one_invoice_by_any_of_its_names(world: World, rung: list[str], name: str) -> None:
    run("sync", world.tenant.pk, "--invoice", getattr(world.invoice, name))
    assert queued(world.tenant, kinds.SYNC_INVOICE) == [str(world.invoice.freshbooks_invoice_id)]
    assert rung == ["stripe"]


def test_sync_of_an_invoice_or_client_that_is_not_here_yet(world: World) -> None:
    assert len(run_json("sync", world.tenant.slug, "--invoice", "4711")["jobs"]) == 1
    assert len(run_json("sync", world.tenant.slug, "--client", "4712")["jobs"]) == 1
    assert queued(world.tenant, kinds.SYNC_INVOICE) == ["4711"]
    assert queued(world.tenant, kinds.SYNC_CLIENT) == ["4712"]
    with pytest.raises(CommandError, match="no invoice 'INV-9999'.*INV-000"):
        run("sync", world.tenant.slug, "--invoice", "INV-9999")


def test_waiting_gives_up_when_nobody_works(world: World) -> None:
    with pytest.raises(CommandError, match=r"Not settled after 0.2 seconds: 3 queued"):
        run("sync", world.tenant.slug, "--wait", "0.2")


def test_reconcile_tells_the_differences_that_are_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch, SyncJob.State.DONE)
    assert "1 open discrepancies" in run("reconcile", world.tenant.slug, "--wait", "5")
    found = run_json("reconcile", world.tenant.slug, "--wait", "5")
    assert found["states"]["done"] >= 1
    assert [row["kind"] for row in found["discrepancies"]] == ["total_differs"]


def test_waiting_fails_when_the_work_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch, SyncJob.State.HELD)
    with pytest.raises(CommandError, match=r"job \d+ \(reconcile\) held: needs a person"):
        run("reconcile", world.tenant.slug, "--wait")


def settle(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    """While the command waits, a worker ends what is queued in this state."""

    def work(_seconds: float) -> None:
        with every_tenant():
            SyncJob.objects.filter(state=SyncJob.State.QUEUED).update(state=state)

    monkeypatch.setattr("connector.management.asking.time.sleep", work)


def test_jobs_are_listed(two_worlds: tuple[World, World]) -> None:
    slug = two_worlds[0].tenant.slug
    every = run_json("jobs", "--failed")
    assert {job["tenant"] for job in every} == {world.tenant.slug for world in two_worlds}
    (mine,) = run_json("jobs", "--failed", "--tenant", slug)
    assert mine["job"] == two_worlds[0].job.pk
    assert mine["next_step"].startswith("Restore the customer")
    assert len(run_json("jobs", "--state", "done", "--tenant", slug, "--limit", "2")) == 2
    assert "expected a customer" in run("jobs", "--tenant", slug)
    assert run("jobs", "--state", "running").strip() == "No such job."


def test_requeue_by_number(world: World, rung: list[str]) -> None:
    assert run_json("requeue", world.job.pk) == {"requeued": 1}
    with every_tenant():
        assert SyncJob.objects.get(pk=world.job.pk).state == SyncJob.State.QUEUED
        (entry,) = AuditEntry.objects.filter(action="job.requeued")
    assert entry.actor.startswith("cli:")
    assert "stripe" in rung


def test_requeue_does_nothing_when_one_of_the_jobs_cannot_be(world: World, rung: list[str]) -> None:
    with every_tenant():
        done = make_job(world.tenant, kind=kinds.PING)
    with pytest.raises(CommandError, match=f"no job 99999999; job {done.pk} is done"):
        run("requeue", world.job.pk, done.pk, 99999999)
    with every_tenant():
        assert SyncJob.objects.get(pk=world.job.pk).state == SyncJob.State.DEAD
    assert rung == []


@pytest.mark.parametrize("arguments", [(), ("5", "--all-failed")])
def test_requeue_wants_to_know_which(db: None, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="Name the jobs"):
        run("requeue", *arguments)


def test_requeue_of_all_that_failed(two_worlds: tuple[World, World]) -> None:
    assert run_json("requeue", "--all-failed", "--tenant", two_worlds[0].tenant.slug) == {
        "requeued": 1
    }
    assert run_json("requeue", "--all-failed") == {"requeued": 1}
    assert run_json("requeue", "--all-failed") == {"requeued": 0}


def test_replay_by_delivery_and_by_event(world: World, rung: list[str]) -> None:
    with every_tenant():
        event = Delivery.objects.create(
            tenant=world.tenant,
            source="stripe",
            via="webhook",
            event_id="evt_1AbC",
            event_type="invoice.paid",
            object_id="in_1",
            received_at=world.delivery.received_at,
        )
    told = run_json("replay", world.delivery.pk, "evt_1AbC")
    assert [row["delivery"] for row in told["replayed"]] == [world.delivery.pk, event.pk]
    assert set(queued(world.tenant, kinds.ROUTE_DELIVERY)) == {
        str(world.delivery.pk),
        str(event.pk),
    }
    assert rung == ["intake"]


def test_replay_of_an_unknown_event_does_nothing(world: World, rung: list[str]) -> None:
    with pytest.raises(CommandError, match="no delivery 'evt_none'"):
        run("replay", world.delivery.pk, "evt_none")
    assert queued(world.tenant, kinds.ROUTE_DELIVERY) == []
    assert rung == []


def test_commands_start_no_thread_that_outlives_them(world: World) -> None:
    before = threading.active_count()
    run("sync", world.tenant.slug)
    assert threading.active_count() == before
