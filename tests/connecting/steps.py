"""What the tests of this folder do again and again: sign in, connect, look."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from audit.models import AuditEntry
from connector.connecting.businesses import BusinessChoice, choose_business
from connector.connecting.oauth import begin_freshbooks, finish_freshbooks
from connector.connecting.refusals import ConnectRefused
from tenants.models import FreshBooksConnection, Tenant
from tenants.scope import tenant_scope
from tests.connecting.conftest import Person

SESSION = "session-of-noor"


def begin(tenant: Tenant, session: str = SESSION) -> str:
    return begin_freshbooks(
        tenant, session_key=session, user="noor", return_to=f"/admin/{tenant.pk}/"
    )


def answer_of(location: str) -> tuple[str, str]:
    """State and code that FreshBooks sent back."""
    query = parse_qs(urlsplit(location).query)
    return query["state"][0], query["code"][0]


def sign_in(tenant: Tenant, person: Person, session: str = SESSION) -> BusinessChoice:
    return finish_freshbooks(*answer_of(person.consent(begin(tenant, session))), session)


def connect(tenant: Tenant, person: Person, business: dict[str, Any]) -> FreshBooksConnection:
    choice = sign_in(tenant, person)
    return choose_business(choice.attempt_id, business["business_id"], session_key=SESSION)


def actions(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant.pk):
        rows = AuditEntry.objects.filter(tenant_id=tenant.pk).order_by("sequence")
        return list(rows.values_list("action", flat=True))


def refused(refusal: pytest.ExceptionInfo[ConnectRefused]) -> str:
    assert refusal.value.next_step
    return refusal.value.code
