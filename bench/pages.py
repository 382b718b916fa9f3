"""How long the list of invoices takes, for a tenant with very many and for one with few."""

from __future__ import annotations

import time

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from bench.copies import analyse
from bench.jobs import columns_of
from bench.measures import Found, Result
from bench.method import Effort, Slice, median_of, percentile, ratio, take_turns
from bench.place import Place
from connector.models import InvoiceLink
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.factories import make_tenant

MANY, QUICK_MANY, FEW = 100_000, 20_000, 100
LOOKS = 10  # of one slice
LIST = "/admin/connector/invoicelink/"


def invoice_list(place: Place, effort: Effort, result: Result) -> None:
    """P31: the first page of one tenant's invoices, as staff see it; both tenants in one database."""
    many, few = effort.size(MANY, QUICK_MANY), FEW
    tenants = {many: _tenant_with(many), few: _tenant_with(few)}
    analyse(place, str(connection.settings_dict["NAME"]))
    browser = Client(headers={"host": "localhost"})
    browser.force_login(User.objects.create_superuser("bench", password="bench"))  # noqa: S106
    slices: dict[str, Slice] = {
        str(size): _slice(browser, f"{LIST}?tenant__id__exact={tenant.pk}")
        for size, tenant in tenants.items()
    }
    slices["deep"] = _slice(browser, f"{LIST}?tenant__id__exact={tenants[many].pk}&p={many // 100}")
    for look in slices.values():
        look()
    rounds = take_turns(slices, rounds=effort.rounds)
    shown = {f"p95_ms_{name}": median_of(rounds, name) * 1000 for name in slices}
    result.found.append(Found.of("P31", ratio(rounds, str(many), str(few)), **shown))


def _slice(browser: Client, address: str) -> Slice:
    def p95() -> float:
        times = []
        for _ in range(LOOKS):
            started = time.perf_counter()
            answer = browser.get(address)
            times.append(time.perf_counter() - started)
            if answer.status_code != 200:
                raise RuntimeError(f"{address} answered {answer.status_code}")
        return percentile(times, 0.95)

    return p95


def _tenant_with(count: int) -> Tenant:
    """One invoice, copied."""
    tenant = make_tenant(state="live")
    with tenant_scope(tenant.pk):
        pattern = InvoiceLink.objects.create(
            tenant=tenant,
            freshbooks_invoice_id=1_000_000,
            number="INV-1",
            state="open",
            currency="CAD",
            freshbooks_total_minor=10_000,
            freshbooks_paid_minor=0,
            freshbooks_outstanding_minor=10_000,
            stripe_invoice_id=f"in_{tenant.pk}",
            stripe_status="open",
            stripe_total_minor=10_000,
            stripe_paid_minor=0,
            stripe_remaining_minor=10_000,
        )
        columns = columns_of(InvoiceLink)
        other = {
            "freshbooks_invoice_id": "freshbooks_invoice_id + n",
            "number": "number || n",
            "stripe_invoice_id": "stripe_invoice_id || '_' || n",
        }
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO connector_invoicelink ({', '.join(columns)})"
                f" SELECT {', '.join(other.get(one, one) for one in columns)}"
                " FROM connector_invoicelink, generate_series(2, %s) n WHERE id = %s",
                [count, pattern.pk],
            )
    return tenant


PARTS = (invoice_list,)
