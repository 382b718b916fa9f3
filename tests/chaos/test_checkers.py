"""Each checker passes books that agree, and finds the one thing that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chaos.invariants import calls, ends, intake, invoices, money, work
from chaos.invariants.evidence import Evidence
from chaos.invariants.verdict import State, Verdict
from sandbox.core.recording import digest
from tests.chaos.books import (
    ACCESS,
    KEY,
    NOTE,
    Ours,
    agreeing,
    freshbooks_payment,
    request,
    stripe_invoice,
)

Spoil = Callable[[dict[str, Any], dict[str, Any], Evidence, Ours], None]
Check = Callable[[Evidence], Verdict]


def same_end(evidence: Evidence) -> Verdict:
    return ends.same_end(evidence, "I22", how="")


def nothing_stuck(evidence: Evidence) -> Verdict:
    """The rows of the small books are not filtered by the statement: none is stuck to begin with."""
    assert isinstance(evidence.query, Ours)
    evidence.query.tables["connector_collectedpayment"].clear()
    return work.nothing_overdue(evidence)


def small_limits(evidence: Evidence) -> Verdict:
    return calls.within_limits(evidence, {"freshbooks": 2, "stripe": 2})


def few_writes(evidence: Evidence) -> Verdict:
    return calls.few_writes(evidence, faults=1)


def sent_without_need(_: Any, __: Any, evidence: Evidence, ___: Any) -> None:
    """Four where one fault allows three more than none at all."""
    evidence.requests += [request(method="POST") for _ in range(4)]


def twice_paid(freshbooks: Any, *_: Any) -> None:
    freshbooks["payments"].append(freshbooks_payment(id=21))


def never_recorded(freshbooks: Any, *_: Any) -> None:
    freshbooks["payments"].clear()


def for_no_money(freshbooks: Any, *_: Any) -> None:
    freshbooks["payments"].append(freshbooks_payment(id=21, note=NOTE.replace("inpay_1", "x")))


def off_by_a_cent(freshbooks: Any, *_: Any) -> None:
    freshbooks["payments"][0]["amount"]["amount"] = "50.01"


def refunded_and_still_there(_: Any, stripe: Any, *__: Any) -> None:
    stripe["refunds"].append({"charge": "ch_1", "status": "succeeded", "amount": 5000})


def two_living(_: Any, stripe: Any, *__: Any) -> None:
    stripe["invoices"].append(stripe_invoice(id="in_2", status="open"))


def strange_draft(_: Any, stripe: Any, *__: Any) -> None:
    stripe["invoices"].append(stripe_invoice(id="in_2", status="draft"))


def strange_customer(_: Any, stripe: Any, *__: Any) -> None:
    stripe["customers"].append({"id": "cus_2", "metadata": {"fb_client_id": "3"}})


def other_total(_: Any, stripe: Any, *__: Any) -> None:
    stripe["invoices"][0]["total"] = 5001


def lines_doubled(_: Any, stripe: Any, *__: Any) -> None:
    stripe["lines"]["in_1"] *= 2


def foreign_token(_: Any, __: Any, evidence: Evidence, ___: Any) -> None:
    evidence.requests.append(
        request(path="/accounting/account/ACM2/x", credential=digest(ACCESS), at=2.0)
    )


def foreign_key(_: Any, __: Any, evidence: Evidence, ___: Any) -> None:
    evidence.stripe["accounts"].append({"id": "acct_2", "keys": [], "invoices": [{"id": "in_9"}]})
    call = {"vendor": "stripe", "path": "/v1/invoices/in_9", "credential": digest(KEY)}
    evidence.requests.append(request(**call))


def made_again(freshbooks: Any, _: Any, evidence: Evidence, __: Any) -> None:
    freshbooks["payments"].append(freshbooks_payment(id=21, vis_state=1))
    evidence.acts.append({"do": "delete_payment", "account_id": "ACM1", "id": 21, "at": 5.0})


def raised_again(_: Any, stripe: Any, evidence: Evidence, __: Any) -> None:
    stripe["invoices"].append(stripe_invoice(id="in_0", status="void"))
    evidence.acts.append(
        {"do": "void_invoice", "account_id": "acct_1", "invoice": "in_0", "at": 50.0}
    )


def asked_for_after_deletion(freshbooks: Any, stripe: Any, *_: Any) -> None:
    freshbooks["invoices"][0]["vis_state"] = 1
    stripe["invoices"][0]["status"] = "open"


def two_letters(_: Any, stripe: Any, *__: Any) -> None:
    stripe["emails"] += [{"invoice": "in_1"}, {"invoice": "in_1"}]


def not_in_stripe(_: Any, stripe: Any, *__: Any) -> None:
    stripe["invoices"].clear()


def still_outstanding(freshbooks: Any, *_: Any) -> None:
    freshbooks["invoices"][0]["outstanding"]["amount"] = "50.00"


def token_used_again(_: Any, __: Any, evidence: Evidence, ___: Any) -> None:
    body = {"grant_type": "refresh_token", "refresh_token": "hidden:1"}
    evidence.requests += [
        request(method="POST", path="/auth/oauth/token", body=body, at=float(at)) for at in (1, 2)
    ]


def three_in_a_second(_: Any, __: Any, evidence: Evidence, ___: Any) -> None:
    evidence.requests += [request(at=at, credential="hidden:1") for at in (1.0, 1.4, 1.8)]


def refused_too_often(_: Any, __: Any, evidence: Evidence, ___: Any) -> None:
    evidence.requests.append(request(credential="hidden:1", status=429))


def posted_blindly(_: Any, __: Any, evidence: Evidence, ___: Any) -> None:
    evidence.requests += [
        request(
            method="POST",
            path="/accounting/account/ACM1/payments/payments",
            body={"payment": {"note": NOTE}},
            at=at,
        )
        for at in (1.0, 2.0)
    ]


def event_lost(_: Any, __: Any, evidence: Evidence, ___: Any) -> None:
    said = {"vendor": "stripe", "forged": False, "status": 200, "body": {"id": "evt_1"}}
    evidence.tries.append(said)


def hint_lost(_: Any, __: Any, evidence: Evidence, ours: Ours) -> None:
    body = {"account_id": "ACM1", "name": "invoice.create", "object_id": "10"}
    said = {"vendor": "freshbooks", "forged": False, "status": 200, "body": body}
    evidence.tries += [said, said]
    ours.tables["connector_delivery"] = [
        {
            "tenant_id": 1,
            "event_id": "",
            "event_type": "invoice.create",
            "object_id": "10",
            "copies": 1,
        }
    ]


def never_dealt_with(_: Any, __: Any, ___: Any, ours: Ours) -> None:
    ours.tables["connector_delivery"] = [
        {"id": 1, "tenant_id": 1, "event_type": "x", "state": "received", "note": ""}
    ]


def two_effects(_: Any, __: Any, ___: Any, ours: Ours) -> None:
    ours.tables["connector_moneyfact"] = [{"tenant_id": 1, "key": "x", "times": 2}]


def ended_by_a_zombie(_: Any, __: Any, ___: Any, ours: Ours) -> None:
    ours.tables["connector_syncjob"] = [
        {
            "id": 1,
            "tenant_id": 1,
            "kind": "sync_invoice",
            "subject": "10",
            "fence": 3,
            "begun_fence": 2,
        }
    ]


def sent_for_ever(_: Any, __: Any, ___: Any, ours: Ours) -> None:
    ours.tables["connector_vendorwrite"] = [
        {"id": 1, "tenant_id": 1, "what": "x", "state": "sending"}
    ]


SPOILED: list[tuple[Check, Spoil]] = [
    (money.each_payment_once, twice_paid),
    (money.each_payment_once, never_recorded),
    (money.each_payment_once, for_no_money),
    (money.each_payment_once, refunded_and_still_there),
    (money.same_sums, off_by_a_cent),
    (money.same_sums, twice_paid),
    (money.looked_before_posting_again, posted_blindly),
    (invoices.one_living_each, two_living),
    (invoices.no_orphans, strange_draft),
    (invoices.no_orphans, strange_customer),
    (invoices.equal_totals, other_total),
    (invoices.equal_totals, lines_doubled),
    (invoices.nothing_made_again, made_again),
    (invoices.nothing_made_again, raised_again),
    (invoices.one_mail_each, two_letters),
    (calls.own_credentials, foreign_token),
    (calls.own_credentials, foreign_key),
    (calls.tokens_used_once, token_used_again),
    (small_limits, three_in_a_second),
    (small_limits, refused_too_often),
    (few_writes, sent_without_need),
    (intake.nothing_lost, event_lost),
    (intake.nothing_lost, hint_lost),
    (intake.all_dealt_with, never_dealt_with),
    (intake.one_effect_each, two_effects),
    (work.one_writer, ended_by_a_zombie),
    (nothing_stuck, sent_for_ever),
    (same_end, not_in_stripe),
    (same_end, still_outstanding),
    (same_end, asked_for_after_deletion),
]


@pytest.mark.parametrize(
    ("check", "spoil"), SPOILED, ids=[f"{c.__name__}-{s.__name__}" for c, s in SPOILED]
)
def test_what_is_wrong_is_found(check: Check, spoil: Spoil) -> None:
    evidence, ours = agreeing()
    assert check(evidence).state != State.BROKEN
    evidence, ours = agreeing()
    spoil(evidence.freshbooks["accounts"]["ACM1"], evidence.stripe["accounts"][0], evidence, ours)
    found = check(evidence)
    assert found.state == State.BROKEN, found
    assert found.problems


def test_a_payment_that_waits_for_a_person_may_be_missing_but_not_be_there_twice() -> None:
    evidence, ours = agreeing()
    ours.tables["connector_collectedpayment"][0]["recording"] = "needs_you"
    evidence.freshbooks["accounts"]["ACM1"]["payments"].clear()
    assert money.each_payment_once(evidence).state == State.HELD
    evidence, ours = agreeing()
    ours.tables["connector_collectedpayment"][0]["recording"] = "needs_you"
    evidence.freshbooks["accounts"]["ACM1"]["payments"] *= 2
    assert money.each_payment_once(evidence).state == State.BROKEN


def test_what_went_back_is_outstanding_again_though_stripe_does_not_ask_for_it() -> None:
    evidence, _ = agreeing()
    freshbooks, stripe = evidence.freshbooks["accounts"]["ACM1"], evidence.stripe["accounts"][0]
    freshbooks["invoices"][0]["outstanding"]["amount"] = "20.00"
    assert same_end(evidence).state == State.BROKEN
    stripe["refunds"].append({"charge": "ch_1", "status": "succeeded", "amount": 2000})
    assert same_end(evidence).state == State.HELD


def test_a_difference_that_a_person_was_told_of_is_no_broken_promise() -> None:
    evidence, ours = agreeing()
    ours.tables["connector_invoicelink"][0]["told"] = True
    evidence.stripe["accounts"][0]["invoices"][0]["total"] = 5001
    assert invoices.equal_totals(evidence).state == State.HELD


def test_a_deleted_invoice_that_is_still_asked_for_is_found_by_the_act() -> None:
    evidence, _ = agreeing()
    asked_for_after_deletion(
        evidence.freshbooks["accounts"]["ACM1"], evidence.stripe["accounts"][0]
    )
    act = {"do": "delete_invoice", "account_id": "ACM1", "id": 10, "at": 5.0}
    evidence.acts.append(act)
    assert invoices.nothing_made_again(evidence).state == State.BROKEN


def test_a_failed_job_must_say_why_and_what_to_do() -> None:
    evidence, ours = agreeing()
    job = {
        "id": 1,
        "tenant_id": 1,
        "kind": "sync_client",
        "subject": "3",
        "state": "held",
        "failure_code": "x",
        "failure_message": "No e-mail address.",
        "next_step": "Enter one.",
    }
    ours.tables["connector_syncjob"] = [job]
    assert work.failures_explained(evidence, requeued=0).state == State.HELD
    ours.tables["connector_syncjob"] = [job | {"next_step": ""}]
    assert work.failures_explained(evidence, requeued=0).state == State.BROKEN
    ours.tables["connector_syncjob"] = [job | {"state": "dead"}]
    assert work.failures_explained(evidence, requeued=1).state == State.BROKEN


def test_a_token_whose_answer_died_with_its_worker_may_be_tried_again_if_the_loss_is_told() -> None:
    evidence, ours = agreeing()
    token_used_again({}, {}, evidence, ours)
    assert calls.tokens_used_once(evidence, lost=1).state == State.HELD
    assert calls.tokens_used_once(evidence, lost=0).state == State.BROKEN


def test_a_process_that_stood_still_past_its_lease_may_send_a_spent_token_once() -> None:
    evidence, ours = agreeing()
    token_used_again({}, {}, evidence, ours)
    assert calls.tokens_used_once(evidence, frozen=1).state == State.HELD
    other = {"grant_type": "refresh_token", "refresh_token": "hidden:2"}
    evidence.requests += [replace(one, body=other) for one in evidence.requests if one.body]
    assert calls.tokens_used_once(evidence, frozen=1).state == State.BROKEN


def test_after_a_refusal_nothing_needs_to_be_looked_for() -> None:
    evidence, ours = agreeing()
    posted_blindly({}, {}, evidence, ours)
    evidence.requests[0] = replace(evidence.requests[0], status=429)
    assert money.looked_before_posting_again(evidence).state == State.HELD
