"""Connecting a tenant as people do: an operator in the admin, then the tenant's own person."""

from __future__ import annotations

import re
import time
from typing import Protocol
from urllib.parse import urljoin

from demo.browser import Browser, Page, PageError

POLL_INTERVAL_S = 5
PATIENCE_S = 300.0  # for the plan, and for its application: both are jobs
LOOK_EVERY_S = 0.3
_LINK = re.compile(r"https?://[^\s\"'<>]+/connect/[A-Za-z0-9_-]+/")


class Plan(Protocol):
    """What is told of a business when it signs up."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def slug(self) -> str:
        """The tenant's short name."""

    @property
    def owner_email(self) -> str:
        """Whose login at FreshBooks it is."""

    @property
    def time_zone(self) -> str:
        """Where it is."""

    @property
    def mode(self) -> str:
        """The payment mode that it chooses."""


class Newcomer(Protocol):
    """A business with accounts at both vendors."""

    @property
    def plan(self) -> Plan:
        """What is told of it."""

    @property
    def stripe_key(self) -> str:
        """What it pastes."""


class Operator:
    """Somebody who runs the connector, logged in to its admin."""

    def __init__(self, base_url: str, *, user: str, password: str) -> None:
        self._base_url = base_url
        self._browser = Browser()
        login = self._browser.open(f"{base_url}/admin/login/?next=/admin/")
        form = login.form(field_name="password")
        page = self._browser.submit(login, form, {"username": user, "password": password})
        if "/login/" in page.url:
            raise PageError("the admin did not let the operator in")

    def add_tenant(self, business: Newcomer) -> int:
        """Create the tenant on the admin's page; answer its id."""
        page = self._browser.open(f"{self._base_url}/admin/tenants/tenant/add/")
        plan = business.plan
        saved = self._browser.submit(
            page,
            page.form(field_name="slug"),
            {
                "name": plan.name,
                "slug": plan.slug,
                "time_zone": plan.time_zone,
                "_continue": "1",
            },
        )
        found = re.search(r"/tenants/tenant/(\d+)/", saved.url)
        if found is None:
            raise PageError(f"the tenant was not saved; the browser is at {saved.url}")
        often = {"poll_interval_s": str(POLL_INTERVAL_S), "_save": "1"}
        self._browser.submit(saved, saved.form(field_name="poll_interval_s"), often)
        return int(found[1])

    def make_link(self, tenant_id: int) -> str:
        """Press the button that makes an onboarding link; answer the link, shown once."""
        link = _LINK.search(self.press(tenant_id, "onboarding-link").text)
        if link is None:
            raise PageError("no onboarding link was shown")
        return link[0]

    def find_invoice(self, tenant_id: int, number: str) -> str:
        """The address of an invoice's page."""
        search = f"{self._base_url}/admin/connector/invoicelink/?q={number}"
        page = self._browser.open(f"{search}&tenant__id__exact={tenant_id}")
        found = re.search(r"/admin/connector/invoicelink/\d+/change/", page.text)
        if found is None:
            raise PageError(f"the admin does not find invoice {number}")
        return f"{self._base_url}{found[0]}"

    def press(self, tenant_id: int, button: str) -> Page:
        """Press a button of a tenant's page and say yes; answer what is shown then."""
        page = self._browser.open(f"{self._base_url}/admin/tenants/tenant/{tenant_id}/change/")
        found = re.search(rf"[\"']([^\"'\s]*/{button}/?)[\"']", page.text)
        if found is None:
            raise PageError(f"the tenant's page has no button {button}")
        asked = self._browser.open(urljoin(page.url, found[1]))
        return self._browser.submit(asked, asked.form(field_name="csrfmiddlewaretoken"))


def connect(link: str, business: Newcomer) -> None:
    """What the tenant's person does: sign in, confirm, paste, choose, approve the plan."""
    browser = Browser()
    page = browser.open(link)
    consent = browser.submit(page, page.form(action="/freshbooks/"))
    answer = {"login": business.plan.owner_email, "decision": "allow"}
    choice = browser.submit(consent, consent.form(field_name="login"), answer)
    page = browser.submit(choice, choice.form(field_name="business"))
    page = browser.submit(page, page.form(field_name="api_key"), {"api_key": business.stripe_key})
    choices = {
        "email_sender": "freshbooks",
        "payment_mode": business.plan.mode,
        "start_date": "",
        "poll_interval_s": str(POLL_INTERVAL_S),
        "time_zone": business.plan.time_zone,
    }
    page = browser.submit(page, page.form(field_name="payment_mode"), choices)
    page = _wait(browser, link, 'action="[^"]*/live/"')
    browser.submit(page, page.form(action="/live/"))
    _wait(browser, link, f"{re.escape(business.plan.name)} is live")


def reconnect(link: str, *, login: str) -> None:
    """What the tenant's person does when FreshBooks took the grant away, or it was lost."""
    browser = Browser()
    page = browser.open(link)
    consent = browser.submit(page, page.form(action="/freshbooks/"))
    answer = {"login": login, "decision": "allow"}
    choice = browser.submit(consent, consent.form(field_name="login"), answer)
    if "/oauth/freshbooks/business" in choice.url:
        browser.submit(choice, choice.form(field_name="business"))


def _wait(browser: Browser, link: str, wanted: str) -> Page:
    """Look at the page again, as it does by itself, until it shows what is `wanted`."""
    deadline = time.monotonic() + PATIENCE_S
    while not re.search(wanted, (page := browser.open(link)).text):
        if time.monotonic() > deadline:
            raise PageError(f"{link} did not show {wanted} within {PATIENCE_S} seconds")
        time.sleep(LOOK_EVERY_S)
    return page
