"""One running system for all flow tests: web, worker, beat, Postgres, Redis, both simulators."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from demo.browser import Browser
from demo.onboarding import Operator
from demo.stack import Stack, running_stack
from tests.conformance.checking import check_record
from tests.flows.running import FlowShop, System, password
from tests.sandbox.driving import FreshBooks, Vendor

SETTINGS = {
    "FRESHBOOKS_RATE_PER_S": "200",
    "STRIPE_TEST_RATE_PER_S": "200",
    "STRIPE_ENDPOINT_RATE_PER_S": "200",
    "PAYMENT_SETTLE_S": "1",
    "JOB_LEASE_S": "3",
    "SCHEDULE_TICK_S": "1",
    "POLL_IDLE_FACTOR": "1",  # tests count on polls that go on
}
OF_THE_TESTS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Private services of its own, which its tests restart; it ends with the last of them."""
    kept = {name: os.environ.pop(name) for name in OF_THE_TESTS if name in os.environ}
    try:
        running = running_stack(log_dir=tmp_path_factory.mktemp("stack"), seed=5, settings=SETTINGS)
        stack = running.__enter__()
    finally:
        os.environ.update(kept)
    unlike_the_vendors: list[str] = []
    try:
        yield stack
        for url in (stack.freshbooks_url, stack.stripe_url):
            unlike_the_vendors += Vendor(url).violations()
    finally:
        running.__exit__(None, None, None)
    assert not unlike_the_vendors, "\n".join(unlike_the_vendors)
    # All that the product sent in all flows: connecting one tenant alone takes more than this.
    check_record(stack.record_file, at_least=10)


@pytest.fixture(scope="package")
def whole_system(stack: Stack) -> System:
    user, secret = "operator", password()
    stack.manage(
        *("createsuperuser", "--noinput", "--username", user, "--email", "op@example.com"),
        extra={"DJANGO_SUPERUSER_PASSWORD": secret},
    )
    return System(
        stack=stack,
        operator=Operator(stack.base_url, user=user, password=secret),
        browser=_logged_in(stack, user, secret),
        freshbooks=FreshBooks(stack.freshbooks_url),
        stripe=Vendor(stack.stripe_url),
    )


def _logged_in(stack: Stack, user: str, secret: str) -> Browser:
    browser = Browser()
    login = browser.open(f"{stack.base_url}/admin/login/?next=/admin/")
    form = login.form(field_name="password")
    browser.submit(login, form, {"username": user, "password": secret})
    return browser


@pytest.fixture
def system(whole_system: System) -> Iterator[System]:
    """The system; whatever a test broke at the vendors is mended after it."""
    yield whole_system
    for vendor in (whole_system.freshbooks, whole_system.stripe):
        vendor.control("DELETE", "faults")


@pytest.fixture(scope="package")
def usual_shop(whole_system: System) -> FlowShop:
    """A tenant that records payments, hears webhooks and polls: for tests that need no other."""
    return whole_system.open_shop()


@pytest.fixture
def shop(system: System, usual_shop: FlowShop) -> FlowShop:
    return usual_shop
