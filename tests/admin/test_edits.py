"""The few fields that are edited by hand: checked, saved alone, and recorded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEntry
from audit.recording import read_details
from connector.models import Discrepancy, PollFeed, RateBucket
from connector.roles import ensure_roles
from tenants.models import Tenant
from tenants.scope import every_tenant
from tests.admin.world import World

SignedIn = Callable[[str], Client]


def page(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def settings_of(tenant: Tenant, **changes: Any) -> dict[str, Any]:
    return {
        "name": tenant.name,
        "payment_mode": tenant.payment_mode,
        "email_sender": tenant.email_sender,
        "own_pay_button": tenant.own_pay_button,
        "time_zone": tenant.time_zone,
        "start_date": "",
        "poll_interval_s": tenant.poll_interval_s,
        "poll_crontab": "",
        "job_weight": tenant.job_weight,
    } | changes


def last_entry(action: str) -> tuple[AuditEntry, Any]:
    with every_tenant():
        entry = AuditEntry.objects.filter(action=action).order_by("-pk")[0]
        return entry, read_details(entry)


def test_settings_are_saved_and_recorded(world: World, signed_in: SignedIn) -> None:
    changed = settings_of(world.tenant, payment_mode="observe", start_date="2026-01-01")
    assert signed_in("superuser").post(page(world.tenant), changed).status_code == 302
    tenant = Tenant.objects.get(pk=world.tenant.pk)
    assert (tenant.payment_mode, str(tenant.start_date)) == ("observe", "2026-01-01")
    entry, details = last_entry("tenant.settings_changed")
    assert (entry.actor, entry.tenant_id) == ("ada", tenant.pk)
    assert details["before"] == {"payment_mode": "approve", "start_date": None}
    assert details["after"] == {"payment_mode": "observe", "start_date": "2026-01-01"}


@pytest.mark.parametrize("role", ["support", "finance", "staff"])
def test_settings_are_not_for_everybody(world: World, signed_in: SignedIn, role: str) -> None:
    changed = settings_of(world.tenant, payment_mode="record")
    assert signed_in(role).post(page(world.tenant), changed).status_code == 403
    assert Tenant.objects.get(pk=world.tenant.pk).payment_mode == "approve"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("poll_crontab", "every day"),
        ("poll_crontab", "61 * * * *"),
        ("poll_interval_s", "0"),
        ("time_zone", "Mars/Olympus"),
        ("payment_mode", "whatever"),
    ],
)
def test_nonsense_is_refused(world: World, signed_in: SignedIn, name: str, value: str) -> None:
    answer = signed_in("superuser").post(
        page(world.tenant), settings_of(world.tenant, **{name: value})
    )
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode() or "Please correct" in answer.content.decode()


def test_a_state_is_not_edited_by_a_form(world: World, signed_in: SignedIn) -> None:
    signed_in("superuser").post(
        page(world.tenant), settings_of(world.tenant, state="paused", slug="x")
    )
    tenant = Tenant.objects.get(pk=world.tenant.pk)
    assert (tenant.state, tenant.slug) == ("live", world.tenant.slug)


def test_a_new_schedule_is_followed_at_once(world: World, signed_in: SignedIn) -> None:
    signed_in("superuser").post(page(world.tenant), settings_of(world.tenant, poll_interval_s=60))
    soon = timezone.now() + timedelta(seconds=70)
    with every_tenant():
        due = dict(PollFeed.objects.filter(tenant=world.tenant).values_list("feed", "next_due_at"))
    assert due["freshbooks"] < soon
    assert due["stripe"] < soon
    assert due["reconcile"] > soon


def test_a_tenant_is_added_by_an_operator(db: None, signed_in: SignedIn) -> None:
    url = reverse("admin:tenants_tenant_add")
    asked = {"name": "Larch Legal", "slug": "larch-legal", "time_zone": "America/Toronto"}
    assert signed_in("support").post(url, asked).status_code == 403
    assert signed_in("superuser").post(url, asked).status_code == 302
    tenant = Tenant.objects.get(slug="larch-legal")
    assert (tenant.state, tenant.choices_made_at) == (Tenant.State.ONBOARDING, None)
    entry, _ = last_entry("tenant.created")
    assert entry.entity == f"tenant:{tenant.pk}"


def test_a_discrepancy_gets_an_owner(world: World, signed_in: SignedIn) -> None:
    assert signed_in("finance").post(page(world.discrepancy), {"owner": "fin"}).status_code == 302
    with every_tenant():
        assert Discrepancy.objects.get(pk=world.discrepancy.pk).owner == "fin"
    assert last_entry("discrepancy.owner_set")[0].actor == "fin"


def test_a_rate_limit_is_changed_but_never_to_nothing(world: World, signed_in: SignedIn) -> None:
    browser = signed_in("superuser")
    chosen = {"rate_per_s": "5", "capacity": "8", "most_in_flight": "2", "reads_allowed": "20000"}
    assert browser.post(page(world.bucket), chosen).status_code == 302
    for wrong in (
        {"rate_per_s": "0"},
        {"rate_per_s": "10001"},
        {"capacity": "0.5"},
        {"most_in_flight": "0"},
        {"reads_allowed": "999"},
    ):
        assert browser.post(page(world.bucket), chosen | wrong).status_code == 200, wrong
    with every_tenant():
        bucket = RateBucket.objects.get(pk=world.bucket.pk)
    assert (bucket.rate_per_s, bucket.capacity) == (5, 8)
    assert (bucket.most_in_flight, bucket.reads_allowed) == (2, 20_000)
    assert last_entry("rate_limit.changed")[0].actor == "ada"
    assert signed_in("support").post(page(world.bucket), {"rate_per_s": "9"}).status_code == 403
    assert browser.post(page(world.bucket), dict.fromkeys(chosen, "")).status_code == 302
    with every_tenant():
        assert RateBucket.objects.get(pk=world.bucket.pk).rate_per_s is None


def test_what_an_operator_takes_from_a_group_stays_out(db: None) -> None:
    group = Group.objects.get(name="Support")
    group.permissions.clear()
    ensure_roles(apps.get_app_config("connector"), using="default")
    assert group.permissions.count() == 0
