"""Every write to a vendor: intent, call, outcome (ADR 4).

The intent row is committed before the call, with the idempotency key and the exact body. A retry
sends that body under that key, so Stripe answers with the first result instead of doing it twice.
Keys are forgotten by Stripe after a day: an unanswered intent older than that is looked up instead.
After a backup was restored, even what is new to us is looked up first: it may have been forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import timedelta
from typing import Any

from django.utils import timezone

from audit.recording import gathered, record
from config.riding import arrive, save_along
from connector.errors import ConnectorError, FailureMode, FenceLost, OutcomeUnknown
from connector.intents import Answer, Intent, new_row, save_first
from connector.jobs.context import JobRun
from connector.models import VendorWrite
from tenants.models import Tenant
from tenants.scope import tenant_scope

KEY_LIFE = timedelta(hours=20)  # Stripe keeps keys for 24 h at least
FOUND = "found by look-up"
KEY_IN_USE = "idempotency_key_in_use"
NOT_SENT = "not sent yet"
OUTCOME = ("state", "result", "vendor_object_id", "request_id", "error", "answered_at")
REPLAYED_FAILURES = 3  # after this many stored 5xx answers the key will never succeed


class AnswerLost(ConnectorError):
    """A write was sent too long ago to be repeated, and nobody can say whether it happened."""

    failure_mode = FailureMode.NEEDS_PERSON


def perform(
    job: JobRun, intent: Intent[Answer], *, beside: Callable[[], None] | None = None
) -> dict[str, Any]:
    """Do one write at most once and answer the summary of its result, now or from before.

    `beside` saves what must be there before the call, in one commit with the intent.

    Raises what the call raised, after writing down how it ended: refused (the next try is a new
    write with a new key), unknown (the next try repeats this one), or not sent at all.
    """
    row, may_be_forgotten = _begin(job, intent, beside)
    if row.state == VendorWrite.State.CONFIRMED:
        return _follow(job, intent, dict(row.result))
    spent = _key_is_spent(row)
    if spent or (intent.look_up is not None and may_be_forgotten):
        found = _look_up(intent, row)
        if found is not None:
            return _confirm(job, row, intent.summarize(found), note=FOUND, then=intent.then)
        if spent:
            _give_up(job, row)
            row, _ = _begin(job, intent)
    try:
        answer = intent.call(in_order(row.body), row.idempotency_key)
    except ConnectorError as error:
        _end_badly(job, row, error)
        raise
    return _confirm(job, row, intent.summarize(answer), then=intent.then)


def close_unanswered(
    job: JobRun,
    *,
    operations: Container[str],
    entity: str,
    revision: int,
    found: dict[str, Any] | None,
) -> None:
    """Writes whose answer never came, once a look at the vendor told what became of them.

    `found` is what the vendor has; None if nothing was done there and they are not sent again.
    """
    with tenant_scope(job.tenant_id):
        rows = unanswered(entity, revision)
    for row in rows:
        if row.operation in operations:
            close(job, row, found)


def unanswered(entity: str, revision: int) -> list[VendorWrite]:
    """Writes that may or may not have happened. Inside a scope."""
    open_states = [VendorWrite.State.SENDING, VendorWrite.State.UNKNOWN]
    rows = VendorWrite.objects.filter(entity=entity, revision=revision, state__in=open_states)
    return list(rows.order_by("pk"))


def close(job: JobRun, row: VendorWrite, found: dict[str, Any] | None) -> None:
    """Say how one of them ended; `found` as above."""
    if found is None:
        _give_up(job, row)
    else:
        _confirm(job, row, found, note=FOUND)


def _begin(
    job: JobRun, intent: Intent[Answer], beside: Callable[[], None] | None = None
) -> tuple[VendorWrite, bool]:
    """The row of this write: the unfinished or confirmed one, or a new one.

    And whether it was perhaps done before the database was restored, and forgotten.
    """
    row = new_row(job, intent, key_version=1)
    saved = save_first(job, row, beside)
    if saved is None:
        row = _take_up(job, intent)
        return row, _may_be_forgotten(job, row)
    row.pk = saved.row_id
    return row, saved.looks_first


def _take_up(job: JobRun, intent: Intent[Answer]) -> VendorWrite:
    """A write that was begun before: the next try of it, or a new write after a refusal."""
    with tenant_scope(job.tenant_id):
        job.hold_fence()
        known: VendorWrite | None = (
            VendorWrite.objects.select_for_update()
            .filter(
                operation=intent.operation,
                entity=intent.entity,
                revision=intent.revision,
                step=intent.step,
            )
            .order_by("-key_version")
            .first()
        )
        if known is None or known.state == VendorWrite.State.REJECTED:
            row = new_row(job, intent, key_version=known.key_version + 1 if known else 1)
            row.save(force_insert=True)
            return row
        if known.state == VendorWrite.State.CONFIRMED:
            return known
        if known.error == NOT_SENT:  # this is its first try that may arrive
            known.attempts, known.error, known.first_sent_at = 0, "", timezone.now()
        known.attempts += 1
        known.save(update_fields=["attempts", "error", "first_sent_at"])
        return known


def _key_is_spent(row: VendorWrite) -> bool:
    old = timezone.now() - row.first_sent_at > KEY_LIFE
    stuck = row.attempts > REPLAYED_FAILURES and row.error.startswith("replayed_5xx")
    disowned = row.error.startswith("idempotency_error")  # "that is not what you sent before"
    return row.attempts > 1 and (old or stuck or disowned)


def _may_be_forgotten(job: JobRun, row: VendorWrite) -> bool:
    """Whether a write that is new to us was perhaps done before the database was restored."""
    if row.attempts > 1 or row.key_version > 1:
        return False
    restored = Tenant.objects.filter(pk=job.tenant_id, looks_first_until__gt=timezone.now())
    return bool(restored.exists())


def in_order(body: Any) -> Any:
    """The body with its keys sorted all through.

    The database gives a stored body back in an order of its own, and Stripe may take the same
    parameters in another order for other parameters.
    """
    if isinstance(body, dict):
        return {name: in_order(body[name]) for name in sorted(body)}
    return [in_order(item) for item in body] if isinstance(body, list | tuple) else body


def _look_up(intent: Intent[Answer], row: VendorWrite) -> Answer | None:
    if intent.look_up is None:
        raise AnswerLost(
            f"{row.operation} for {row.entity} was sent at {row.first_sent_at:%Y-%m-%d %H:%M} UTC "
            "and never answered.",
            vendor=row.vendor,
            operation=row.operation,
            code="answer_lost",
            next_step="Look it up at the vendor; then re-queue the job.",
        )
    return intent.look_up()


def _follow(job: JobRun, intent: Intent[Answer], result: dict[str, Any]) -> dict[str, Any]:
    """What follows from an answer that was saved before."""
    if intent.then is not None:
        with tenant_scope(job.tenant_id):
            job.hold_fence()
            intent.then(result)
    return result


def _confirm(
    job: JobRun,
    row: VendorWrite,
    result: dict[str, Any],
    *,
    note: str = "",
    then: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """The write happened: that is a fact, kept whoever holds the job by now.

    Raises FenceLost after keeping it if something was to follow and the job is not ours any more.
    """
    row.state = VendorWrite.State.CONFIRMED
    row.result = result
    row.vendor_object_id = str(result.get("id", ""))[:80]
    row.error = ""
    _save_outcome(job, row, note=note, then=then)
    return result


def _give_up(job: JobRun, row: VendorWrite) -> None:
    """It was looked for and is not there: it never happened, and its key is not used again."""
    row.state = VendorWrite.State.REJECTED
    row.error = "never arrived: looked for at the vendor, and not found"
    _save_outcome(job, row)


def _end_badly(job: JobRun, row: VendorWrite, error: ConnectorError) -> None:
    if error.failure_mode == FailureMode.INTERNAL or isinstance(error, OutcomeUnknown):
        row.state = VendorWrite.State.UNKNOWN  # the vendor did not behave as known: look, later
    elif error.failure_mode in {FailureMode.TRANSIENT, FailureMode.RATE_LIMITED}:
        _remember_not_sent(job, row, error)
        return
    else:
        row.state = VendorWrite.State.REJECTED
    row.request_id = error.request_id[:120]
    row.error = f"{error.code} {error.message}".strip()
    _save_outcome(job, row)


def _was_ended(row: VendorWrite) -> bool:
    ended = (VendorWrite.State.CONFIRMED, VendorWrite.State.REJECTED)
    same = VendorWrite.objects.select_for_update().filter(pk=row.pk, state__in=ended)
    return same.exists()


def _remember_not_sent(job: JobRun, row: VendorWrite, error: ConnectorError) -> None:
    """Nothing was done there; the same write is sent again later, and counts as new until then.

    Not so if an earlier try may have arrived, or if the vendor says that this one is under way.
    """
    under_way = error.code == KEY_IN_USE
    if row.state == VendorWrite.State.SENDING and row.attempts == 1 and not under_way:
        row.error = NOT_SENT
        with tenant_scope(job.tenant_id):
            row.save(update_fields=["error"])


def _save_outcome(
    job: JobRun,
    row: VendorWrite,
    *,
    note: str = "",
    then: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Two jobs may send one write: once either knows how it ended, a worse answer says nothing."""
    row.answered_at = timezone.now()
    details = {
        "write": row.pk,
        "key": row.idempotency_key,
        "step": row.step,
        "revision": row.revision,
        "body": row.body,
        "result": row.result,
        "error": row.error,
        "note": note,
    }
    lost: list[FenceLost] = []
    with tenant_scope(job.tenant_id):
        if row.state != VendorWrite.State.CONFIRMED and _was_ended(row):
            return
        save_along(row, *OUTCOME)
        with gathered():
            if then is not None:
                job.hold_fence(lost=lost.append)
            record(
                tenant_id=job.tenant_id,
                action=f"{row.operation}.{row.state}",
                entity=row.entity,
                cause=job.cause,
                details=details,
            )
            arrive()  # if nothing was recorded: what follows depends on the fence
            if then is not None and not lost:
                then(dict(row.result))
    if lost:
        raise lost[0]
