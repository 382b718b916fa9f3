"""A tenant whose rows a test makes itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tenants.scope import tenant_scope
from tests.factories import make_tenant, unique
from tests.statement.books import Books


@pytest.fixture
def books(db: None) -> Iterator[Books]:
    """An empty tenant, within its scope."""
    tenant = make_tenant(name="Maple Joinery", slug=unique("maple-"))
    with tenant_scope(tenant.pk):
        yield Books(tenant=tenant)
