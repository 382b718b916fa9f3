"""Whoever has no business here gets nothing: every address, and one tenant's people at another's."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests
from django.urls import URLPattern, URLResolver, get_resolver

from demo.browser import Browser, PageError
from tests.flows.running import System

OPEN_TO_ALL = {"healthz", "readyz", "admin/login/", "admin/logout/"}
REFUSALS = {301, 302, 400, 401, 403, 404, 405, 409, 410, 413}


def addresses(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """Every address that the product serves, with something in place of each parameter."""
    for pattern in patterns:
        here = before + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, here)
        else:
            filled = re.sub(r"<(?:int|slug):[^>]+>", "1", here)
            filled = re.sub(r"\(\?P<[^>]+>[^)]*\)|<[^>]+>", "1", filled)
            yield filled.replace("\\Z", "").replace("$", "").replace("\\", "")


def test_there_are_addresses_to_try() -> None:
    found = set(addresses(get_resolver().url_patterns))
    assert len(found) > 50
    assert "webhooks/stripe/1/" in found
    assert "connect/1/live/" in found


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_address_refuses_strangers(system: System, method: str) -> None:
    session = requests.Session()
    open_to_all = []
    for address in sorted(set(addresses(get_resolver().url_patterns))):
        answer = session.request(
            method, f"{system.stack.base_url}/{address}", allow_redirects=False, timeout=60
        )
        assert answer.status_code < 500, address
        if answer.status_code not in REFUSALS:
            open_to_all.append(address)
        elif answer.is_redirect and address != "admin/logout/":
            target = answer.headers["Location"]
            assert "/login/" in target or address.rstrip("/") in target, (address, target)
    left = {one for one in open_to_all if not one.startswith("api/v1/schema")}
    assert left <= OPEN_TO_ALL | {"metrics"}, left


def test_two_tenants_never_see_each_other(system: System) -> None:
    ours, theirs = system.open_shop(), system.open_shop()
    ours_client = ours.client(organization="Only Ours Limited")
    their_client = theirs.client(organization="Only Theirs Limited")
    invoice, other = (
        ours.invoice("11.00", client=ours_client),
        theirs.invoice("22.00", client=their_client),
    )
    ours.wait_open(invoice)
    theirs.wait_open(other)
    for mine, foreign in ((ours, theirs), (theirs, ours)):
        assert {row["name"] for row in mine.st_book()["customers"]}.isdisjoint(
            {row["name"] for row in foreign.st_book()["customers"]}
        )
        page = Browser().open(mine.link).text
        assert mine.business.plan.slug in page
        assert foreign.business.plan.slug not in page
    entities = {row["entity"] for row in ours.rows("audit_auditentry")}
    assert f"invoice:{invoice}" in entities
    wrong = theirs.rows("connector_invoicelink", "stripe_total_minor = 1100")
    assert wrong == []


def test_a_link_of_one_tenant_opens_nothing_of_another(system: System) -> None:
    shop = system.open_shop()
    with pytest.raises(PageError, match="404"):
        Browser().open(shop.link[:-2] + "x/")
    system.change("UPDATE tenants_onboardinglink SET expires_at = now()")
    with pytest.raises(PageError, match="404"):
        Browser().open(shop.link)
