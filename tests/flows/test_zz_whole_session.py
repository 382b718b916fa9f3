"""After everything else: what was sent to the vendors, what was written down, what it cost.

Runs last, over the records, logs and rows of all flow tests before it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from demo.browser import Browser
from demo.stack import PROCESSES
from tests.flows.running import FlowShop, System

MOST_MEMORY_MB = 600
STATUS_NAMES = {"status", "v3_status", "payment_status", "display_status", "action_mark_as_sent"}
PAGES = (
    "/admin/",
    "/admin/connector/syncjob/",
    "/admin/connector/delivery/",
    "/admin/connector/vendorwrite/",
    "/admin/connector/invoicelink/",
    "/admin/audit/auditentry/",
    "/admin/tenants/freshbooksconnection/",
    "/admin/tenants/stripeconnection/",
)


def requests_made(system: System) -> list[dict[str, Any]]:
    lines = system.stack.record_file.read_text().splitlines()
    return [json.loads(line) for line in lines]


def names_in(body: Any) -> Iterator[str]:
    if isinstance(body, dict):
        for name, value in body.items():
            yield name
            yield from names_in(value)
    elif isinstance(body, list):
        for item in body:
            yield from names_in(item)


def test_no_invoice_status_was_ever_written_to_freshbooks(system: System, shop: FlowShop) -> None:
    invoice = shop.invoice("10.00")
    shop.wait_open(invoice)
    shop.pay(invoice)
    shop.wait_recorded(invoice)
    writes = [
        one
        for one in requests_made(system)
        if one["vendor"] == "freshbooks"
        and one["method"] != "GET"
        and one["path"].startswith("/accounting/")
    ]
    assert writes
    assert {one["method"] for one in writes} <= {"POST", "PUT"}, "made, or lowered by a refund"
    assert all("/payments/payments" in one["path"] for one in writes)
    assert not STATUS_NAMES & {name for one in writes for name in names_in(one.get("json"))}


def test_a_tenant_that_observes_has_nothing_written_to_its_books(system: System) -> None:
    shop = system.open_shop(mode="observe")
    invoice = shop.invoice("10.00")
    shop.wait_open(invoice)
    shop.pay(invoice)
    shop.wait_for(
        lambda: shop.link_of(invoice)["collection_status"] == "paid", "the payment to be seen"
    )
    shop.wait_quiet()
    assert shop.fb_payments(invoice) == []
    written = [
        one
        for one in requests_made(system)
        if shop.account_id in one["path"] and one["method"] != "GET"
    ]
    assert {one["path"].split("/")[4] for one in written} == {"events"}, "callbacks, nothing else"


def test_an_invoice_of_a_known_client_takes_three_stripe_writes(
    system: System, shop: FlowShop
) -> None:
    client = shop.client()
    shop.wait_open(shop.invoice("1.00", client=client))
    before = len(requests_made(system))
    invoice = shop.invoice("10.00", "20.00", client=client)
    shop.wait_open(invoice)
    shop.wait_quiet()
    (made,) = shop.st_invoices(invoice)
    writes = [
        one
        for one in requests_made(system)[before:]
        if one["vendor"] == "stripe"
        and one["method"] == "POST"
        and (made["id"] in one["path"] or one["path"] == "/v1/invoices")
    ]
    assert len(writes) == 3, [one["path"] for one in writes]


def test_no_key_was_used_for_two_different_requests(system: System) -> None:
    bodies: dict[str, set[str]] = {}
    for one in requests_made(system):
        key = one["headers"].get("Idempotency-Key")
        if one["vendor"] == "stripe" and key:
            bodies.setdefault(key, set()).add(json.dumps([one["path"], one.get("form")]))
    assert bodies
    assert not [key for key, sent in bodies.items() if len(sent) > 1]


def secrets_of(system: System) -> set[str]:
    """Everything that must stay secret, read from the simulators' own books."""
    freshbooks, stripe = system.freshbooks.state(), system.stripe.state()
    found = {token[name] for token in freshbooks["tokens"] for name in ("access", "refresh")}
    for account in freshbooks["accounts"].values():
        found |= {row["verifier"] for row in account["callbacks"]}
    for account in stripe["accounts"]:
        found |= {key["secret"] for key in account["keys"]}
        found |= {
            row["secret"] for row in account.get("webhook_endpoints", []) if row.get("secret")
        }
    found.add(system.stack.environment["FIELD_ENCRYPTION_KEYS"])
    found.add(system.stack.environment["SECRET_KEY"])
    found.add(system.stack.environment["FRESHBOOKS_CLIENT_SECRET"])
    return {secret for secret in found if secret}


def leaks(text: str, secrets: set[str]) -> list[str]:
    return sorted(secret[:8] for secret in secrets if secret in text)


def test_no_secret_is_in_any_log(system: System) -> None:
    secrets = secrets_of(system)
    assert len(secrets) > 20
    for name in PROCESSES:
        log = Path(system.stack.log_dir / f"{name}.log").read_text(errors="replace")
        assert log
        assert leaks(log, secrets) == [], name


def test_no_secret_is_in_any_column_of_the_database(system: System, shop: FlowShop) -> None:
    secrets = secrets_of(system)
    secrets |= {secret.encode().hex() for secret in secrets}  # as bytes are shown
    tables = system.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert len(tables) > 20
    seen = ""
    for table in (row["tablename"] for row in tables):
        rows = system.rows(f"SELECT to_jsonb(t)::text AS everything FROM {table} t")
        text = "\n".join(row["everything"] for row in rows)
        assert leaks(text, secrets) == [], table
        seen += text
    assert shop.account_id in seen, "the scan sees what is stored"


def test_no_secret_is_in_redis(system: System) -> None:
    broker = redis.Redis.from_url(system.stack.environment["REDIS_URL"])
    dump = b" ".join(broker.dump(key) or b"" for key in broker.scan_iter())
    broker.close()
    assert leaks(dump.decode("latin-1"), secrets_of(system)) == []


def test_no_secret_is_on_any_page(system: System, shop: FlowShop) -> None:
    secrets = secrets_of(system)
    pages = [Browser().open(system.operator.make_link(shop.tenant_id)).text]
    pages += [system.operator_sees(path) for path in PAGES]
    pages.append(system.operator_sees(f"/admin/tenants/tenant/{shop.tenant_id}/change/"))
    assert all("<html" in page for page in pages)
    for page in pages:
        assert leaks(page, secrets) == []


def test_every_chain_of_audit_entries_is_intact(system: System) -> None:
    for row in system.rows("SELECT id, slug FROM tenants_tenant"):
        counted = Counter(
            entry["sequence"]
            for entry in system.rows(
                "SELECT sequence FROM audit_auditentry WHERE tenant_id = %s", row["id"]
            )
        )
        assert set(counted) == set(range(1, len(counted) + 1)), row["slug"]


def test_the_idle_system_is_small(system: System) -> None:
    memory = system.stack.memory_mb()
    assert sum(memory.values()) < MOST_MEMORY_MB, memory
