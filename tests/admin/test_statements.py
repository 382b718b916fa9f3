"""Statements in the admin: who may see, download, close and open again."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

import verify_statement
from audit.models import AuditEntry
from connector.models import ClosedPeriod
from connector.statement.formats import FORMATS
from tenants.models import Tenant
from tenants.scope import every_tenant
from tests.admin.world import World
from tests.factories import make_tenant, unique
from tests.statement import busy
from tests.statement.books import Books, at

SignedIn = Callable[[str], Client]
LIST = "/admin/connector/closedperiod/"


@pytest.fixture
def maple(db: None) -> Tenant:
    """A tenant with a busy March."""
    with every_tenant():
        tenant = make_tenant(name="Maple Joinery", slug=unique("maple-"))
        busy.fill(Books(tenant=tenant))
    return tenant


def page(browser: Client, tenant: Tenant, month: str = "2026-03", **more: str) -> Any:
    query = {"tenant": str(tenant.pk), "month": month} | more
    return browser.get(reverse("admin:connector_statement"), query)


def decide(browser: Client, tenant: Tenant, do: str, **more: str) -> Any:
    data = {"tenant": str(tenant.pk), "month": "2026-03", "do": do} | more
    return browser.post(reverse("admin:connector_statement_decide"), data, follow=True)


def closings(tenant: Tenant) -> int:
    with every_tenant():
        return ClosedPeriod.objects.filter(tenant=tenant, reopened_at=None).count()


def test_the_list_offers_tenants_and_the_month_that_ended_last(
    maple: Tenant, signed_in: SignedIn
) -> None:
    text = signed_in("finance").get(LIST).content.decode()
    assert f'<option value="{maple.pk}">Maple Joinery</option>' in text
    assert 'type="month"' in text


def test_the_page_shows_the_figures_escaped(maple: Tenant, signed_in: SignedIn) -> None:
    text = page(signed_in("finance"), maple).content.decode()
    for part in ("1,130.00", "INV-10", "Not recorded: this business only observes", "5,000"):
        assert part in text, part
    assert "=cmd|&#x27; /C calc&#x27;!A0" in text


def test_only_who_may_see_money_sees_it(maple: Tenant, signed_in: SignedIn) -> None:
    assert page(signed_in("staff"), maple).status_code == 403
    assert page(Client(), maple).status_code == 302
    for role in ("finance", "support", "superuser"):
        assert page(signed_in(role), maple).status_code == 200


def test_every_format_is_downloaded(maple: Tenant, signed_in: SignedIn, tmp_path: Any) -> None:
    browser = signed_in("finance")
    for name, found in FORMATS.items():
        answer = page(browser, maple, format=name)
        data = b"".join(answer.streaming_content)
        assert answer["Content-Type"] == found.media_type
        assert f'{maple.slug}-2026-03.{found.ending}"' in answer["Content-Disposition"]
        assert data
        if name == "bundle":
            bundle = tmp_path / "b.zip"
            bundle.write_bytes(data)
            assert verify_statement.main([str(bundle)]) == 0
            assert "statement.pdf" in zipfile.ZipFile(io.BytesIO(data)).namelist()


def test_closing_and_opening_again(maple: Tenant, signed_in: SignedIn) -> None:
    browser = signed_in("finance")
    assert "2026-03 is closed." in decide(browser, maple, "close").content.decode()
    assert closings(maple) == 1
    assert "Nothing changed since." in page(browser, maple).content.decode()
    assert "closed already" in decide(browser, maple, "close").content.decode()
    assert "Say why" in decide(browser, maple, "reopen", reason=" ").content.decode()
    assert closings(maple) == 1
    decide(browser, maple, "reopen", reason="A cheque came late.")
    assert closings(maple) == 0
    with every_tenant():
        rows = AuditEntry.objects.filter(tenant_id=maple.pk, entity="month:2026-03")
        told = list(rows.order_by("sequence").values_list("action", "actor"))
    assert told == [("month.closed", "fin"), ("month.reopened", "fin")]


def test_support_looks_and_does_not_close(maple: Tenant, signed_in: SignedIn) -> None:
    browser = signed_in("support")
    assert "Close the month" not in page(browser, maple).content.decode()
    assert decide(browser, maple, "close").status_code == 403
    url = reverse("admin:connector_statement_decide")
    assert signed_in("finance").get(url).status_code == 403
    assert closings(maple) == 0


def test_what_makes_no_sense_is_refused(world: World, signed_in: SignedIn) -> None:
    browser = signed_in("finance")
    answer = page(browser, world.tenant, month="March")
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    assert page(browser, world.tenant, format="exe").status_code == 404
    url = reverse("admin:connector_statement")
    for tenant in ("", "x", "999999999"):
        assert browser.get(url, {"tenant": tenant, "month": "2026-03"}).status_code == 404


def test_what_changed_since_is_told(world: World, signed_in: SignedIn) -> None:
    """The world's month was closed with nothing in it."""
    with every_tenant():
        Books(tenant=world.tenant).record(world.invoice, 100, at(5))
    text = page(signed_in("finance"), world.tenant).content.decode()
    assert "figures changed since." in text
    assert "Changed since the month was closed" in text
