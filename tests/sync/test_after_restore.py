"""A database that was restored from an older backup makes nothing twice at the vendors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from connector.connecting.erasing import erase_tenant
from tenants.models import TenantOwned
from tests.factories import make_tenant
from tests.pipeline.shop import Shop, cause

KEPT = {"PollFeed", "RateBucket", "FreshBooksConnection", "StripeConnection"}
TWO_DAYS_S = 2 * 86_400  # Stripe has forgotten every idempotency key by then


@pytest.fixture(autouse=True)
def _real_time_afterwards(shop: Shop) -> Iterator[None]:
    yield
    shop.stripe.control("POST", "clock", {"reset": True})


@pytest.fixture
def busy(shop: Shop) -> tuple[int, ...]:
    """Invoices with all that could be done twice: paid, partly paid, open, replaced, a draft."""
    paid, partly, edited = shop.invoice("100.00"), shop.invoice("80.00"), shop.invoice("60.00")
    opened, draft = shop.invoice("40.00"), shop.invoice("20.00", send=False)
    everything = (paid, partly, edited, opened, draft)
    for invoice in everything:
        shop.sync(invoice)
    shop.pay(paid)
    shop.pay(partly, 3000)
    shop.edit(edited, "61.00")
    for invoice in everything:
        shop.sync(invoice)
    return everything


def forget(shop: Shop, owner: psycopg.Connection) -> None:
    """All that we know of this tenant, but its connections: as an older backup has it."""
    owned = [model for model in apps.get_models() if issubclass(model, TenantOwned)]
    tables = [model._meta.db_table for model in owned if model.__name__ not in KEPT]
    with owner.transaction():
        for table in tables:
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table in tables:
            owner.execute(f"DELETE FROM {table} WHERE tenant_id = {shop.tenant.pk}")
        owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def made(shop: Shop) -> dict[str, Any]:
    """What exists at the vendors, from their own books."""
    stripe, freshbooks = shop.st_book(), shop.fb_book()
    return {
        "customers": len(stripe["customers"]),
        "invoices": Counter(row["status"] for row in stripe["invoices"]),
        "payments": len(freshbooks["payments"]),
        "records": len(stripe.get("payment_records", [])),
    }


def catch_up(shop: Shop, invoices: tuple[int, ...]) -> None:
    """In the worst order: work on each invoice comes before any comparison."""
    for invoice in invoices:
        shop.sync(invoice)
    for _ in range(2):
        shop.poll()
        shop.reconcile()


def test_nothing_is_made_twice_after_a_restore(
    shop: Shop, busy: tuple[int, ...], owner_sql: psycopg.Connection
) -> None:
    before = made(shop)
    forget(shop, owner_sql)
    shop.stripe.advance(TWO_DAYS_S)
    call_command("after_restore", shop.tenant.slug, stdout=StringIO())
    catch_up(shop, busy)
    assert made(shop) == before
    assert [shop.link(invoice).collection_status for invoice in busy[:2]] == ["paid", "partly_paid"]
    assert [shop.differences(invoice) for invoice in busy] == [[]] * len(busy)


def test_without_the_command_things_would_be_made_twice(
    shop: Shop, busy: tuple[int, ...], owner_sql: psycopg.Connection
) -> None:
    before = made(shop)
    forget(shop, owner_sql)
    shop.stripe.advance(TWO_DAYS_S)
    catch_up(shop, busy)
    assert made(shop)["invoices"] != before["invoices"]


def test_looking_first_ends_after_its_days_and_costs_nothing_then(
    shop: Shop, busy: tuple[int, ...]
) -> None:
    with pytest.raises(CommandError, match="from 1 to 60"):
        call_command("after_restore", shop.tenant.slug, "--days", "0")
    call_command("after_restore", shop.tenant.slug, "--days", "2", stdout=StringIO())
    shop.tenant.refresh_from_db()
    assert shop.tenant.looks_first_until is not None
    assert "tenant.restored" in shop.audited(f"tenant:{shop.tenant.pk}")


def test_an_erased_tenant_is_left_in_peace(shop: Shop) -> None:
    gone = make_tenant(state="live")
    erase_tenant(gone.pk, cause=cause())
    call_command("after_restore", stdout=StringIO())
    shop.tenant.refresh_from_db()
    gone.refresh_from_db()
    assert shop.tenant.looks_first_until is not None
    assert gone.looks_first_until is None
