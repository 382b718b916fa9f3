"""Every list and every detail page: who may open it, what it shows, and what it never shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import AuditEntry
from connector.admin.base import OperatorsPage
from tenants.models import (
    FreshBooksCallback,
    FreshBooksConnection,
    FreshBooksGrant,
    StripeConnection,
)
from tenants.scope import every_tenant
from tests.admin.connected import SECRETS
from tests.admin.world import World, make_world

PAGES = [model for model, page in admin.site._registry.items() if isinstance(page, OperatorsPage)]
MONEY = {
    "tenant",
    "clientlink",
    "invoicelink",
    "collectedpayment",
    "outsidepayment",
    "straypayment",
    "discrepancy",
    "moneyfact",
    "balancemovement",
    "payout",
    "plan",
    "planstep",
    "closedperiod",
}
SignedIn = Callable[[str], Client]


def list_url(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def first_page(model: Any) -> str:
    with every_tenant():
        pk = model.objects.order_by("pk").values_list("pk", flat=True)[0]
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])


def test_there_is_a_page_for_every_table_that_people_look_at() -> None:
    assert len(PAGES) == 27


def test_lists_and_pages_open(two_worlds: Any, signed_in: SignedIn) -> None:
    browser = signed_in("superuser")
    for model in PAGES:
        listed = browser.get(list_url(model))
        assert listed.status_code == 200, model
        assert "mlc-empty" not in listed.content.decode(), model
        assert browser.get(first_page(model)).status_code == 200, model


def test_roles_open_what_they_may(two_worlds: Any, signed_in: SignedIn) -> None:
    for role in ("support", "finance", "staff"):
        browser = signed_in(role)
        opened = {
            model._meta.model_name
            for model in PAGES
            for url in (list_url(model), first_page(model))
            if browser.get(url).status_code == 200
        }
        everything = {model._meta.model_name for model in PAGES}
        assert opened == {"support": everything, "finance": MONEY, "staff": set()}[role]


def test_no_page_shows_a_secret(two_worlds: Any, signed_in: SignedIn) -> None:
    browser = signed_in("superuser")
    for model in PAGES:
        for url in (list_url(model), first_page(model)):
            text = browser.get(url).content.decode()
            for secret in (*SECRETS, "digest-secret-", "sealed", "token_digest", "gAAAAA"):
                assert secret not in text, (url, secret)


def test_the_secrets_are_really_there(two_worlds: Any) -> None:
    """Otherwise the test above would prove nothing."""
    with every_tenant():
        assert StripeConnection.objects.all()[0].api_key.startswith("sk_test_secret")
    assert FreshBooksGrant.objects.all()[0].access_token.startswith("access-secret-")


def test_pages_do_not_even_read_the_secrets(two_worlds: Any, signed_in: SignedIn) -> None:
    browser = signed_in("superuser")
    with CaptureQueriesContext(connection) as queries:
        for model in (StripeConnection, FreshBooksConnection, FreshBooksCallback):
            assert browser.get(first_page(model)).status_code == 200
    assert not [query for query in queries if "_sealed" in query["sql"]]


def test_a_secret_cannot_be_guessed_by_filtering(two_worlds: Any, signed_in: SignedIn) -> None:
    browser = signed_in("superuser")
    for model in PAGES:
        for lookup in ("api_key_sealed__startswith", "token_digest__startswith"):
            assert browser.get(list_url(model), {lookup: "a"}).status_code in {302, 400}


def test_lists_ask_as_many_questions_for_many_rows_as_for_few(
    two_worlds: Any, signed_in: SignedIn
) -> None:
    browser = signed_in("superuser")
    urls = {model.__name__: list_url(model) for model in PAGES} | {"overview": "/admin/"}
    for url in urls.values():
        browser.get(url)  # what is asked once per process
    few = {name: questions(browser, url) for name, url in urls.items()}
    with every_tenant():
        for number in range(3):
            make_world(f"Tenant {number}", invoices=4)
    many = {name: questions(browser, url) for name, url in urls.items()}
    assert {name: many[name] for name in urls if many[name] > few[name]} == {}
    assert {name: count for name, count in few.items() if count > 25} == {}


def questions(browser: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(url).status_code == 200
    return len(queries)


def test_searching_for_anything_finds_nothing_but_never_fails(
    two_worlds: Any, signed_in: SignedIn
) -> None:
    browser = signed_in("superuser")
    for model in PAGES:
        for text in ("99999999999999999999999", "nothing '; --"):
            assert browser.get(list_url(model), {"q": text}).status_code == 200, (model, text)


def test_every_filter_works(two_worlds: Any, signed_in: SignedIn) -> None:
    browser = signed_in("superuser")
    for model in PAGES:
        for chosen in admin.site._registry[model].list_filter:
            plain: Any = chosen[0] if isinstance(chosen, tuple) else chosen
            name = plain if isinstance(plain, str) else plain.parameter_name
            for suffix in ("__exact", "__id__exact") if name == "tenant" else ("", "__exact"):
                answer = browser.get(list_url(model), {f"{name}{suffix}": "1"})
                assert answer.status_code in {200, 302}, (model, name)


def test_an_empty_list_says_what_would_appear(db: None, signed_in: SignedIn) -> None:
    browser = signed_in("superuser")
    for model in PAGES:
        page = browser.get(list_url(model)).content.decode()
        assert "mlc-empty" in page, model
        assert admin.site._registry[model].empty_text[:12] in page  # type: ignore[attr-defined]


def test_nothing_is_added_or_deleted_by_hand(two_worlds: Any, signed_in: SignedIn) -> None:
    browser = signed_in("superuser")
    for model in PAGES:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        expected = 200 if model._meta.model_name == "tenant" else 403
        assert browser.get(reverse(f"{name}_add")).status_code == expected, model
        delete = first_page(model).replace("/change/", "/delete/")
        assert browser.post(delete, {"post": "yes"}).status_code == 403, model


def test_the_overview_counts_and_links(two_worlds: Any, signed_in: SignedIn) -> None:
    page = signed_in("support").get("/admin/").content.decode()
    assert "Maple Joinery" in page
    assert "Birch Bakery" in page
    with every_tenant():
        tenant = two_worlds[0].tenant.pk
    wanted = f"/admin/connector/syncjob/?state__exact=dead&amp;tenant__id__exact={tenant}"
    assert wanted in page
    assert signed_in("support").get(wanted.replace("&amp;", "&")).status_code == 200


def test_the_overview_shows_each_role_its_own(two_worlds: Any, signed_in: SignedIn) -> None:
    finance = signed_in("finance").get("/admin/").content.decode()
    assert "To approve" in finance
    assert "/admin/connector/syncjob/" not in finance
    staff = signed_in("staff").get("/admin/").content.decode()
    assert "Maple Joinery" not in staff
    assert "no role yet" in staff


def test_amounts_are_shown_in_their_currency(world: World, signed_in: SignedIn) -> None:
    page = signed_in("finance").get(list_url(type(world.invoice))).content.decode()
    assert "CAD 1,026.90" in page


def test_an_invoice_tells_its_story_in_order(world: World, signed_in: SignedIn) -> None:
    page = signed_in("support").get(first_page(type(world.invoice))).content.decode()
    told = [page.index(step) for step in ("FreshBooks: invoice.create", "sync invoice, because")]
    assert told == sorted(told)
    assert page.index("stripe.invoices.create, create") < page.index("invoice: synced")
    assert "CAD 1,026.90" in page
    assert "Payments, both ways" in page


def test_finance_reads_the_story_without_links_to_closed_pages(
    world: World, signed_in: SignedIn
) -> None:
    page = signed_in("finance").get(first_page(type(world.invoice))).content.decode()
    assert "stripe.invoices.create, create" in page
    assert "/admin/connector/vendorwrite/" not in page
    assert "/admin/audit/auditentry/" not in page


def test_an_audit_entry_is_shown_in_clear(world: World, signed_in: SignedIn) -> None:
    page = signed_in("support").get(first_page(AuditEntry)).content.decode()
    assert "freshbooks_outstanding_minor" in page


def test_a_connection_names_the_key_by_its_last_letters_only(
    world: World, signed_in: SignedIn
) -> None:
    page = signed_in("support").get(first_page(StripeConnection)).content.decode()
    assert "sk_test_…7Qx2" in page
    assert "Invoices: write" in page
    assert FreshBooksConnection.__name__ not in page


@pytest.mark.parametrize("path", ["auth/user/", "auth/group/", "django_celery_beat/periodictask/"])
def test_settings_are_for_superusers(people: Any, signed_in: SignedIn, path: str) -> None:
    assert signed_in("superuser").get(f"/admin/{path}").status_code == 200
    for role in ("support", "finance", "staff"):
        assert signed_in(role).get(f"/admin/{path}").status_code == 403
