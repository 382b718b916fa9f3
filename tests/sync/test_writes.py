"""Intent, call, outcome: the same key and body until an answer is known, and then never again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import AuditEntry
from connector import intents, writes
from connector.errors import (
    ConnectorError,
    FenceLost,
    OutcomeUnknown,
    VendorRateLimited,
    VendorRefused,
    VendorUnavailable,
)
from connector.jobs import claims
from connector.jobs.context import JobRun
from connector.models import ClientLink, VendorWrite
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.factories import unique_number
from tests.jobs.working import add, claim_one, expire_leases, row
from tests.pipeline.interference import Killed
from tests.pipeline.shop import cause


@pytest.fixture(autouse=True)
def _empty_ledger(no_jobs: None) -> None:
    pass


@pytest.fixture
def job(fresh_tenant: Tenant) -> JobRun:
    """A job that is running."""
    add(fresh_tenant)
    return _run_of(fresh_tenant)


def _run_of(tenant: Tenant) -> JobRun:
    claimed = claim_one()
    return JobRun(
        job_id=claimed.pk,
        tenant_id=tenant.pk,
        kind=claimed.kind,
        subject=claimed.subject,
        fence=claimed.fence,
        attempt=claimed.attempts,
        cause=cause(),
    )


class Vendor:
    """Answers as told, and notes what it was sent."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.sent = list(answers), list[tuple[dict[str, Any], str]]()
        self.known: str | None = None
        self.looks = 0

    def call(self, body: dict[str, Any], key: str) -> str:
        self.sent.append((body, key))
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return str(answer)

    def look_up(self) -> str | None:
        self.looks += 1
        return self.known

    def intent(self, *, body: dict[str, Any] | None = None, **more: Any) -> intents.Intent[str]:
        values: dict[str, Any] = {
            "vendor": "stripe",
            "vendor_account": "acct_1",
            "operation": "stripe.invoices.create",
            "entity": "invoice:1",
            "step": "create",
            "body": body or {"amount": 1},
            "call": self.call,
            "summarize": lambda answer: {"id": answer},
            "look_up": self.look_up,
        }
        return intents.Intent(**(values | more))


def stored(job: JobRun) -> list[VendorWrite]:
    with tenant_scope(job.tenant_id):
        return list(VendorWrite.objects.order_by("pk"))


def age(job: JobRun, hours: float) -> None:
    with tenant_scope(job.tenant_id):
        VendorWrite.objects.update(first_sent_at=timezone.now() - timedelta(hours=hours))


def test_a_write_that_was_answered_is_never_sent_again(job: JobRun) -> None:
    vendor = Vendor("in_1")
    assert writes.perform(job, vendor.intent()) == {"id": "in_1"}
    assert writes.perform(job, vendor.intent()) == {"id": "in_1"}
    assert len(vendor.sent) == 1


def test_the_intent_is_committed_before_the_call(job: JobRun) -> None:
    seen: list[str] = []

    def call(_body: dict[str, Any], key: str) -> str:
        seen.extend(row.state for row in stored(job) if row.idempotency_key == key)
        return "in_1"

    writes.perform(job, Vendor().intent(call=call))
    assert seen == ["sending"]


@pytest.mark.parametrize(
    "ending", [Killed(), OutcomeUnknown("?"), VendorUnavailable("down"), VendorRateLimited("429")]
)
def test_after_no_answer_the_same_body_goes_out_under_the_same_key(
    job: JobRun, ending: BaseException
) -> None:
    vendor = Vendor(ending, "in_1")
    with pytest.raises(type(ending)):
        writes.perform(job, vendor.intent(body={"amount": 1}))
    writes.perform(job, vendor.intent(body={"amount": 2}))
    first, second = vendor.sent
    assert first == second, "the body is frozen with the key"
    assert [row.state for row in stored(job)] == ["confirmed"]


def test_after_a_refusal_the_next_try_is_a_new_write(job: JobRun) -> None:
    vendor = Vendor(VendorRefused("no such customer"), "in_1")
    with pytest.raises(VendorRefused):
        writes.perform(job, vendor.intent(body={"amount": 1}))
    writes.perform(job, vendor.intent(body={"amount": 2}))
    (_, first), (body, second) = vendor.sent
    assert first != second
    assert body == {"amount": 2}
    assert [row.state for row in stored(job)] == ["rejected", "confirmed"]


@pytest.mark.parametrize(
    ("field", "value"), [("revision", 2), ("step", "lines-1"), ("entity", "x")]
)
def test_another_revision_step_or_entity_is_another_write(
    job: JobRun, field: str, value: Any
) -> None:
    vendor = Vendor("in_1", "in_2")
    writes.perform(job, vendor.intent())
    writes.perform(job, vendor.intent(**{field: value}))
    (_, first), (_, second) = vendor.sent
    assert first != second


def test_an_old_key_is_not_sent_again_but_looked_up(job: JobRun) -> None:
    vendor = Vendor(OutcomeUnknown("?"))
    with pytest.raises(OutcomeUnknown):
        writes.perform(job, vendor.intent())
    age(job, 21)
    vendor.known = "in_found"
    assert writes.perform(job, vendor.intent()) == {"id": "in_found"}
    assert (len(vendor.sent), vendor.looks) == (1, 1)


def test_an_old_key_of_which_nothing_is_found_is_followed_by_a_new_one(job: JobRun) -> None:
    vendor = Vendor(OutcomeUnknown("?"), "in_1")
    with pytest.raises(OutcomeUnknown):
        writes.perform(job, vendor.intent())
    age(job, 21)
    assert writes.perform(job, vendor.intent()) == {"id": "in_1"}
    (_, first), (_, second) = vendor.sent
    assert (first != second, vendor.looks) == (True, 1)


def test_a_key_of_today_is_sent_again_without_a_look_up(job: JobRun) -> None:
    vendor = Vendor(OutcomeUnknown("?"), "in_1")
    with pytest.raises(OutcomeUnknown):
        writes.perform(job, vendor.intent())
    age(job, 19)
    writes.perform(job, vendor.intent())
    assert (len({key for _, key in vendor.sent}), vendor.looks) == (1, 0)


def test_an_old_write_that_nobody_can_look_up_waits_for_a_person(job: JobRun) -> None:
    vendor = Vendor(OutcomeUnknown("?"))
    with pytest.raises(OutcomeUnknown):
        writes.perform(job, vendor.intent())
    age(job, 21)
    with pytest.raises(writes.AnswerLost) as caught:
        writes.perform(job, vendor.intent(look_up=None))
    assert caught.value.next_step
    assert len(vendor.sent) == 1


def replayed() -> OutcomeUnknown:
    return OutcomeUnknown("stored 500", code="replayed_5xx")


def test_a_500_that_the_key_keeps_is_left_behind_after_three_replays(job: JobRun) -> None:
    vendor = Vendor(*[replayed() for _ in range(3)], "in_1")
    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            writes.perform(job, vendor.intent())
    assert writes.perform(job, vendor.intent()) == {"id": "in_1"}
    keys = [key for _, key in vendor.sent]
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]
    assert vendor.looks == 1


def test_a_500_whose_work_was_done_is_found_instead_of_done_twice(job: JobRun) -> None:
    vendor = Vendor(*[replayed() for _ in range(3)])
    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            writes.perform(job, vendor.intent())
    vendor.known = "in_1"
    assert writes.perform(job, vendor.intent()) == {"id": "in_1"}
    assert len(vendor.sent) == 3


def test_a_zombie_begins_no_write(job: JobRun) -> None:
    expire_leases()
    claims.take_back_expired()
    vendor = Vendor("in_1")
    with pytest.raises(FenceLost):
        writes.perform(job, vendor.intent())
    assert (vendor.sent, stored(job)) == ([], [])


def test_a_write_that_happened_is_kept_even_if_the_job_was_taken_over_meanwhile(
    fresh_tenant: Tenant, job: JobRun
) -> None:
    def freeze(_body: dict[str, Any], _key: str) -> str:
        expire_leases()
        claims.take_back_expired()
        return "in_1"

    writes.perform(job, Vendor().intent(call=freeze))
    assert row(job.job_id).state == "queued"
    heir, vendor = _run_of(fresh_tenant), Vendor()
    assert writes.perform(heir, vendor.intent()) == {"id": "in_1"}
    assert vendor.sent == []


@pytest.mark.parametrize(
    ("error", "ended"), [(OutcomeUnknown("?"), "unknown"), (VendorRefused("no"), "rejected")]
)
def test_every_outcome_is_audited(job: JobRun, error: ConnectorError, ended: str) -> None:
    vendor = Vendor(error, "in_1")
    with pytest.raises(type(error)):
        writes.perform(job, vendor.intent())
    writes.perform(job, vendor.intent())
    with tenant_scope(job.tenant_id):
        entries = AuditEntry.objects.filter(tenant_id=job.tenant_id).order_by("sequence")
        actions = [entry.action for entry in entries]
    assert actions == [f"stripe.invoices.create.{ended}", "stripe.invoices.create.confirmed"]


def test_a_bad_answer_does_not_undo_the_end_that_another_job_wrote(job: JobRun) -> None:
    vendor = Vendor("in_1")

    def overtaken(_body: dict[str, Any], _key: str) -> str:
        writes.perform(job, vendor.intent())  # another job sends the same write, and is answered
        raise OutcomeUnknown("an error that the key keeps", code="replayed_5xx")

    with pytest.raises(OutcomeUnknown):
        writes.perform(job, vendor.intent(call=overtaken))
    (kept,) = stored(job)
    assert (kept.state, kept.result) == (VendorWrite.State.CONFIRMED, {"id": "in_1"})
    assert writes.perform(job, vendor.intent()) == {"id": "in_1"}
    assert len(vendor.sent) == 1


def test_what_follows_from_a_write_is_not_saved_for_a_job_that_was_taken_over_but_the_write_is(
    fresh_tenant: Tenant, job: JobRun
) -> None:
    followed: list[dict[str, Any]] = []

    def freeze(_body: dict[str, Any], _key: str) -> str:
        expire_leases()
        claims.take_back_expired()
        return "in_1"

    with pytest.raises(FenceLost):
        writes.perform(job, Vendor().intent(call=freeze, then=followed.append))
    (kept,) = stored(job)
    assert (kept.state, kept.vendor_object_id, followed) == ("confirmed", "in_1", [])
    heir, vendor = _run_of(fresh_tenant), Vendor()
    writes.perform(heir, vendor.intent(then=followed.append))
    assert (vendor.sent, followed) == ([], [{"id": "in_1"}])


def _client_link(job: JobRun) -> ClientLink:
    return ClientLink(tenant_id=job.tenant_id, freshbooks_client_id=unique_number())


def _is_there(link: ClientLink) -> bool:
    with tenant_scope(link.tenant_id):
        return ClientLink.objects.filter(freshbooks_client_id=link.freshbooks_client_id).exists()


def test_what_belongs_to_a_write_is_there_when_it_is_sent(job: JobRun) -> None:
    link = _client_link(job)
    there: list[tuple[bool, str]] = []

    def call(_body: dict[str, Any], _key: str) -> str:
        there.append((_is_there(link), stored(job)[0].state))
        return "in_1"

    writes.perform(job, Vendor().intent(call=call), beside=link.save)
    assert there == [(True, "sending")]


def test_a_zombie_saves_nothing_of_what_belongs_to_a_write(job: JobRun) -> None:
    expire_leases()
    claims.take_back_expired()
    link, vendor = _client_link(job), Vendor("in_1")
    with pytest.raises(FenceLost):
        writes.perform(job, vendor.intent(), beside=link.save)
    assert (vendor.sent, stored(job), _is_there(link)) == ([], [], False)


def test_a_write_whose_belongings_cannot_be_saved_is_not_begun(job: JobRun) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    vendor = Vendor("in_1")
    with pytest.raises(ZeroDivisionError):
        writes.perform(job, vendor.intent(), beside=fail)
    assert (vendor.sent, stored(job)) == ([], [])
