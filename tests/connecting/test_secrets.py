"""Canaries: what is pasted, granted or registered while connecting shows up nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.test import Client

from config.logging import line_formatter
from tenants.models import FreshBooksGrant, StripeConnection, Tenant
from tenants.scope import tenant_scope
from tests.connecting.conftest import Person
from tests.connecting.page_steps import CHOICES, connect
from tests.pipeline.simulators import Simulators


@pytest.fixture
def log_lines() -> Iterator[StringIO]:
    """Everything that any logger says, as the product prints it."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(line_formatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_no_secret_reaches_a_log_line_or_a_readable_column(
    *,
    simulators: Simulators,
    owner: Person,
    page: str,
    tenant: Tenant,
    business: dict[str, Any],
    stripe_account: dict[str, Any],
    log_lines: StringIO,
    owner_sql: psycopg.Connection,
) -> None:
    key = stripe_account["secret_key"]
    connect(owner, page, business)
    owner.browser.post(f"{page}stripe/", {"api_key": "pk_live_abcdefghij"})
    owner.browser.post(f"{page}stripe/", {"api_key": key})
    owner.browser.post(f"{page}choices/", CHOICES)
    owner.browser.post(f"{page}live/")
    simulators.stripe.act("revoke_key", account_id=stripe_account["account_id"])
    owner.browser.post(f"{page}check/")
    Client(enforce_csrf_checks=True).post(f"{page}live/")
    grant = FreshBooksGrant.objects.get(identity_id=business["identity_id"])
    secrets = [key, grant.access_token, grant.refresh_token, page.split("/")[2]]
    logged = log_lines.getvalue()
    assert "/connect/[masked]/stripe/" in logged  # a refused form is logged, without its token
    tables = owner_sql.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    stored = "".join(
        repr(owner_sql.execute(f"SELECT * FROM {table}").fetchall())
        for (table,) in tables.fetchall()
    )
    for secret in secrets:
        assert secret not in logged
        assert secret not in stored
    with tenant_scope(tenant.pk):
        assert StripeConnection.objects.get().api_key == key
