"""Copies of events: counted in one go, each at its own event and tenant."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connections

from connector import inbox
from connector.copies import save_counts
from connector.models import Delivery
from tenants.models import Tenant
from tests.factories import make_tenant
from tests.inbox.arriving import deliveries, event

WEBHOOK = Delivery.Via.WEBHOOK


def counts(tenant: Tenant) -> dict[str, int]:
    return {row.event_id: row.duplicates for row in deliveries(tenant)}


@pytest.fixture
def two(fresh_tenant: Tenant) -> tuple[Tenant, Tenant]:
    other = make_tenant()
    for tenant in (fresh_tenant, other):
        for name in ("evt_1", "evt_2"):
            assert inbox.store_event(tenant.pk, event(name), via=WEBHOOK).is_new
    return fresh_tenant, other


def test_each_copy_is_counted_at_its_event_and_tenant(two: tuple[Tenant, Tenant]) -> None:
    first, second = two
    save_counts([(first.pk, "evt_1")] * 3 + [(second.pk, "evt_2"), (first.pk, "evt_unknown")])
    assert counts(first) == {"evt_1": 3, "evt_2": 0}
    assert counts(second) == {"evt_1": 0, "evt_2": 1}


def test_trouble_with_one_tenants_copies_does_not_lose_anothers(
    two: tuple[Tenant, Tenant],
) -> None:
    first, second = two

    def fail(execute, sql, params, many, context):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        if "duplicates" in sql and first.pk in params:
            raise OperationalError("deadlock")
        return execute(sql, params, many, context)

    with connections["default"].execute_wrapper(fail):
        save_counts([(first.pk, "evt_1"), (second.pk, "evt_1")])
    assert counts(first) == {"evt_1": 0, "evt_2": 0}
    assert counts(second) == {"evt_1": 1, "evt_2": 0}
