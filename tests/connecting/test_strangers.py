"""The connection pages, as a stranger abuses them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.test import Client

from connector.connecting.links import make_link, revoke_links
from tenants.models import Tenant
from tests.connecting.conftest import Person, new_tenant
from tests.connecting.page_steps import (
    connect,
    text_of,
)
from tests.pipeline.shop import cause

POSTS = ("freshbooks/", "stripe/", "check/", "choices/", "start-over/", "live/")


def test_a_bad_link_opens_nothing(tenant: Tenant, page: str) -> None:
    revoke_links(tenant.pk, cause=cause())
    answers = {text_of(Client().get(path)) for path in (page, "/connect/guess/")}
    assert len(answers) == 1  # a stranger does not learn which links once were good
    for path in POSTS:
        assert Client().post(f"{page}{path}").status_code == 404


def test_one_tenants_link_shows_nothing_of_another(
    owner: Person, page: str, business: dict[str, Any]
) -> None:
    connect(owner, page, business)
    other = new_tenant(name="Oak Studio")
    html = text_of(Client().get(urlsplit(make_link(other.pk, cause=cause())).path))
    assert business["account_id"] not in html
    assert "Oak Studio" in html


def test_every_change_needs_a_csrf_token_and_a_post(tenant: Tenant, page: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    for path in POSTS:
        assert strict.post(f"{page}{path}").status_code == 403
        assert strict.get(f"{page}{path}").status_code == 405
    assert strict.post("/oauth/freshbooks/business").status_code == 403


def test_pages_allow_no_script_no_frame_and_no_cache(page: str, settings: Any) -> None:
    settings.FRESHBOOKS_AUTH_BASE = "https://auth.freshbooks.com"
    for path in (page, "/connect/guess/", "/oauth/freshbooks/callback"):
        answer = Client().get(path)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script" not in policy
        assert "https://auth.freshbooks.com" in policy
        assert "no-store" in answer["Cache-Control"]
        assert answer["Referrer-Policy"] == "same-origin"
        assert "<script" not in text_of(answer)


def test_names_are_escaped(committed_db: None) -> None:
    tenant = new_tenant(name="<script>alert(1)</script>")
    html = text_of(Client().get(urlsplit(make_link(tenant.pk, cause=cause())).path))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_the_state_is_not_the_links_token(owner: Person, page: str) -> None:
    start = owner.browser.post(f"{page}freshbooks/")
    assert page.split("/")[2] not in start["Location"]
    assert "tenant" not in parse_qs(urlsplit(start["Location"]).query)
