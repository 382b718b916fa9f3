"""A change of payment mode, a bulk replay and the undo of an import, each planned first."""

from __future__ import annotations

from collections import Counter

from connector.models import Plan
from tenants.models import Tenant
from tests.pipeline.shop import Shop, open_shop
from tests.pipeline.simulators import Simulators
from tests.planning.planned import (
    Requests,
    apply,
    by_state,
    plan,
    say_yes,
    steps,
    told,
    writes_among,
)

Purpose = Plan.Purpose


def observing(simulators: Simulators) -> Shop:
    return open_shop(simulators.freshbooks, simulators.stripe, payment_mode="observe")


# Change of mode -----------------------------------------------------------------------------------


def test_a_new_mode_shows_each_payment_that_it_would_record(
    simulators: Simulators, no_jobs: None
) -> None:
    shop = observing(simulators)
    clear, twin = shop.invoice("100.00"), shop.invoice("80.00")
    for invoice in (clear, twin):
        shop.sync(invoice)
        shop.pay(invoice)
        shop.sync(invoice)
    shop.cheque(twin, "80.00")
    requests = Requests(simulators)
    made = plan(shop, Purpose.MODE, mode="record")
    assert writes_among(requests.new()) == []
    (step,) = steps(shop, made, entity=f"invoice:{clear}")
    assert (step.action, step.fields["Amount"]["after"]) == ("record", "100.00 CAD")
    assert step.fields["Date"]["after"]
    assert [action for action, _ in told(shop, made, f"invoice:{twin}")] == ["skip"]
    shop.tenant.refresh_from_db()
    assert shop.tenant.payment_mode == "observe"

    done = apply(shop, made)
    assert (done.state, by_state(shop, made)) == (Plan.State.APPLIED, {"done": 2}), done.reason
    shop.tenant.refresh_from_db()
    assert shop.tenant.payment_mode == "record"
    assert [row["amount"]["amount"] for row in shop.fb_payments(clear)] == ["100.00"]
    assert len(shop.fb_payments(twin)) == 1
    assert shop.collected(clear)[0].approved_by == "test"


def test_a_payment_that_was_refunded_meanwhile_is_not_recorded(
    simulators: Simulators, no_jobs: None
) -> None:
    shop = observing(simulators)
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    paid = shop.pay(invoice)
    shop.sync(invoice)
    made = plan(shop, Purpose.MODE, mode="record")
    shop.st("refund", payment_intent=paid["payment_intent"], amount=4000)
    shop.sync(invoice)
    refused = apply(shop, made)
    assert refused.state == Plan.State.REFUSED, refused.reason
    assert by_state(shop, made) == {"changed": 1}
    assert shop.fb_payments(invoice) == []


# Bulk replay --------------------------------------------------------------------------------------


def test_a_replay_tells_what_would_be_written(shop: Shop, simulators: Simulators) -> None:
    edited, same = shop.invoice("10.00"), shop.invoice("20.00")
    shop.sync(edited)
    shop.sync(same)
    old = shop.asking(edited)["id"]
    shop.edit(edited, "12.00")
    requests = Requests(simulators)
    made = plan(shop, Purpose.REPLAY, invoices=[edited, same])
    rows = requests.new()
    assert writes_among(rows) == []
    assert len(rows) == 2 * 2  # each side once for each of the two: too few for lists
    (step,) = steps(shop, made, entity=f"invoice:{edited}")
    assert step.action == "replace"
    assert step.fields["Total"] == {"before": "10.00 CAD", "after": "12.00 CAD"}
    assert told(shop, made, f"invoice:{same}") == [("skip", "Both sides already agree.")]
    assert apply(shop, made).state == Plan.State.APPLIED
    assert shop.statuses(edited) == ["void", "open"]
    assert shop.st_invoices(edited)[0]["id"] == old
    sent = Counter(writes_among(requests.new()))
    assert sent["POST /v1/invoices"] == 1


# Undo ---------------------------------------------------------------------------------------------


def test_an_undo_takes_out_what_nobody_paid(shop: Shop, simulators: Simulators) -> None:
    unpaid, draft, paid = shop.invoice("10.00"), shop.invoice("20.00", send=False), shop.invoice()
    for invoice in (unpaid, draft, paid):
        shop.sync(invoice)
    shop.pay(paid, 2500)
    requests = Requests(simulators)
    made = plan(shop, Purpose.UNDO)
    assert writes_among(requests.new()) == []
    assert [action for action, _ in told(shop, made, f"invoice:{unpaid}")] == ["void"]
    assert [action for action, _ in told(shop, made, f"invoice:{draft}")] == ["void"]
    ((action, reason),) = told(shop, made, f"invoice:{paid}")
    assert (action, "Money moved" in reason) == ("skip", True)
    done = apply(shop, made)
    assert done.state == Plan.State.APPLIED, done.reason
    assert (shop.statuses(unpaid), shop.statuses(draft)) == (["void"], [])
    assert shop.statuses(paid) == ["open"]
    requests.new()
    shop.poll()
    shop.reconcile()
    assert [path for path in writes_among(requests.new()) if "/v1/invoices" in path] == []
    assert "invoice.import_undone" in shop.audited(f"invoice:{unpaid}")


def test_one_import_is_undone_and_the_rest_stays(shop: Shop) -> None:
    before = shop.invoice("10.00")
    shop.sync(before)
    imported = shop.invoice("20.00")
    first = plan(shop)
    apply(shop, first)
    made = plan(shop, Purpose.UNDO, **{"import": str(first.public_id)})
    assert [step.entity for step in steps(shop, made)] == [f"invoice:{imported}"]
    say_yes(shop, made)
    shop.settle()
    assert (shop.statuses(imported), shop.statuses(before)) == (["void"], ["open"])
    assert Tenant.objects.get(pk=shop.tenant.pk).is_live
