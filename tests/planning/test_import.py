"""A first import: the plan writes nothing, and applying it does exactly what it said."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connector.models import ClientLink, InvoiceLink, InvoiceRevision, Plan, VendorWrite
from connector.planning import making
from connector.planning.proposals import PlanRefused
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop, open_shop
from tests.pipeline.simulators import Simulators
from tests.planning.planned import (
    Requests,
    again,
    apply,
    by_state,
    plan,
    say_yes,
    steps,
    told,
    writes_among,
)


@pytest.fixture
def new_shop(simulators: Simulators, no_jobs: None) -> Shop:
    """A tenant that is being set up: both sides are connected, nothing was imported."""
    return open_shop(
        simulators.freshbooks,
        simulators.stripe,
        state=Tenant.State.ONBOARDING,
        live_at=None,
        choices_made_at=timezone.now(),
    )


def start_from(shop: Shop, day: date) -> None:
    Tenant.objects.filter(pk=shop.tenant.pk).update(start_date=day)
    shop.tenant.refresh_from_db()


def a_months_books(shop: Shop) -> dict[str, int]:
    """One invoice of every sort."""
    today = timezone.now().date()
    silent = shop.client(email="")
    start_from(shop, today - timedelta(days=30))
    old = (today - timedelta(days=200)).isoformat()
    books = {
        "plain": shop.invoice("100.00", "20.50"),
        "draft": shop.invoice("10.00", send=False),
        "no_email": shop.invoice("30.00", client=silent),
        "old": shop.invoice("40.00", create_date=old),
        "paid": shop.invoice("50.00"),
        "part": shop.invoice("60.00"),
        "deleted": shop.invoice("70.00"),
    }
    shop.cheque(books["paid"], "50.00")
    shop.cheque(books["part"], "20.00")
    shop.fb("delete_invoice", id=books["deleted"])
    return books


def test_a_plan_says_what_would_be_done_and_writes_nothing(
    new_shop: Shop, simulators: Simulators
) -> None:
    books = a_months_books(new_shop)
    requests = Requests(simulators)
    made = plan(new_shop)
    sent = [row for row in requests.new() if "webhook" not in row["path"]]
    assert writes_among([row for row in sent if "callbacks" not in row["path"]]) == []
    assert made.state == Plan.State.PROPOSED
    assert len(made.hash) == 64
    assert made.counts == Counter(step.action for step in steps(new_shop, made))
    assert [action for action, _ in told(new_shop, made, f"invoice:{books['plain']}")] == ["create"]
    assert told(new_shop, made, f"invoice:{books['deleted']}") == []
    for name, words in {
        "no_email": "without an e-mail address",
        "old": "before the start date",
        "paid": "Nothing is outstanding",
    }.items():
        ((action, reason),) = told(new_shop, made, f"invoice:{books[name]}")
        assert (action, words in reason) == ("skip", True), reason
    part = told(new_shop, made, f"invoice:{books['part']}")
    assert [action for action, _ in part] == ["create", "report"]
    assert new_shop.st_book().get("invoices", []) == []
    assert new_shop.writes() == []


def test_each_field_of_a_new_invoice_is_shown(new_shop: Shop) -> None:
    taxed = {"taxName1": "HST", "taxAmount1": "13"}
    invoice = new_shop.invoice(
        "100.00",
        lines=[
            {
                "name": "Work",
                "qty": "1",
                "unit_cost": {"amount": "100.00", "code": "CAD"},
                **taxed,
            }
        ],
    )
    (step,) = steps(new_shop, plan(new_shop), entity=f"invoice:{invoice}")
    shown = {name: field["after"] for name, field in step.fields.items()}
    assert shown["Total"] == "113.00 CAD"
    assert shown["Tax"] == "13.00 CAD"
    assert shown["Lines"] == "1"
    assert shown["Customer"].startswith("Haddad")
    assert shown["State in Stripe"] == "open"
    assert shown["Due date"] > "2020"


def test_applying_does_what_was_planned_and_sets_live(
    new_shop: Shop, simulators: Simulators
) -> None:
    books = a_months_books(new_shop)
    made = plan(new_shop)
    planned = Counter(step.action for step in steps(new_shop, made) if "invoice:" in step.entity)
    requests = Requests(simulators)
    done = apply(new_shop, made)
    assert (done.state, by_state(new_shop, made)["open"]) == (Plan.State.APPLIED, 0), done.reason
    assert set(by_state(new_shop, made)) == {"done"}
    sent = Counter(writes_among(requests.new()))
    assert sent["POST /v1/invoices"] == planned["create"] == 3
    assert sent["POST /v1/customers"] == made.counts["create"] - planned["create"] == 2
    assert new_shop.statuses(books["plain"]) == ["open"]
    assert new_shop.statuses(books["draft"]) == ["draft"]
    assert new_shop.asking(books["part"])["amount_remaining"] == 4000
    new_shop.tenant.refresh_from_db()
    assert new_shop.tenant.is_live
    for action in ("plan.asked", "plan.made", "plan.approved", "plan.applied"):
        assert action in new_shop.audited(f"plan:{made.public_id}")
    requests.new()
    new_shop.poll()
    new_shop.reconcile()
    assert [row for row in writes_among(requests.new()) if "/v1/invoices" in row] == []


def test_only_the_exact_hash_is_approved(new_shop: Shop) -> None:
    new_shop.invoice("10.00")
    made = plan(new_shop)
    with pytest.raises(PlanRefused) as refusal:
        say_yes(new_shop, made, "0" * 64)
    assert refusal.value.code == "other_hash"
    assert again(new_shop, made).state == Plan.State.PROPOSED
    with tenant_scope(new_shop.tenant.pk):
        step = made.steps.order_by("position").last()
        assert step is not None
        step.fields = {"Total": {"after": "1.00 CAD"}}
        step.save()
    with pytest.raises(PlanRefused) as refusal:
        say_yes(new_shop, made)
    assert refusal.value.code == "other_hash"
    assert new_shop.writes() == []


def test_other_settings_than_planned_are_refused(new_shop: Shop) -> None:
    made = plan(new_shop)
    start_from(new_shop, date(2026, 1, 1))
    with pytest.raises(PlanRefused) as refusal:
        say_yes(new_shop, made)
    assert "start date" in refusal.value.message


def test_a_changed_invoice_is_refused_and_planned_again(new_shop: Shop) -> None:
    changed, same = new_shop.invoice("10.00"), new_shop.invoice("20.00")
    made = plan(new_shop)
    new_shop.edit(changed, "11.00")
    refused = apply(new_shop, made)
    assert refused.state == Plan.State.REFUSED
    assert "total in FreshBooks, 10.00 CAD before and 11.00 CAD now" in refused.reason
    assert by_state(new_shop, made)["changed"] == 1
    assert new_shop.st_invoices(changed) == []
    assert new_shop.statuses(same) == ["open"]
    new_shop.tenant.refresh_from_db()
    assert not new_shop.tenant.is_live
    with tenant_scope(new_shop.tenant.pk):
        newer = Plan.objects.get(state=Plan.State.PROPOSED)
    (step,) = steps(new_shop, newer, action="create")
    assert step.fields["Total"] == {"after": "11.00 CAD"}
    assert apply(new_shop, newer).state == Plan.State.APPLIED
    assert new_shop.statuses(changed) == ["open"]
    assert len(new_shop.st_book()["invoices"]) == 2


def test_what_stripe_already_has_is_linked_and_not_made_twice(
    new_shop: Shop, simulators: Simulators
) -> None:
    """As after our database was lost: both vendors remember, we do not."""
    invoice = new_shop.invoice("10.00")
    apply(new_shop, plan(new_shop))
    before = new_shop.st_invoices(invoice)
    with tenant_scope(new_shop.tenant.pk):
        for model in (InvoiceRevision, InvoiceLink, ClientLink):
            model.objects.all().delete()
    requests = Requests(simulators)
    planned = plan(new_shop)
    assert planned.counts == {"link": 2}
    assert apply(new_shop, planned).state == Plan.State.APPLIED
    assert [path for path in writes_among(requests.new()) if "/v1/" in path] == []
    assert [row["id"] for row in new_shop.st_invoices(invoice)] == [before[0]["id"]]
    assert [row.stripe_invoice_id for row in new_shop.revisions(invoice)] == [before[0]["id"]]


def test_many_invoices_are_read_by_lists_only(new_shop: Shop, simulators: Simulators) -> None:
    client = new_shop.client()
    for _ in range(255):
        new_shop.invoice("10.00", client=client)
    requests = Requests(simulators)
    made = plan(new_shop)
    reads = Counter(
        row["path"].rsplit("/", 1)[-1]
        for row in requests.new()
        if row["method"] == "GET" and "webhook" not in row["path"] and "call" not in row["path"]
    )
    assert made.counts == {"create": 256}
    pages = {"invoices": 3 + 1 + 1, "clients": 1, "customers": 1}
    assert reads == pages | {"gateway": 1}  # whether FreshBooks itself collects: asked once


def test_a_new_invoice_costs_few_questions_and_leaves_no_trace(new_shop: Shop) -> None:
    """Each rehearsal is one transaction: no savepoints, no fence, no audit entries."""
    client = new_shop.client()

    def asked_for(invoices: int) -> list[str]:
        for _ in range(invoices):
            new_shop.invoice("100.00", client=client)
        with CaptureQueriesContext(connection) as queries:
            made = plan(new_shop)
        assert made.state == Plan.State.PROPOSED
        return [query["sql"] for query in queries]

    few, many = asked_for(1), asked_for(10)
    assert (len(many) - len(few)) / 10 <= 44
    assert len([sql for sql in many if "audit_auditentry" in sql]) < 10
    with tenant_scope(new_shop.tenant.pk):
        assert not InvoiceLink.objects.exists()
        assert not VendorWrite.objects.exists()


def test_progress_of_a_plan_is_seen_while_it_is_made(
    new_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "BATCH", 2)
    client = new_shop.client()
    for _ in range(5):
        new_shop.invoice("100.00", client=client)
    with CaptureQueriesContext(connection) as queries:
        plan(new_shop)
    told_how_far = [
        q for q in queries if 'UPDATE "connector_plan" SET "counts"' in (q["sql"] or "")
    ]
    assert len(told_how_far) == 3
