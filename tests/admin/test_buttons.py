"""Every button: what it does, for one row and for many, who may press it, and its audit entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks

from audit.models import AuditEntry
from connector.jobs import kinds, ledger
from connector.models import CollectedPayment, InvoiceRevision, SyncJob
from tenants.models import OnboardingLink, Tenant
from tenants.scope import every_tenant
from tests.admin.world import World, make_job
from tests.pipeline.shop import cause

SignedIn = Callable[[str], Client]
CONFIRM = {"_form_submitted": "on"}


@dataclass(frozen=True)
class Press:
    """One button of one row of the world, the audit entry it leaves, and who may press it."""

    row: str
    button: str
    action: str
    allowed: frozenset[str]
    form: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.row}-{self.button}"


def press(row: str, button: str, action: str, *allowed: str, **form: str) -> Press:
    return Press(row, button, action, frozenset({"superuser", *allowed}), form)


PRESSES = (
    press("job", "requeue", "job.requeued", "support"),
    press("delivery", "replay", "delivery.replayed", "support"),
    press("invoice", "sync_now", "invoice.sync_asked", "support"),
    press("client", "sync_now", "client.sync_asked", "support"),
    press("payment", "approve", "payment.approved", "finance"),
    press("payment", "leave", "payment.left_alone", "finance", reason="paid by cheque as well"),
    press("stray", "accept", "money.matched", "finance"),
    press("stray", "ignore", "money.left_alone", "finance", reason="a gift"),
    press("stray", "look_again", "money.look_asked", "finance"),
    press("discrepancy", "look_after", "discrepancy.owner_set", "support", "finance"),
    press("tenant", "poll_now", "tenant.work_asked", "support"),
    press("tenant", "reconcile_now", "tenant.work_asked", "support"),
    press("tenant", "ping", "tenant.work_asked", "support"),
    press("tenant", "register_webhooks", "tenant.work_asked"),
    press("tenant", "revoke_links", "onboarding_link.revoked"),
    press("tenant", "pause", "tenant.paused"),
    press("bucket", "let_pass", "rate_limit.let_pass"),
)
each_press = pytest.mark.parametrize("pressed", PRESSES, ids=str)


def url_of(row: Any, button: str) -> str:
    meta = row._meta
    name = f"admin:{meta.app_label}_{meta.model_name}_press_{button}"
    return reverse(name, args=[row.pk])


def list_of(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_changelist")


def page_of(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def entries(action: str) -> list[AuditEntry]:
    with every_tenant():
        return list(AuditEntry.objects.filter(action=action).order_by("pk"))


@each_press
def test_a_button_of_one_row(
    two_worlds: tuple[World, World], signed_in: SignedIn, rung: set[str], pressed: Press
) -> None:
    row = getattr(two_worlds[0], pressed.row)
    url = url_of(row, pressed.button)
    for role in ("superuser", "support", "finance", "staff"):
        if role not in pressed.allowed:
            assert signed_in(role).post(url, CONFIRM | pressed.form).status_code == 403, role
    assert entries(pressed.action) == []
    browser = signed_in(min(pressed.allowed))
    asked = browser.get(url)
    assert asked.status_code == 200
    assert entries(pressed.action) == [], "a link must not press a button"
    assert browser.post(url, CONFIRM | pressed.form).status_code == 302
    (entry,) = entries(pressed.action)
    assert entry.tenant_id == two_worlds[0].tenant.pk
    assert entry.actor in {"ada", "sol", "fin"}
    assert entry.cause.startswith("admin: ")


@each_press
def test_the_same_button_for_many_rows(
    two_worlds: tuple[World, World], signed_in: SignedIn, pressed: Press
) -> None:
    rows = [getattr(world, pressed.row) for world in two_worlds]
    data = {"action": pressed.button, "_selected_action": [row.pk for row in rows]}
    for role in {"superuser", "support", "finance", "staff"} - pressed.allowed:
        assert signed_in(role).post(list_of(rows[0]), data).status_code == 403, role
    assert entries(pressed.action) == []
    answer = signed_in("superuser").post(list_of(rows[0]), data)
    assert answer.status_code == 302
    (told,) = get_messages(answer.wsgi_request)
    assert "2 " in str(told)
    made = entries(pressed.action)
    assert {entry.tenant_id for entry in made} == {world.tenant.pk for world in two_worlds}
    assert len({entry.correlation_id for entry in made}) == 1


def test_a_press_needs_the_token_of_its_form(world: World, people: dict[str, Any]) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people["superuser"])
    assert browser.post(url_of(world.payment, "approve"), CONFIRM).status_code == 403
    assert entries("payment.approved") == []


def test_requeued_jobs_run_at_once_and_queues_are_rung_after_the_commit(
    world: World,
    signed_in: SignedIn,
    rung: set[str],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        signed_in("support").post(url_of(world.job, "requeue"), CONFIRM)
        assert rung == set()
    assert rung == {"intake", "freshbooks", "stripe", "reconcile"}
    with every_tenant():
        job = SyncJob.objects.get(pk=world.job.pk)
    assert (job.state, job.attempts, job.actor) == (SyncJob.State.QUEUED, 0, "sol")
    assert job.correlation_id == entries("job.requeued")[0].correlation_id


def test_a_dialog_is_told_where_to_go(world: World, signed_in: SignedIn) -> None:
    answer = signed_in("support").post(
        url_of(world.job, "requeue"), CONFIRM, headers={"HX-Request": "true"}
    )
    assert answer.headers["HX-Redirect"].endswith(f"/{world.job.pk}/change/")


def test_approving_leaves_a_job_for_the_invoice(world: World, signed_in: SignedIn) -> None:
    signed_in("finance").post(url_of(world.payment, "approve"), CONFIRM)
    with every_tenant():
        payment = CollectedPayment.objects.get(pk=world.payment.pk)
        waiting = SyncJob.objects.filter(
            kind=kinds.SYNC_INVOICE.name,
            subject=str(world.invoice.freshbooks_invoice_id),
            state=SyncJob.State.QUEUED,
        )
        assert [job.priority for job in waiting] == [5]
    assert payment.recording == CollectedPayment.Recording.APPROVED
    assert payment.approved_by == "fin"
    assert payment.approved_at is not None


def test_where_a_tenant_only_observes_nothing_is_approved(
    world: World, signed_in: SignedIn
) -> None:
    Tenant.objects.filter(pk=world.tenant.pk).update(payment_mode="observe")
    browser = signed_in("finance")
    assert "/approve/" not in browser.get(page_of(world.payment)).content.decode()
    answer = browser.post(url_of(world.payment, "approve"), CONFIRM)
    assert "only observes" in str(next(iter(get_messages(answer.wsgi_request))))
    assert entries("payment.approved") == []


@pytest.mark.parametrize("state", ["sending", "unknown", "recorded", "deleted_by_person"])
def test_money_that_is_under_way_is_not_approved_again(
    world: World, signed_in: SignedIn, state: str
) -> None:
    with every_tenant():
        CollectedPayment.objects.filter(pk=world.payment.pk).update(recording=state)
    for button in ("approve", "leave"):
        signed_in("finance").post(url_of(world.payment, button), CONFIRM | {"reason": "why"})
    with every_tenant():
        assert CollectedPayment.objects.get(pk=world.payment.pk).recording == state
    assert entries("payment.approved") == entries("payment.left_alone") == []


def test_leaving_a_payment_needs_a_reason_and_keeps_it(world: World, signed_in: SignedIn) -> None:
    url = url_of(world.payment, "leave")
    assert signed_in("finance").post(url, CONFIRM).status_code == 200
    assert entries("payment.left_alone") == []
    signed_in("finance").post(url, CONFIRM | {"reason": "paid twice"})
    with every_tenant():
        payment = CollectedPayment.objects.get(pk=world.payment.pk)
    assert (payment.recording, payment.reason) == ("observed", "paid twice")


def test_sending_again_takes_back_what_a_person_did(world: World, signed_in: SignedIn) -> None:
    url = url_of(world.invoice, "send_again")
    signed_in("superuser").post(url, CONFIRM)
    assert entries("invoice.send_again_asked") == []
    with every_tenant():
        revisions = InvoiceRevision.objects.filter(invoice=world.invoice)
        revisions.update(state=InvoiceRevision.State.GONE, retired_by_person=True)
    assert signed_in("support").post(url, CONFIRM).status_code == 403
    signed_in("superuser").post(url, CONFIRM)
    assert len(entries("invoice.send_again_asked")) == 1
    with every_tenant():
        assert not InvoiceRevision.objects.get(invoice=world.invoice).retired_by_person


def test_releasing_lets_all_go_that_are_held_for_the_same_reason(
    two_worlds: tuple[World, World], signed_in: SignedIn
) -> None:
    held = {"state": SyncJob.State.HELD, "finished_at": None}
    with every_tenant():
        first, second, other_reason, other_tenant = (
            make_job(
                world.tenant, kind=kinds.SYNC_CLIENT, subject=str(number), **held, failure_code=code
            )
            for number, (world, code) in enumerate(
                [
                    (two_worlds[0], "grant_lost"),
                    (two_worlds[0], "grant_lost"),
                    (two_worlds[0], "no_email"),
                    (two_worlds[1], "grant_lost"),
                ]
            )
        )
    signed_in("support").post(url_of(first, "release"), CONFIRM)
    with every_tenant():
        states = dict(SyncJob.objects.values_list("pk", "state"))
    assert states[first.pk] == states[second.pk] == "queued"
    assert states[other_reason.pk] == states[other_tenant.pk] == "held"


def test_resuming_releases_the_work_that_waited(world: World, signed_in: SignedIn) -> None:
    signed_in("superuser").post(url_of(world.tenant, "pause"), CONFIRM)
    with every_tenant():
        job = make_job(
            world.tenant, kind=kinds.POLL_STRIPE, state="held", failure_code="tenant_not_live"
        )
    assert Tenant.objects.get(pk=world.tenant.pk).state == Tenant.State.PAUSED
    signed_in("superuser").post(url_of(world.tenant, "resume"), CONFIRM)
    assert Tenant.objects.get(pk=world.tenant.pk).state == Tenant.State.LIVE
    with every_tenant():
        assert SyncJob.objects.get(pk=job.pk).state == SyncJob.State.QUEUED


def test_an_onboarding_link_is_shown_once_and_kept_nowhere(
    world: World, signed_in: SignedIn
) -> None:
    browser = signed_in("superuser")
    url = url_of(world.tenant, "onboarding_link")
    assert signed_in("support").post(url, CONFIRM).status_code == 403
    assert "/connect/" not in browser.get(url).content.decode()
    shown = browser.post(url, CONFIRM)
    token = shown.content.decode().split("/connect/")[1].split("/")[0]
    assert len(token) > 40
    assert "no-store" in shown.headers["Cache-Control"]
    with every_tenant():
        links = OnboardingLink.objects.filter(tenant=world.tenant, created_by="ada")
        assert token not in str(list(links.values()))
    page = browser.get(reverse("admin:tenants_onboardinglink_changelist"))
    assert token not in page.content.decode()
    assert len(entries("onboarding_link.made")) == 1


def test_a_held_job_stays_held_whatever_is_heard_until_somebody_requeues_it(
    world: World, signed_in: SignedIn
) -> None:
    with every_tenant():
        job = make_job(world.tenant, kind=kinds.SYNC_CLIENT, subject="77", state="queued")
    for role in ("finance", "staff"):
        assert signed_in(role).post(url_of(job, "hold"), CONFIRM).status_code == 403
    signed_in("support").post(url_of(job, "hold"), CONFIRM)
    with every_tenant():
        for _ in range(2):
            job.refresh_from_db()
            assert (job.state, job.failure_code) == ("held", "held_by_person")
            assert "sol" in job.failure_message
            ledger.enqueue(
                tenant_id=world.tenant.pk, kind=kinds.SYNC_CLIENT, subject="77", cause=cause()
            )
    assert len(entries("job.held")) == 1
    signed_in("support").post(url_of(job, "requeue"), CONFIRM)
    with every_tenant():
        job.refresh_from_db()
        assert (job.state, job.failure_code) == ("queued", "")


def test_too_many_rows_at_once_are_refused(
    world: World, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.admin.buttons.MOST_AT_ONCE", 1)
    with every_tenant():
        ids = list(SyncJob.objects.values_list("pk", flat=True)[:3])
    data = {"action": "requeue", "_selected_action": ids}
    answer = signed_in("support").post(list_of(world.job), data, follow=True)
    assert "Select at most 1 rows" in answer.content.decode()
    assert entries("job.requeued") == []


def test_a_row_shows_only_the_buttons_that_fit_it(world: World, signed_in: SignedIn) -> None:
    def buttons(row: Any, role: str) -> str:
        url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
        return signed_in(role).get(url).content.decode()

    assert "Re-queue" in buttons(world.job, "support")
    assert "/press" not in buttons(world.payment, "support")
    assert "Send to Stripe again" not in buttons(world.invoice, "superuser")
    assert "/resume/" not in buttons(world.tenant, "superuser")
    assert "/pause/" in buttons(world.tenant, "superuser")
    assert "/pause/" not in buttons(world.tenant, "support")
