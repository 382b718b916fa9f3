"""What a person does on the connection pages."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from connector import routing
from connector.jobs import runner
from tenants.models import Tenant
from tests.connecting.conftest import Person
from tests.pipeline.shop import QUEUES

CHOICES = {
    "payment_mode": "record",
    "email_sender": "freshbooks",
    "time_zone": "America/Toronto",
    "start_date": "2026-01-01",
    "poll_interval_s": "300",
}


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def to_freshbooks_and_back(person: Person, page: str) -> str:
    """Press the button, consent, come back; where our callback sends the browser."""
    start = person.browser.post(f"{page}freshbooks/")
    assert start.status_code == 302
    back = urlsplit(person.consent(start["Location"]))
    callback = person.browser.get(f"{back.path}?{back.query}")
    assert callback.status_code == 302, text_of(callback)
    return str(callback["Location"])


def connect(person: Person, page: str, business: dict[str, Any]) -> Any:
    choose = to_freshbooks_and_back(person, page)
    return person.browser.post(choose, {"business": business["business_id"]})


def work_through(tenant: Tenant) -> None:
    """What the workers do with all that is queued."""
    for _ in range(20):
        if not sum(runner.drain(queue, routing.HANDLERS) for queue in QUEUES):
            return
    raise AssertionError(f"the work for {tenant} does not end")
