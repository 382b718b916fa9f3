"""How a tenant stands: exact figures, one tenant only, the same on every run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO
from typing import Any

from django.core.management import call_command

from connector.models import CollectedPayment, InvoiceLink
from connector.standing import standing
from tenants.models import Tenant
from tenants.scope import every_tenant, tenant_scope
from tests.admin.world import World, make_world

INVOICE = {
    "number",
    "freshbooks_id",
    "stripe_id",
    "currency",
    "state",
    "collection_status",
    "freshbooks_total",
    "stripe_total",
    "freshbooks_outstanding",
    "stripe_remaining",
    "difference",
}
DISCREPANCY = {"kind", "subject", "severity", "currency", "freshbooks", "stripe", "explanation"}


def told(tenant: Tenant, *arguments: str) -> str:
    out = StringIO()
    call_command("standing", tenant.slug, *arguments, stdout=out)
    return out.getvalue()


def test_the_form_that_machines_read(two_worlds: tuple[World, World]) -> None:
    tenant = two_worlds[0].tenant
    found = json.loads(told(tenant, "--json"))
    assert set(found) == {
        "tenant",
        "mode",
        "invoices",
        "totals",
        "discrepancies",
        "jobs",
        "payments",
        "vendor_calls",
    }
    assert (found["tenant"], found["mode"]) == (tenant.slug, "approve")
    assert {frozenset(row) for row in found["invoices"]} == {frozenset(INVOICE)}
    assert {frozenset(row) for row in found["discrepancies"]} == {frozenset(DISCREPANCY)}
    assert found["jobs"] == {"dead": 1, "done": 3}
    assert found["payments"] == {"awaiting_approval": 3}
    assert found["vendor_calls"] == {"stripe.invoices.create": {"ok": 1234}}


def test_figures_are_exact_and_differences_are_what_is_outstanding_on_one_side(
    two_worlds: tuple[World, World],
) -> None:
    tenant = two_worlds[0].tenant
    with tenant_scope(tenant.pk):
        found = standing(tenant)
    first = found.invoices[0]
    assert (first.freshbooks_total, first.stripe_total) == ("1026.90", "1026.90")
    assert (first.freshbooks_outstanding, first.stripe_remaining) == ("1026.90", "0.00")
    assert first.difference == "1026.90"
    (sums,) = found.totals
    assert sums["invoices"] == 3
    assert sums["freshbooks_total"] == sums["stripe_total"] == "3451.05"
    assert (sums["collected"], sums["recorded"]) == ("1126.90", "0.00")
    assert (sums["outside"], sums["reported"]) == ("50.00", "0.00")
    assert sums["difference"] == "1026.90"


def test_each_currency_has_its_own_sums_and_decimals(world: World) -> None:
    with every_tenant():
        InvoiceLink.objects.filter(pk=world.invoice.pk).update(currency="JPY")
        CollectedPayment.objects.filter(pk=world.payment.pk).update(currency="JPY")
    with tenant_scope(world.tenant.pk):
        sums = {row["currency"]: row for row in standing(world.tenant).totals}
    assert set(sums) == {"CAD", "JPY"}
    assert sums["JPY"]["freshbooks_total"] == sums["JPY"]["collected"] == "102690"


def test_what_was_deleted_in_freshbooks_asks_for_nothing_there(world: World) -> None:
    with every_tenant():
        InvoiceLink.objects.filter(pk=world.invoice.pk).update(
            state=InvoiceLink.State.REMOVED, stripe_remaining_minor=500
        )
    with tenant_scope(world.tenant.pk):
        assert standing(world.tenant).invoices[0].difference == "-5.00"


def test_what_is_not_known_yet_is_no_figure(world: World) -> None:
    with every_tenant():
        InvoiceLink.objects.filter(pk=world.invoice.pk).update(
            state=InvoiceLink.State.SKIPPED,
            freshbooks_total_minor=None,
            freshbooks_outstanding_minor=None,
            stripe_total_minor=None,
            stripe_remaining_minor=None,
        )
    with tenant_scope(world.tenant.pk):
        found = standing(world.tenant)
    assert found.invoices[0].difference is None
    assert found.totals[0]["invoices"] == 2


def test_people_read_a_table(world: World) -> None:
    text = told(world.tenant)
    for part in ("INV-0001", "1026.90", "1 open discrepancies", "Jobs: 1 dead, 3 done", "1234"):
        assert part in text, part


def test_an_empty_tenant_stands_well(db: None) -> None:
    tenant = Tenant.objects.create(name="New", slug="new")
    text = told(tenant)
    assert "No invoices yet." in text
    assert "both sides agree" in text


def test_the_number_of_questions_does_not_grow(
    two_worlds: tuple[World, World], django_assert_num_queries: Any
) -> None:
    with every_tenant():
        large = make_world("Large", invoices=12)
    for tenant in (two_worlds[0].tenant, large.tenant):
        with tenant_scope(tenant.pk), django_assert_num_queries(9):
            standing(tenant)


def test_as_a_program(committed_db: None) -> None:
    with every_tenant():
        tenant = make_world("Program").tenant

    def program(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", "standing", *arguments]
        return subprocess.run(
            command,
            env=os.environ
            | {"SECRET_KEY": "x" * 50, "FIELD_ENCRYPTION_KEYS": "tests-only-field-key"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    answer = program(tenant.slug, "--json")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["tenant"] == tenant.slug
    unknown = program("nobody")
    assert unknown.returncode == 1
    assert "There is no tenant 'nobody'" in unknown.stderr
    assert "Traceback" not in unknown.stderr
