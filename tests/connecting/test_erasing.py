"""A tenant that is erased: nothing of its people can be read, nothing calls any more, proofs hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import AuditEntry
from audit.recording import KeysErased, read_details
from audit.verification import verify_chain
from connector import clients, decisions_tenants, routing
from connector.connecting import disconnecting
from connector.connecting.erasing import KEPT, erase_tenant, tenant_tables
from connector.errors import ConnectorError, FenceLost
from connector.jobs import kinds
from connector.jobs.context import JobRun
from connector.models import ClientLink, MoneyFact, SyncJob
from connector.runs import build_run
from tenants.models import FreshBooksGrant, Tenant
from tenants.scope import every_tenant, tenant_scope
from tests.pipeline.shop import Shop, cause

CANARIES = ("Zanzibar Canary", "canary.person", "Canaryburg", "Canary Owner")


@pytest.fixture
def known_shop(shop: Shop) -> Shop:
    """A shop that has seen people: clients, invoices, payments, money without an invoice."""
    client = shop.client(
        organization="Zanzibar Canary", email="canary.person@example.com", p_city="Canaryburg"
    )
    invoice = shop.invoice("100.00", client=client, notes="for Canary Owner")
    shop.poll()
    shop.pay(invoice, 2500)
    shop.cheque(invoice, "10.00", note="from Canary Owner")
    shop.poll()
    shop.reconcile()
    return shop


def all_texts(tenant_id: int) -> str:
    """Every row of this tenant in every table, as text."""
    texts = []
    with every_tenant(), connection.cursor() as cursor:
        models: list[Any] = [*tenant_tables(), AuditEntry]
        for model in models:
            table = model._meta.db_table
            cursor.execute(f"SELECT t::text FROM {table} t WHERE tenant_id = %s", [tenant_id])
            texts += [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT t::text FROM tenants_tenant t WHERE id = %s", [tenant_id])
        texts += [row[0] for row in cursor.fetchall()]
    return "\n".join(texts)


def test_nothing_of_its_people_is_left_and_the_chain_still_verifies(known_shop: Shop) -> None:
    shop = known_shop
    tenant_id, name = shop.tenant.pk, shop.tenant.slug
    before = all_texts(tenant_id)
    assert "Zanzibar Canary" in before
    assert "canary.person" in before
    with tenant_scope(tenant_id):
        facts = MoneyFact.objects.count()
        entries = AuditEntry.objects.filter(tenant_id=tenant_id).count()
    assert erase_tenant(tenant_id, cause=cause()) == []
    after = all_texts(tenant_id)
    assert [canary for canary in CANARIES if canary in after] == []
    assert name not in after
    with every_tenant():
        for model in tenant_tables():
            if model not in KEPT:
                assert not model._default_manager.filter(tenant_id=tenant_id).exists(), model
        assert MoneyFact.objects.filter(tenant_id=tenant_id).count() == facts >= 3
        assert not FreshBooksGrant.objects.filter(identity_id=shop.identity_id).exists()
    with tenant_scope(tenant_id):
        report = verify_chain(tenant_id)
        assert (report.intact, report.problem) == (True, "")
        last = AuditEntry.objects.filter(tenant_id=tenant_id).order_by("-sequence")[0]
        assert last.action == "tenant.erased"
        assert report.entries == last.sequence > entries
        with pytest.raises(KeysErased):
            read_details(last)


def test_the_admins_recent_actions_name_nobody_any_more(known_shop: Shop) -> None:
    shop, operator = known_shop, User.objects.create_user("operator")
    with every_tenant():
        client = ClientLink.objects.filter(tenant_id=shop.tenant.pk)[0]
        for row in (shop.tenant, client, operator):
            LogEntry.objects.create(
                user=operator,
                content_type=ContentType.objects.get_for_model(row),
                object_id=str(row.pk),
                object_repr="Zanzibar Canary",
                action_flag=CHANGE,
                change_message="for Canary Owner",
            )
    erase_tenant(shop.tenant.pk, cause=cause())
    named = LogEntry.objects.filter(object_repr="Zanzibar Canary")
    assert [row.object_id for row in named] == [str(operator.pk)]
    assert named[0].content_type == ContentType.objects.get_for_model(operator)
    assert LogEntry.objects.filter(change_message="for Canary Owner").count() == 1


def test_both_vendors_take_back_what_they_were_given(known_shop: Shop) -> None:
    shop = known_shop
    shop.run(kinds.REGISTER_WEBHOOKS)
    assert shop.st_book()["webhook_endpoints"]
    assert shop.fb_book()["callbacks"]
    erase_tenant(shop.tenant.pk, cause=cause())
    assert shop.st_book()["webhook_endpoints"] == []
    assert shop.fb_book()["callbacks"] == []


def test_work_under_way_saves_nothing_and_waiting_work_is_parked(known_shop: Shop) -> None:
    shop = known_shop
    waiting = shop.enqueue(kinds.RECONCILE_ALL)
    running = shop.job(shop.enqueue(kinds.POLL_STRIPE))
    with tenant_scope(shop.tenant.pk):
        SyncJob.objects.filter(pk=running.pk).update(state="running", fence=7)
    job = JobRun(
        job_id=running.pk,
        tenant_id=shop.tenant.pk,
        kind="poll_stripe",
        subject="",
        fence=7,
        attempt=1,
        cause=cause(),
    )
    run = build_run(job)
    erase_tenant(shop.tenant.pk, cause=cause())
    for job_id in (waiting, running.pk):
        row = shop.job(job_id)
        assert (row.state, row.failure_code) == ("superseded", "tenant_erased")
    with pytest.raises(FenceLost), tenant_scope(shop.tenant.pk):
        job.hold_fence()
    run.stripe._gate._look_at = 0  # type: ignore[attr-defined] # the next look is due
    before = shop.stripe.calls()["total"]
    with pytest.raises(clients.TenantChanged):
        run.stripe.balance_mode()
    assert shop.stripe.calls()["total"] == before
    shop.pump()
    assert shop.job(waiting).state == "superseded"


def test_the_button_needs_the_short_name_and_a_job_erases(known_shop: Shop) -> None:
    shop, tenant_id = known_shop, known_shop.tenant.pk
    with every_tenant():
        assert decisions_tenants.erase([shop.tenant], typed="yes", cause=cause()) == 0
        assert decisions_tenants.erase([shop.tenant], typed=shop.tenant.slug, cause=cause()) == 1
    shop.settle()
    assert Tenant.objects.get(pk=tenant_id).state == Tenant.State.ERASED
    (job,) = shop.jobs(kind="erase_tenant")
    assert (job.state, job.outcome) == ("done", "erased")
    assert erase_tenant(tenant_id, cause=cause()) == [], "a second time finds it done"


def test_the_command_asks_first_and_tells_machines(
    known_shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant = known_shop.tenant
    monkeypatch.setattr("builtins.input", lambda _: "something else")
    with pytest.raises(CommandError, match="nothing was erased"):
        call_command("erase_tenant", tenant.slug)
    assert Tenant.objects.get(pk=tenant.pk).state == Tenant.State.LIVE
    call_command("erase_tenant", tenant.slug, "--yes", "--json")
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told == {"tenant": tenant.pk, "erased": tenant.slug, "left": []}
    with pytest.raises(CommandError, match="nothing is left of it but its audit chain"):
        call_command("ping", str(tenant.pk))
    call_command("verify_audit", str(tenant.pk))


@pytest.mark.parametrize("how", ["paused", "disconnected"])
def test_work_under_way_stops_calling_when_its_tenant_is_stopped(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """A look every two seconds, made due at once here: the next call is not made."""
    monkeypatch.setattr(clients, "LOOK_EVERY_S", 0)
    shop.invoice()
    stopped: list[Any] = []

    def stop_after_a_call(job: JobRun) -> str:
        run = build_run(job)
        if not stopped:
            run.freshbooks.list_invoices(page=1)
            if how == "paused":
                with every_tenant():
                    decisions_tenants.pause([shop.tenant], cause=cause())
            else:
                disconnecting.disconnect(shop.tenant.pk, cause=cause())
            stopped.append((shop.freshbooks.calls()["total"], shop.stripe.calls()["total"]))
            for call in (run.stripe.balance_mode, lambda: run.freshbooks.list_clients(page=1)):
                with pytest.raises(ConnectorError) as caught:
                    call()
                assert caught.value.code in {"tenant_changed", "grant_lost"}
            run.stripe.balance_mode()
        return "never"

    shop.handlers = {**routing.HANDLERS, "poll_freshbooks": stop_after_a_call}
    shop.enqueue(kinds.POLL_FRESHBOOKS)
    shop.settle()
    (job,) = shop.jobs(kind="poll_freshbooks")
    assert (job.state, job.failure_code) == ("held", "tenant_not_live")
    assert (shop.freshbooks.calls()["total"], shop.stripe.calls()["total"]) == stopped[0]
