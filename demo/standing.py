"""What the product itself says about a tenant, asked with its own command."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from demo.stack import Stack


@dataclass(frozen=True, kw_only=True)
class Reported:
    """One open discrepancy, as the product shows it."""

    number: str
    kind: str
    severity: str
    explanation: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A tenant as the product sees it."""

    jobs: Counter[str]
    discrepancies: tuple[Reported, ...]
    invoices: dict[str, dict[str, Any]]
    calls: dict[str, dict[str, int]]
    deliveries: dict[str, int]


_SCRIPT = """
import json
from collections import Counter
from connector.models import *
from tenants.models import Tenant
from tenants.scope import tenant_scope
t = Tenant.objects.get(slug={slug!r})
with tenant_scope(t.pk):
    calls = {{}}
    for c in CallCount.objects.all():
        calls.setdefault(c.operation, {{}})[c.outcome] = c.calls
    print(json.dumps(dict(
        jobs=Counter(SyncJob.objects.exclude(kind__startswith="poll_", state__in=["queued", "running"]).values_list("state", flat=True)),
        discrepancies=[dict(number=d.invoice.number, kind=d.kind, severity=d.severity, explanation=d.explanation) for d in Discrepancy.objects.filter(state="open").select_related("invoice")],
        invoices={{i.number: dict(pk=i.pk, state=i.state, collection_status=i.collection_status) for i in InvoiceLink.objects.all()}},
        calls=calls,
        deliveries=dict(Counter(Delivery.objects.filter(source="stripe").values_list("via", flat=True))),
    )))
"""


def read_standing(stack: Stack, slug: str) -> Standing:
    """Ask the product how a tenant stands."""
    import json  # noqa: PLC0415

    told = json.loads(
        stack.manage("shell", "-v0", "-c", _SCRIPT.format(slug=slug)).strip().splitlines()[-1]
    )
    return Standing(
        jobs=Counter(told["jobs"]),
        discrepancies=tuple(Reported(**row) for row in told["discrepancies"]),
        invoices=told["invoices"],
        calls=told["calls"],
        deliveries=told["deliveries"],
    )
