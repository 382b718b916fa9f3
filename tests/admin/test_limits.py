"""Pages of vendor limits and incidents: what they show, and letting calls pass by hand."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from connector.models import RateBucket, VendorIncident
from tenants.scope import every_tenant
from tests.admin.test_buttons import CONFIRM, entries, list_of, page_of, url_of
from tests.admin.world import World

SignedIn = Callable[[str], Client]


def test_letting_calls_pass_ends_the_pause(world: World, signed_in: SignedIn) -> None:
    browser = signed_in("superuser")
    assert (
        "vendor incident: one try a minute" in browser.get(page_of(world.bucket)).content.decode()
    )
    browser.post(url_of(world.bucket, "let_pass"), CONFIRM)
    with every_tenant():
        bucket = RateBucket.objects.get(pk=world.bucket.pk)
    assert (bucket.failures, bucket.blocked_until, bucket.lowered_at) == (0, None, None)


def test_an_incident_of_a_vendor_is_closed_by_hand(world: World, signed_in: SignedIn) -> None:
    incident = VendorIncident.objects.get(vendor="stripe")
    assert signed_in("support").post(url_of(incident, "end"), CONFIRM).status_code == 403
    browser = signed_in("superuser")
    assert "answers nobody" in browser.get(list_of(incident)).content.decode()
    assert browser.post(url_of(incident, "end"), CONFIRM).status_code == 302
    incident.refresh_from_db()
    assert incident.opened_at is None
    assert incident.closed_at is not None
    told = [row for row in entries("vendor.incident_closed") if row.tenant_id == world.tenant.pk]
    assert [row.actor for row in told] == ["ada"]


def test_the_page_of_an_account_shows_all_that_is_in_force(
    world: World, signed_in: SignedIn
) -> None:
    page = signed_in("superuser").get(page_of(world.bucket)).content.decode()
    for shown in (
        "3, burst 3",  # calls per second
        "0 of 4",  # workers that call
        "8,400 of 10,000 (84%)",  # reads
        "in 7 days: 0 of 1,234 (0.00%)",  # 429s
        "stripe.invoices.create",  # its endpoint,
        "lowered to 1.5",  # which refused a call
    ):
        assert shown in page, shown


def test_the_list_is_of_accounts_unless_endpoints_are_asked_for(
    world: World, signed_in: SignedIn
) -> None:
    browser = signed_in("superuser")

    def listed(**filters: str) -> list[str]:
        answer = browser.get(list_of(world.bucket), filters)
        rows = answer.context["cl"].result_list
        return [row.endpoint for row in rows if row.tenant_id == world.tenant.pk]

    assert listed() == ["", ""]
    assert listed(of="endpoints") == ["stripe.invoices.create"]
    assert len(listed(of="both")) == 3
