"""The connection pages, as a person with a browser uses them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client

from connector.models import Plan, SyncJob
from tenants.checks import freshbooks_app_is_set
from tenants.models import FreshBooksConnection, StripeConnection, Tenant
from tenants.scope import tenant_scope
from tests.connecting.conftest import Person
from tests.connecting.page_steps import (
    CHOICES,
    connect,
    text_of,
    to_freshbooks_and_back,
    work_through,
)
from tests.factories import unique
from tests.pipeline.simulators import Simulators

# The way through ----------------------------------------------------------------------------------


def test_a_person_connects_everything_and_goes_live(
    owner: Person,
    page: str,
    tenant: Tenant,
    business: dict[str, Any],
    stripe_account: dict[str, Any],
) -> None:
    browser = owner.browser
    account = {"account_id": business["account_id"]}
    person = {"organization": "Haddad Dental", "email": "ap@haddad.example"}
    client = owner.freshbooks.act("create_client", client=person, **account)
    work = {"name": "Work", "qty": "1", "unit_cost": {"amount": "77.01", "code": "CAD"}}
    sent = {"customerid": client["id"], "currency_code": "CAD", "lines": [work]}
    owner.freshbooks.act("create_invoice", invoice=sent, send=True, **account)
    first = text_of(browser.get(page))
    assert f"Connect {tenant.name}" in first
    assert "Still to do:" in first

    choose = to_freshbooks_and_back(owner, page)
    confirm = text_of(browser.get(choose))
    assert tenant.name in confirm
    assert "Maple Joinery" in confirm
    done = browser.post(choose, {"business": business["business_id"]})
    assert (done.status_code, done["Location"]) == (302, page)

    pasted = browser.post(f"{page}stripe/", {"api_key": stripe_account["secret_key"]})
    assert (pasted.status_code, pasted["Location"]) == (302, f"{page}#stripe")
    chosen = browser.post(f"{page}choices/", CHOICES)
    assert (chosen.status_code, chosen["Location"]) == (302, f"{page}#live")
    ready = text_of(browser.get(page))
    assert "Everything is ready" in ready
    assert stripe_account["secret_key"] not in ready

    assert "your plan is being made" in ready
    work_through(tenant)
    planned = browser.get(page)
    assert "Nothing has been written yet" in text_of(planned)
    assert "Haddad Dental" in text_of(planned), "a step without an amount is shown as well"
    assert "77.01" in text_of(planned)
    (hash_,) = re.findall(r'name="hash" value="([0-9a-f]{64})"', planned.content.decode())
    assert browser.post(f"{page}live/", {"hash": "0" * 64}).status_code == 409
    approved = browser.post(f"{page}live/", {"hash": hash_})
    assert approved["Location"] == f"{page}#live"
    assert "The plan is being applied" in text_of(browser.get(page))
    work_through(tenant)
    assert f"{tenant.name} is live" in text_of(browser.get(page))
    tenant.refresh_from_db()
    assert (tenant.state, tenant.payment_mode) == ("live", "record")
    with tenant_scope(tenant.pk):
        assert SyncJob.objects.filter(kind="register_webhooks").exists()


def test_nobody_goes_live_without_having_seen_the_plan(tenant: Tenant, page: str) -> None:
    answer = Client().post(f"{page}live/")
    assert (answer.status_code, "There is no plan to approve yet" in text_of(answer)) == (409, True)
    assert Client().post(f"{page}plan/").status_code == 409
    with tenant_scope(tenant.pk):
        assert not Plan.objects.exists()


def test_nothing_is_chosen_beforehand(tenant: Tenant, page: str) -> None:
    html = text_of(Client().get(page))
    radios = re.findall(r'<input type="radio"[^>]*>', html)
    assert len(radios) == 5
    assert not [radio for radio in radios if "checked" in radio]


def test_two_businesses_are_offered_and_none_is_chosen_beforehand(
    simulators: Simulators, owner: Person, page: str, business: dict[str, Any]
) -> None:
    simulators.freshbooks.business(owner.login, name="Oak Studio")
    choose = to_freshbooks_and_back(owner, page)
    html = text_of(owner.browser.get(choose))
    assert "Which business?" in html
    assert "Oak Studio" in html
    assert "checked" not in html
    again = owner.browser.post(choose, {})
    assert (again.status_code, "Choose one of the businesses" in text_of(again)) == (422, True)


def test_staff_connect_from_the_admin(
    tenant: Tenant, owner: Person, business: dict[str, Any]
) -> None:
    staff = User.objects.create(username=unique("ada"), is_staff=True, is_superuser=True)
    owner.browser.force_login(staff)
    start = owner.browser.get("/oauth/freshbooks/start", {"tenant": tenant.pk})
    back = urlsplit(owner.consent(start["Location"]))
    choose = owner.browser.get(f"{back.path}?{back.query}")["Location"]
    done = owner.browser.post(choose, {"business": business["business_id"]})
    assert done["Location"] == f"/admin/tenants/tenant/{tenant.pk}/change/"
    for unknown in ("0", "x", ""):
        answer = owner.browser.get("/oauth/freshbooks/start", {"tenant": unknown})
        assert answer.status_code == 404


def test_only_staff_begin_without_a_link(tenant: Tenant) -> None:
    browser = Client()
    assert "/admin/login/" in browser.get(f"/oauth/freshbooks/start?tenant={tenant.pk}")["Location"]
    browser.force_login(User.objects.create(username=unique("bob")))
    assert browser.get(f"/oauth/freshbooks/start?tenant={tenant.pk}").status_code == 302


# What goes wrong ----------------------------------------------------------------------------------


def test_a_no_at_freshbooks_leads_back_to_the_page(owner: Person, page: str) -> None:
    start = owner.browser.post(f"{page}freshbooks/")
    back = urlsplit(owner.consent(start["Location"], decision="deny"))
    answer = owner.browser.get(f"{back.path}?{back.query}")
    assert answer.status_code == 409
    assert "You did not allow access" in text_of(answer)
    assert f'href="{page}"' in text_of(answer)


def test_a_foreign_browser_cannot_finish(
    owner: Person, page: str, tenant: Tenant, business: dict[str, Any]
) -> None:
    start = owner.browser.post(f"{page}freshbooks/")
    back = urlsplit(owner.consent(start["Location"]))
    victim = Client()
    answer = victim.get(f"{back.path}?{back.query}")
    assert (answer.status_code, "another browser" in text_of(answer)) == (409, True)
    assert victim.get("/oauth/freshbooks/business").status_code == 409
    with tenant_scope(tenant.pk):
        assert not FreshBooksConnection.objects.exists()


@pytest.mark.parametrize("missing", ["FRESHBOOKS_CLIENT_ID", "FRESHBOOKS_CLIENT_SECRET"])
def test_nobody_is_sent_to_freshbooks_without_an_app_there(
    owner: Person, page: str, tenant: Tenant, settings: Any, missing: str
) -> None:
    setattr(settings, missing, "")
    shown = text_of(owner.browser.get(page))
    assert "FreshBooks cannot be connected now" in shown
    assert f"{page}freshbooks/" not in shown
    answer = owner.browser.post(f"{page}freshbooks/")
    assert (answer.status_code, f'href="{page}"' in text_of(answer)) == (409, True)
    owner.browser.force_login(
        User.objects.create(username=unique("ada"), is_staff=True, is_superuser=True)
    )
    told = owner.browser.get("/oauth/freshbooks/start", {"tenant": tenant.pk})
    assert (told.status_code, "is not registered there" in text_of(told)) == (409, True)
    assert missing in text_of(told)
    assert [f"{missing} not set" in warning.msg for warning in freshbooks_app_is_set()] == [True]


def test_an_app_that_is_set_is_not_warned_about(simulators: Simulators) -> None:
    assert freshbooks_app_is_set() == []


@pytest.mark.parametrize(
    "query", ["", "state=x", "code=x", "state=a&state=b&code=c", "state=a&code=b&code=c", "error=x"]
)
def test_malformed_answers_are_refused(committed_db: None, query: str) -> None:
    answer = Client().get(f"/oauth/freshbooks/callback?{query}")
    assert (answer.status_code, "has ended" in text_of(answer)) == (409, True)


def test_another_business_is_refused_with_a_way_back(
    simulators: Simulators, owner: Person, page: str, business: dict[str, Any]
) -> None:
    connect(owner, page, business)
    other = simulators.freshbooks.business(owner.login, name="Oak Studio")
    choose = to_freshbooks_and_back(owner, page)
    assert "This tenant belongs to Maple Joinery" in text_of(owner.browser.get(choose))
    answer = owner.browser.post(choose, {"business": other["business_id"]})
    assert (answer.status_code, f'href="{page}"' in text_of(answer)) == (409, True)


def test_a_login_without_a_usable_business_is_told_so(simulators: Simulators, page: str) -> None:
    login = f"{unique('kim-')}@maple.example"
    simulators.freshbooks.business(login, without_accounting=True)
    person = Person(simulators.freshbooks, login)
    html = text_of(person.browser.get(to_freshbooks_and_back(person, page)))
    assert "None of your businesses can be connected here" in html
    assert "no accounting" in html


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("pk_test_abcdefgh", "publishable key"),
        ("sk_test_" + "x" * 30, "does not accept this key"),
        ("", "required"),
        ("x" * 400, "at most 300"),
    ],
)
def test_a_bad_key_is_explained_and_never_shown_again(
    simulators: Simulators, page: str, key: str, told: str
) -> None:
    answer = Client().post(f"{page}stripe/", {"api_key": key})
    assert answer.status_code == 422
    assert told in text_of(answer)
    assert not key or key not in text_of(answer)


def test_a_key_that_was_given_more_is_checked_again(
    simulators: Simulators, page: str, tenant: Tenant, stripe_account: dict[str, Any]
) -> None:
    browser = Client()
    browser.post(f"{page}stripe/", {"api_key": stripe_account["secret_key"]})
    with tenant_scope(tenant.pk):
        row = StripeConnection.objects.get()
        row.last_ping[0]["ok"] = False
        row.save()
    assert "Check again" in text_of(browser.get(page))
    assert browser.post(f"{page}check/")["Location"] == f"{page}#stripe"
    assert "Check again" not in text_of(browser.get(page))


def test_a_silent_stripe_is_explained(
    simulators: Simulators, page: str, stripe_account: dict[str, Any]
) -> None:
    simulators.stripe.fault("status_500", times=None)
    answer = Client().post(f"{page}stripe/", {"api_key": stripe_account["secret_key"]})
    assert answer.status_code == 422


def test_missing_choices_are_pointed_out(tenant: Tenant, page: str) -> None:
    answer = Client().post(f"{page}choices/", {**CHOICES, "payment_mode": ""})
    assert (answer.status_code, "required" in text_of(answer)) == (422, True)
    answer = Client().post(f"{page}choices/", {**CHOICES, "time_zone": "Mars/Olympus"})
    assert answer.status_code == 422
    tenant.refresh_from_db()
    assert tenant.choices_made_at is None


def test_going_live_too_early_says_what_is_missing(tenant: Tenant, page: str) -> None:
    answer = Client().post(f"{page}live/")
    assert answer.status_code == 409
    assert "Connect FreshBooks." in text_of(answer)
    assert f'href="{page}"' in text_of(answer)


def test_starting_over_and_what_a_live_tenant_may_not_change(
    owner: Person, page: str, tenant: Tenant, business: dict[str, Any], stripe_account: Any
) -> None:
    connect(owner, page, business)
    owner.browser.post(f"{page}stripe/", {"api_key": stripe_account["secret_key"]})
    for side in ("freshbooks", "stripe", "elsewhere"):
        assert owner.browser.post(f"{page}start-over/", {"side": side}).status_code == 302
    with tenant_scope(tenant.pk):
        assert not FreshBooksConnection.objects.exists()
        assert not StripeConnection.objects.exists()
    Tenant.objects.filter(pk=tenant.pk).update(state="live", live_at="2026-01-01T00:00Z")
    for path, data in (("start-over/", {"side": "stripe"}), ("choices/", CHOICES)):
        assert owner.browser.post(f"{page}{path}", data).status_code == 409
    assert "Ask the operator" in text_of(owner.browser.get(page))


def test_a_lost_connection_asks_to_connect_again(
    owner: Person, page: str, tenant: Tenant, business: dict[str, Any], stripe_account: Any
) -> None:
    connect(owner, page, business)
    owner.browser.post(f"{page}stripe/", {"api_key": stripe_account["secret_key"]})
    with tenant_scope(tenant.pk):
        FreshBooksConnection.objects.update(state="needs_reauth")
        StripeConnection.objects.update(state="needs_reauth")
    html = text_of(owner.browser.get(page))
    assert "Connect FreshBooks again" in html
    assert "Stripe no longer accepts this key" in html
