"""Tenants of the running system, seen from outside: pages, both vendors' books, and SQL to look."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import dict_row

from demo.browser import Browser
from demo.business import Business
from demo.onboarding import Operator, connect
from demo.stack import PATIENCE_S, Stack, wait_until
from tests.factories import unique
from tests.pipeline.vendor_side import VendorSide
from tests.sandbox.driving import FreshBooks, Vendor

NEVER = "now() + interval '30 days'"


@dataclass
class System:
    """The running system with its operator and both vendors."""

    stack: Stack
    operator: Operator
    browser: Browser
    freshbooks: FreshBooks
    stripe: Vendor

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[dict[str, Any]]]:
        """The owner's connection, over all tenants."""
        url = self.stack.environment["DATABASE_OWNER_URL"]
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
            connection.execute("SET app.tenant = '*'")
            yield connection

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with self.database() as connection:
            return connection.execute(statement, values).fetchall()

    def change(self, statement: str, *values: Any) -> None:
        with self.database() as connection:
            connection.execute(statement, values)

    def operator_sees(self, path: str) -> str:
        """A page of the admin, as the operator sees it."""
        return self.browser.open(f"{self.stack.base_url}{path}").text

    def open_shop(self, *, mode: str = "record", polls: bool = True, every_s: int = 1) -> FlowShop:
        """A new tenant, connected through the real pages, live, its webhooks confirmed."""
        slug = unique("shop-")
        email = f"{slug}@maple.example"
        made = self.freshbooks.business(email, name=slug)
        account = self.stripe.act("create_account", name=slug, country="CA", default_currency="cad")
        plan = SimpleNamespace(
            name=slug, slug=slug, owner_email=email, mode=mode, time_zone="America/Toronto"
        )
        business = cast("Business", SimpleNamespace(plan=plan, stripe_key=account["secret_key"]))
        tenant_id = self.operator.add_tenant(business)
        link = self.operator.make_link(tenant_id)
        connect(link, business)
        shop = FlowShop(
            system=self,
            tenant_id=tenant_id,
            business=business,
            link=link,
            freshbooks=self.freshbooks,
            stripe=self.stripe,
            account_id=made["account_id"],
            stripe_account_id=account["account_id"],
            identity_id=made["identity_id"],
        )
        shop.wait_for(shop.hears_both_vendors, "all webhooks to be confirmed")
        shop.poll_every(every_s if polls else None)
        return shop


@dataclass(kw_only=True)
class FlowShop(VendorSide):
    """One tenant of the running system."""

    system: System
    tenant_id: int
    business: Business
    link: str

    def rows(self, table: str, where: str = "true", *values: Any) -> list[dict[str, Any]]:
        """Rows of this tenant in a table."""
        statement = f"SELECT * FROM {table} WHERE tenant_id = %s AND {where} ORDER BY id"
        return self.system.rows(statement, self.tenant_id, *values)

    def poll_every(self, seconds: int | None) -> None:
        """How often both vendors are polled; None: never."""
        self.system.change(
            "UPDATE tenants_tenant SET poll_interval_s = %s WHERE id = %s",
            seconds or 10**6,
            self.tenant_id,
        )
        due = NEVER if seconds is None else "now()"
        self.system.change(
            f"UPDATE connector_pollfeed SET next_due_at = {due}"
            " WHERE tenant_id = %s AND feed <> 'reconcile'",
            self.tenant_id,
        )

    def hears_both_vendors(self) -> bool:
        active = self.rows("tenants_freshbookscallback", "state = 'active'")
        stripe = self.rows("tenants_stripeconnection", "endpoint_id <> ''")
        return len(active) == 9 and len(stripe) == 1

    def addresses(self) -> str:
        """A pattern of all webhook addresses of this tenant."""
        callbacks = [row["uri"] for row in self.fb_book()["callbacks"]]
        endpoints = [row["url"] for row in self.st_book()["webhook_endpoints"]]
        return "|".join(urlsplit(url).path for url in [*callbacks, *endpoints])

    def disturb_webhooks(self, *kinds: str, **settings: Any) -> None:
        """All webhooks to this tenant suffer these faults from now on."""
        for vendor in (self.freshbooks, self.stripe):
            for kind in kinds:
                vendor.fault(kind, {"path_regex": self.addresses()}, times=None, **settings)

    def link_of(self, invoice_id: int) -> dict[str, Any]:
        found = self.rows("connector_invoicelink", "freshbooks_invoice_id = %s", invoice_id)
        return found[0] if found else {}

    def unfinished(self) -> list[dict[str, Any]]:
        """Work of this tenant that is not at its end, polls aside."""
        return self.rows(
            "connector_syncjob",
            "state IN ('queued', 'running') AND kind NOT LIKE 'poll%%' AND kind <> 'reconcile'",
        )

    def is_open(self, invoice_id: int) -> bool:
        return self.link_of(invoice_id).get("state") == "open"

    def is_recorded(self, invoice_id: int, payments: int = 1) -> bool:
        recorded = self.rows(
            "connector_collectedpayment",
            "recording = 'recorded' AND invoice_id = (SELECT id FROM connector_invoicelink"
            " WHERE tenant_id = connector_collectedpayment.tenant_id"
            " AND freshbooks_invoice_id = %s)",
            invoice_id,
        )
        return len(recorded) >= payments

    def wait_for(self, condition: Any, what: str, timeout_s: float = PATIENCE_S) -> None:
        wait_until(condition, f"{what} ({self.business.plan.slug})", timeout_s)

    def wait_open(self, *invoices: int) -> None:
        self.wait_for(lambda: all(map(self.is_open, invoices)), "invoices to be open in Stripe")

    def wait_recorded(self, *invoices: int) -> None:
        self.wait_for(lambda: all(map(self.is_recorded, invoices)), "payments to be recorded")

    def wait_quiet(self) -> None:
        self.wait_for(lambda: not self.unfinished(), "all work to end")

    def end_state(self, invoices: list[int]) -> list[dict[str, Any]]:
        """What both books and our rows say of these invoices, without ids and times."""
        answer = []
        for invoice_id in invoices:
            link = self.link_of(invoice_id)
            answer.append(
                {
                    "stripe": [
                        (row["status"], row["total"], row["amount_paid"], row["amount_remaining"])
                        for row in self.st_invoices(invoice_id)
                    ],
                    "freshbooks": sorted(
                        (row["amount"]["amount"], row["type"])
                        for row in self.fb_payments(invoice_id)
                    ),
                    "link": (
                        link["state"],
                        link["collection_status"],
                        link["freshbooks_paid_minor"],
                    ),
                    "differences": self.rows(
                        "connector_discrepancy", "state = 'open' AND invoice_id = %s", link["id"]
                    ),
                }
            )
        return answer

    def nothing_doubled(self, invoices: list[int]) -> None:
        """One living Stripe invoice each, and each collected payment once in FreshBooks."""
        stripe, payments = self.st_book(), self.fb_book()["payments"]
        for invoice_id in invoices:
            mine = [
                row
                for row in stripe["invoices"]
                if row["metadata"].get("fb_invoice_id") == str(invoice_id)
            ]
            assert [row["status"] for row in mine if row["status"] != "void"] in (
                ["open"],
                ["paid"],
            )
            notes = [
                row["note"]
                for row in payments
                if row["invoiceid"] == invoice_id and row["vis_state"] == 0
            ]
            collected = [
                row["id"]
                for row in stripe.get("invoice_payments", [])
                if row["invoice"] in {one["id"] for one in mine} and row["status"] == "paid"
            ]
            assert len(notes) == len(collected) >= 1
            assert all(sum(one in note for note in notes) == 1 for one in collected)
        assert len(stripe["customers"]) == len({row["email"] for row in stripe["customers"]})


def password() -> str:
    return secrets.token_urlsafe(24)
