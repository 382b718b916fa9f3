"""How a tenant stands: manage.py standing TENANT [--json]."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from connector.management.tables import table
from connector.standing import Standing, standing
from tenants.finding import get_tenant
from tenants.scope import tenant_scope

SUMS = {
    "FreshBooks total": "freshbooks_total",
    "Stripe total": "stripe_total",
    "collected": "collected",
    "recorded": "recorded",
    "outstanding": "freshbooks_outstanding",
    "remaining": "stripe_remaining",
    "difference": "difference",
}


class Command(BaseCommand):
    """Prints the reconciliation: both sides' figures beside each other, by the last look at them."""

    help = "Print how a tenant stands: invoices on both sides, differences, jobs, vendor calls."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """TENANT is a slug or id."""
        parser.add_argument("tenant", help="slug or id")
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Read and print."""
        tenant = get_tenant(options["tenant"])
        with tenant_scope(tenant.pk):
            found = standing(tenant)
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), indent=2))
            return
        self.stdout.write(f"{tenant.name} ({tenant.get_state_display()}, mode {found.mode})\n")
        for part in (_invoices(found), _totals(found), _discrepancies(found), _counts(found)):
            self.stdout.write(f"\n{part}\n")


def _invoices(found: Standing) -> str:
    if not found.invoices:
        return "No invoices yet."
    rows = [
        (
            row.number or str(row.freshbooks_id),
            row.state,
            row.collection_status or "-",
            row.currency,
            *map(
                _amount,
                (
                    row.freshbooks_total,
                    row.stripe_total,
                    row.freshbooks_outstanding,
                    row.stripe_remaining,
                    row.difference,
                ),
            ),
        )
        for row in found.invoices
    ]
    headers = ("invoice", "state", "money", "", "FreshBooks", "Stripe", "outstanding", "remaining")
    return table((*headers, "difference"), rows, right=(4, 5, 6, 7, 8))


def _totals(found: Standing) -> str:
    rows = [
        (
            str(row["currency"]),
            str(row["invoices"]),
            *(_amount(row[name]) for name in SUMS.values()),
        )
        for row in found.totals
    ]
    headers = ("currency", "invoices", *SUMS)
    return table(headers, rows, right=range(1, len(headers)))


def _discrepancies(found: Standing) -> str:
    if not found.discrepancies:
        return "No open discrepancies: both sides agree."
    rows = [
        (row.severity, row.kind, row.subject, _amount(row.freshbooks), _amount(row.stripe))
        for row in found.discrepancies
    ]
    listed = table(("severity", "kind", "subject", "FreshBooks", "Stripe"), rows, right=(3, 4))
    return f"{len(rows)} open discrepancies:\n{listed}"


def _counts(found: Standing) -> str:
    calls = [
        (operation, outcome, str(count))
        for operation, outcomes in found.vendor_calls.items()
        for outcome, count in outcomes.items()
    ]
    lines = [
        f"Jobs: {_by_state(found.jobs)}",
        f"Payments: {_by_state(found.payments)}",
        "Vendor calls today:" if calls else "No vendor was called today.",
    ]
    if calls:
        lines.append(table(("operation", "outcome", "calls"), calls, right=(2,)))
    return "\n".join(lines)


def _by_state(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items()) or "none"


def _amount(text: Any) -> str:
    return "-" if text is None else str(text)
