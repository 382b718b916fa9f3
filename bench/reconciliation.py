"""How long the full comparison takes: `make bench ARGS=reconciliation`.

Both simulators run beside it, without delay. Seeding goes straight to the vendors and the tables; what is
timed is the product's own work: the comparison of all invoices, and the sync of those that changed.
Prints one JSON object: seconds, calls and peak memory of this process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import stripe

ROOT = Path(__file__).resolve().parent.parent
THREADS = 4


@contextmanager
def simulators() -> Iterator[dict[str, str]]:
    """Both vendors in a process of their own; where they are."""
    command = [sys.executable, "-m", "sandbox", "--freshbooks", "127.0.0.1:0"]
    command += ["--stripe", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def seed(shop: Any, invoices: int, stripe_url: str, secret: str) -> None:
    """The same invoice so many times on both sides, and what the product would know of them."""
    client = shop.client()
    first = shop.invoice("100.00", client=client)
    shop.sync(first)
    with ThreadPoolExecutor(THREADS) as pool:
        made = list(pool.map(lambda _: shop.invoice("100.00", client=client), range(invoices - 1)))
        customer = shop.st_invoices(first)[0]["customer"]
        api = stripe.StripeClient(secret, base_addresses={"api": stripe_url}).v1

        def mirror(invoice_id: int) -> None:
            invoice = api.invoices.create(
                {
                    "customer": customer,
                    "collection_method": "send_invoice",
                    "days_until_due": 30,
                    "currency": "cad",
                    "metadata": {
                        "fb_account": shop.account_id,
                        "fb_invoice_id": str(invoice_id),
                        "fb_revision": "1",
                    },
                }
            )
            api.invoices.add_lines(invoice.id, {"lines": [{"amount": 10000}]})
            api.invoices.finalize_invoice(invoice.id)

        list(pool.map(mirror, made))
    know(shop, first)


def know(shop: Any, first: int) -> None:
    """Rows as the product would have made them, copied from the one that it made."""
    from connector.mapping.invoices import content_hash
    from connector.models import InvoiceLink, InvoiceRevision
    from connector.runs import build_run
    from connector.vendors.freshbooks.pages import all_pages
    from connector.vendors.stripe import pages as stripe_pages
    from tenants.scope import tenant_scope

    run = build_run(job_of(shop))
    books = {
        row.id: row
        for row in all_pages(
            lambda page: run.freshbooks.list_invoices(page=page, updated_min=None, vis_state=None)
        )
    }
    mirrors = {
        int(row.metadata["fb_invoice_id"]): row
        for row in stripe_pages.all_pages(lambda cursor: run.stripe.list_invoices(cursor=cursor))
    }
    with tenant_scope(shop.tenant.pk):
        pattern = InvoiceLink.objects.get(freshbooks_invoice_id=first)
        for invoice_id, book in books.items():
            if invoice_id == first:
                continue
            pattern.pk = None
            pattern.freshbooks_invoice_id, pattern.number = invoice_id, book.number
            pattern.freshbooks_updated = book.version or book.updated
            pattern.stripe_invoice_id = mirrors[invoice_id].id
            pattern.save(force_insert=True)
            InvoiceRevision.objects.create(
                tenant=shop.tenant,
                invoice_id=pattern.pk,
                revision=1,
                stripe_invoice_id=mirrors[invoice_id].id,
                state=InvoiceRevision.State.OPEN,
                content_hash=content_hash(book),
            )


def job_of(shop: Any) -> Any:
    """A claimed job, for what needs one."""
    import uuid

    from audit.recording import Cause
    from connector.jobs.context import JobRun

    cause = Cause(actor="bench", reason="bench", correlation_id=uuid.uuid4())
    return JobRun(
        job_id=0,
        tenant_id=shop.tenant.pk,
        kind="bench",
        subject="",
        fence=0,
        attempt=1,
        cause=cause,
    )


def calls(shop: Any) -> int:
    """All calls that both vendors have answered."""
    return int(shop.freshbooks.calls()["total"]) + int(shop.stripe.calls()["total"])


def compare(shop: Any) -> dict[str, Any]:
    """One full comparison with all that follows from it; `processor_s` is this process's own."""
    before, started, worked = calls(shop), time.monotonic(), time.process_time()
    result = shop.reconcile()
    seconds, processor = time.monotonic() - started, time.process_time() - worked
    return {
        "seconds": round(seconds, 2),
        "processor_s": round(processor, 2),
        "calls": calls(shop) - before,
        "result": result,
    }


def main() -> int:
    """Seed, change, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invoices", type=int, default=1000)
    parser.add_argument("--changed", type=int, default=0, help="default: one in a hundred")
    options = parser.parse_args()
    changed = options.changed or options.invoices // 100
    with simulators() as addresses:
        os.environ.update(
            FRESHBOOKS_API_BASE=addresses["freshbooks"],
            FRESHBOOKS_AUTH_BASE=addresses["freshbooks"],
            FRESHBOOKS_CLIENT_ID="sandbox-client",
            FRESHBOOKS_CLIENT_SECRET="sandbox-secret",  # noqa: S106 - the simulator's
            STRIPE_API_BASE=addresses["stripe"],
            SECRET_KEY="bench " * 10,
            FIELD_ENCRYPTION_KEYS="bench",
            LOG_LEVEL="WARNING",
            DJANGO_SETTINGS_MODULE="config.settings",
        )
        django.setup()
        print(json.dumps(measure(addresses, options.invoices, changed)))
    return 0


def measure(addresses: dict[str, str], invoices: int, changed: int) -> dict[str, Any]:
    """All figures of one run."""
    from django.core.management import call_command

    from tests.pipeline.shop import open_shop
    from tests.sandbox.driving import FreshBooks, Vendor

    call_command("migrate", database="owner", verbosity=0)
    shop = open_shop(FreshBooks(addresses["freshbooks"]), Vendor(addresses["stripe"]))
    secret = shop.st_book()["keys"][0]["secret"]
    started = time.monotonic()
    seed(shop, invoices, addresses["stripe"], secret)
    seeded = round(time.monotonic() - started, 1)
    unchanged = compare(shop)
    ids = sorted(row["invoiceid"] for row in shop.fb_book()["invoices"])[-changed:]
    for invoice_id in ids:
        shop.edit(invoice_id, "120.00")
    with_changes = compare(shop)
    return {
        "invoices": invoices,
        "changed": changed,
        "seeding_s": seeded,
        "unchanged": unchanged,
        "with_changes": with_changes,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


if __name__ == "__main__":
    sys.exit(main())
