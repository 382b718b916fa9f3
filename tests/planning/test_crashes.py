"""A worker that dies at any point of making or applying a plan: it resumes, and doubles nothing."""

from __future__ import annotations

from collections import Counter

import pytest

from connector.jobs import kinds
from connector.models import Plan, PlanStep
from tenants.scope import tenant_scope
from tests.pipeline.interference import KillAtScope, recover, run_killed
from tests.pipeline.shop import Shop
from tests.planning.planned import again, apply, by_state, plan, say_yes, steps

EVERY = 7  # of all transactions, each so-manieth is a point where the worker dies
MOST_POINTS = 60


def test_applying_survives_a_death_between_any_two_commits(shop: Shop) -> None:
    """Two customers, three invoices and a cheque: each is there once in the end."""
    other = shop.client()
    books = [shop.invoice("10.00"), shop.invoice("20.00", client=other), shop.invoice("30.00")]
    shop.cheque(books[2], "5.00")
    made = plan(shop)
    say_yes(shop, made)
    deaths = 0
    for point in range(1, MOST_POINTS):
        if not run_killed(shop, statements=KillAtScope(point * EVERY)):
            break
        deaths += 1
        recover()
        with tenant_scope(shop.tenant.pk):  # deaths are counted; here they come too fast
            PlanStep.objects.update(tries=0)
        shop.hurry()
        forgive(shop)
    assert deaths > 5
    shop.settle()
    done = again(shop, made)
    assert (done.state, by_state(shop, made)) == (
        Plan.State.APPLIED,
        Counter({"done": len(steps(shop, made))}),
    ), done.reason
    assert [shop.statuses(invoice) for invoice in books] == [["open"]] * 3
    assert shop.asking(books[2])["amount_remaining"] == 2500
    assert len(shop.st_book()["customers"]) == 2


def forgive(shop: Shop) -> None:
    """A job that took its worker down three times is given up; not what is tested here."""
    for job in shop.jobs():
        if job.deaths:
            with tenant_scope(shop.tenant.pk):
                job.deaths = 0
                job.save(update_fields=["deaths"])


def test_making_begins_anew_after_a_death(shop: Shop) -> None:
    """Whatever was kept of the steps is thrown away first: the plan is the same in the end."""
    shop.invoice("10.00")
    shop.invoice("20.00")
    whole = plan(shop)
    for point in (4, 8, 12):
        with tenant_scope(shop.tenant.pk):
            Plan.objects.filter(pk=whole.pk).update(state=Plan.State.BUILDING, hash="")
        shop.enqueue(kinds.MAKE_PLAN, whole.pk)
        assert run_killed(shop, statements=KillAtScope(point))
        recover()
        shop.settle()
        assert again(shop, whole).hash == whole.hash
        assert len(steps(shop, whole)) == sum(whole.counts.values()) == 3


def test_a_step_that_kills_its_worker_is_left_and_the_others_are_done(shop: Shop) -> None:
    bad, good = shop.invoice("10.00"), shop.invoice("20.00")
    made = plan(shop)
    with tenant_scope(shop.tenant.pk):
        PlanStep.objects.filter(plan=made, entity=f"invoice:{bad}").update(tries=2)
    done = apply(shop, made)
    assert done.state == Plan.State.APPLIED
    assert "1 failed" in done.reason
    assert [step.state for step in steps(shop, made, entity=f"invoice:{bad}")] == ["failed"]
    assert shop.statuses(good) == ["open"]


def test_what_a_vendor_refuses_fails_alone(shop: Shop) -> None:
    bad, good = shop.invoice("10.00"), shop.invoice("20.00")
    made = plan(shop)
    shop.stripe.fault("status_500", {"method": "POST", "path_regex": "^/v1/invoices$"}, times=1)
    done = apply(shop, made)
    assert done.state == Plan.State.APPLIED, done.reason
    assert [shop.statuses(invoice) for invoice in (bad, good)] == [["open"], ["open"]]


@pytest.mark.parametrize("state", ["paused", "disconnected"])
def test_a_tenant_that_was_stopped_is_left_alone(shop: Shop, state: str) -> None:
    invoice = shop.invoice("10.00")
    made = plan(shop)
    say_yes(shop, made)
    shop.tenant.state = state
    shop.tenant.save(update_fields=["state"])
    shop.settle()
    assert shop.st_invoices(invoice) == []
    assert again(shop, made).state in {Plan.State.APPROVED, Plan.State.APPLYING}
