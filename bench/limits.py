"""What limits cost and how close to a vendor's they stay: `make bench ARGS=limits`.

Threads call the simulated Stripe through the product's client and gate, as jobs do: refused by the gate,
a job comes back when it was told to. The simulator allows 10 calls per second, the product is set to 22.
The gate's own cost is timed without a vendor. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import django

from bench.reconciliation import simulators

THREADS = 4
ALLOWED_PER_S = 10
CALLS_OF_A_JOB = 5


def call_on(shop: Any, until: float, outcomes: Counter[str]) -> None:
    """One worker: jobs of a few reads each, one after the other."""
    from django.db import connections

    from bench.reconciliation import job_of
    from connector.clients import stripe_client
    from connector.errors import VendorRateLimited
    from connector.jobs.context import running

    while time.monotonic() < until:
        client = stripe_client(shop.tenant.pk)
        try:
            with running(job_of(shop)):
                for _ in range(CALLS_OF_A_JOB):
                    client.balance_mode()
                    outcomes["ok"] += 1
        except VendorRateLimited as error:
            outcomes[error.code or "429"] += 1
            time.sleep(min(error.retry_after_s or 1.0, max(0.0, until - time.monotonic())))
    connections.close_all()


def use_of_a_limit(shop: Any, seconds: float) -> dict[str, Any]:
    """How much of what the vendor allows is used, and how many calls it refuses."""
    from connector.models import RateBucket
    from tenants.scope import tenant_scope

    shop.stripe.switch(rate_limit=f"{ALLOWED_PER_S}_per_second")
    with tenant_scope(shop.tenant.pk):
        RateBucket.objects.all().delete()  # as for a new account, by the settings
    outcomes: Counter[str] = Counter()
    until = time.monotonic() + seconds
    workers = [
        threading.Thread(target=call_on, args=(shop, until, outcomes)) for _ in range(THREADS)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    shop.stripe.switch(rate_limit="off")
    refused = outcomes["rate_limit"]
    return {
        "seconds": seconds,
        "allowed_per_s": ALLOWED_PER_S,
        "calls": outcomes["ok"],
        "refused": refused,
        "use": round(outcomes["ok"] / seconds / ALLOWED_PER_S, 3),
        "refused_share": round(refused / max(1, refused + outcomes["ok"]), 4),
        "outcomes": dict(outcomes),
    }


def cost_of_the_gate(shop: Any, calls: int = 2000) -> float:
    """Milliseconds of one call's `before` and `after`, without any vendor."""
    from bench.reconciliation import job_of
    from connector.jobs.context import running
    from connector.limits.gate import VendorGate
    from connector.models import RateBucket
    from connector.vendors.gate import CallReport
    from tenants.scope import tenant_scope

    with tenant_scope(shop.tenant.pk):
        RateBucket.objects.all().delete()
    report = CallReport(
        vendor="freshbooks",
        operation="freshbooks.invoices.get",
        method="GET",
        status=200,
        request_id="",
        duration_ms=1,
        outcome="ok",
        retry_after_s=None,
        rate_limited_reason="",
    )
    gate = VendorGate(shop.tenant.pk)
    with suppress(Exception):
        gate.before("freshbooks", report.operation)
    with tenant_scope(shop.tenant.pk):
        RateBucket.objects.update(rate_per_s=9999, capacity=9999, tokens=9999)
    started = time.process_time(), time.monotonic()
    with running(job_of(shop)):
        for _ in range(calls):
            gate.before("freshbooks", report.operation)
            gate.after(report)
    return round((time.monotonic() - started[1]) * 1000 / calls, 3)


def main() -> int:
    """Both figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    options = parser.parse_args()
    with simulators() as addresses:
        os.environ.update(
            FRESHBOOKS_API_BASE=addresses["freshbooks"],
            FRESHBOOKS_AUTH_BASE=addresses["freshbooks"],
            FRESHBOOKS_CLIENT_ID="sandbox-client",
            FRESHBOOKS_CLIENT_SECRET="sandbox-secret",  # noqa: S106 - the simulator's
            STRIPE_API_BASE=addresses["stripe"],
            LOG_LEVEL="ERROR",
            DJANGO_SETTINGS_MODULE="config.settings",
        )
        django.setup()
        from tests.pipeline.shop import open_shop
        from tests.sandbox.driving import FreshBooks, Vendor

        shop = open_shop(FreshBooks(addresses["freshbooks"]), Vendor(addresses["stripe"]))
        found = use_of_a_limit(shop, options.seconds)
        print(json.dumps(found | {"gate_ms": cost_of_the_gate(shop)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
