"""How soon a payment that a client makes in Stripe is recorded in FreshBooks, with real processes."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from django.conf import settings

from audit.models import AuditEntry
from bench import jobs
from bench.intake import web
from bench.measures import Found, Result
from bench.method import Effort, percentile
from bench.place import Place
from bench.workers import running_clock, running_worker
from connector.jobs import kinds
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop, open_shop

CALL_S = 0.05  # what each vendor call takes in the simulators
API = {"path_regex": "^/(v1|accounting|auth|events|payments)"}
CALLS = 3  # read in Stripe, read in FreshBooks, record
HALF = 0.5


def event_to_recorded(place: Place, effort: Effort, result: Result) -> None:
    """P19, P20: webhooks of payments at half of what the worker can do; each call takes 50 ms."""
    shop = open_shop(place.freshbooks, place.stripe)
    burst, steady = effort.size(30, 8), effort.size(150, 25)
    invoices = [shop.invoice("100.00") for _ in range(burst + steady)]
    for invoice in invoices:
        shop.enqueue_look(invoice)
    shop.settle()
    with web() as (host, port), running_worker("config.worker"), running_clock():
        settings.PUBLIC_BASE_URL = f"http://{host}:{port}"
        shop.run(kinds.REGISTER_WEBHOOKS)
        for vendor in (place.freshbooks, place.stripe):
            vendor.fault("slow", API, times=None, delay_s=CALL_S)
        per_s = _rate_of_burst(shop, invoices[:burst])
        before = place.calls()
        paid = _pay_steadily(shop, invoices[burst:], per_s * HALF)
        waits = _waits(shop, paid)
        calls = (place.calls() - before) / steady
        for vendor in (place.freshbooks, place.stripe):
            vendor.control("DELETE", "faults")
    p50, p99 = percentile(waits, 0.5), percentile(waits, 0.99)
    shown = {"payments": steady, "payments_per_s": per_s * HALF, "calls_each": calls}
    result.found += [
        Found.count("P19", p50 / (calls * CALL_S), **shown),
        Found.count("P19a", p99 / (calls * CALL_S)),
        Found.count("P20", p50 * 1000),
        Found.count("P20a", p99 * 1000),
    ]


def _rate_of_burst(shop: Shop, invoices: Sequence[int]) -> float:
    """Payments per second when all come at once: what the worker can do."""
    started = time.monotonic()
    for invoice in invoices:
        shop.pay(invoice)
    jobs.seconds_until(lambda: len(_recorded(shop)) >= len(invoices))
    return len(invoices) / (time.monotonic() - started)


def _pay_steadily(shop: Shop, invoices: Sequence[int], per_s: float) -> dict[int, float]:
    """Payments at random moments; when each was made."""
    chance, paid = random.Random(5), {}
    for invoice in invoices:
        shop.pay(invoice)
        paid[invoice] = time.time()
        time.sleep(chance.expovariate(per_s))
    return paid


def _waits(shop: Shop, paid: dict[int, float]) -> list[float]:
    entities = {f"invoice:{invoice}": at for invoice, at in paid.items()}
    jobs.seconds_until(lambda: entities.keys() <= _recorded(shop).keys())
    recorded = _recorded(shop)
    return [max(0.0, recorded[name] - at) for name, at in entities.items()]


def _recorded(shop: Shop) -> dict[str, float]:
    """When each invoice's payment was recorded, as the audit trail tells."""
    with tenant_scope(shop.tenant.pk):
        rows = AuditEntry.objects.filter(tenant_id=shop.tenant.pk, action="payment.recorded")
        return {entity: at.timestamp() for entity, at in rows.values_list("entity", "at")}
