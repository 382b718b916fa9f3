"""A client's tax number, and the tax id of its Stripe customer.

Stripe takes a tax id together with a new customer; afterwards each is added and deleted by itself.
The one that we gave is remembered on the client's link, so that one which a person added in Stripe
is never touched. A number that Stripe refuses is said there too, and holds up nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector import idempotency
from connector.errors import VendorNotFound, VendorRefused
from connector.intents import Intent
from connector.mapping.clients import CustomerDraft
from connector.models import VendorWrite
from connector.sync.context import SyncRun
from connector.vendors.stripe.pages import all_pages
from connector.vendors.stripe.records import StripeTaxId
from connector.writes import close_unanswered, perform
from tenants.scope import tenant_scope

CREATE_CUSTOMER = "stripe.customers.create"
CREATE, DELETE = "stripe.tax_ids.create", "stripe.tax_ids.delete"
CLOCKS_DIFFER = timedelta(minutes=5)
GIVEN = ("type", "value")
OURS, REFUSED, LEFT_ALONE = "ours", "refused", "left_alone"

Memory = dict[str, Any]
"""What a link keeps: {} or type, value, `state`; with `id` if it is known, `by` (not made later than
that) if it is not, `why` if Stripe refused it."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose tax id it is; `revision` counts what was sent about this client."""

    client_id: int
    customer_id: str
    revision: int


def given_with_customer(run: SyncRun, client_id: int, refusal: str, draft: CustomerDraft) -> Memory:
    """What the customer's creation gave it, or what Stripe said of the number that it did not take."""
    wanted = wanted_of(draft)
    if refusal:
        return {**wanted, "state": REFUSED, "why": refusal}
    with tenant_scope(run.tenant_id):
        made = (
            VendorWrite.objects.filter(
                operation=CREATE_CUSTOMER,
                entity=f"client:{client_id}",
                state=VendorWrite.State.CONFIRMED,
            )
            .order_by("-pk")
            .first()
        )
    sent = (made.body.get("tax_id_data") or [{}])[0] if made is not None else {}
    if made is None or not sent:
        return {}
    return {**sent, "state": OURS, "by": made.answered_at.isoformat()}


def follow_tax_id(run: SyncRun, owner: Owner, before: Memory, draft: CustomerDraft) -> Memory:
    """Give the customer the number that FreshBooks has now and take ours from before away.

    Answers what to remember.
    """
    wanted = wanted_of(draft)
    if {name: before.get(name) for name in GIVEN} == {name: wanted.get(name) for name in GIVEN}:
        return before
    after = _add(run, owner, wanted) if wanted else {}
    left = _take_away(run, owner, before)
    return after | ({"left": left} if left else {})


def notes_of(memory: Memory) -> Iterator[str]:
    """What people should know of it."""
    if memory.get("state") == REFUSED:
        yield f"Stripe did not accept the tax number: {memory['why']}"
    if memory.get("left"):
        yield f"An earlier tax number is still on the Stripe customer: {memory['left']}"


def wanted_of(draft: CustomerDraft) -> dict[str, str]:
    """The tax id that the customer should have; {} for none, also if its type is not certain."""
    given: list[dict[str, str]] = draft.body.get("tax_id_data") or [{}]
    return dict(given[0])


def _add(run: SyncRun, owner: Owner, wanted: dict[str, str]) -> Memory:
    step = f"tax-id-{idempotency.body_hash(wanted)[:12]}"
    if not _was_begun(run, owner, step) and any(_is(row, wanted) for row in _all(run, owner)):
        return {**wanted, "state": LEFT_ALONE}  # somebody was quicker, and it stays theirs
    try:
        made = perform(
            run.job,
            Intent(
                vendor="stripe",
                vendor_account=run.stripe_account_id,
                operation=CREATE,
                entity=f"client:{owner.client_id}",
                revision=owner.revision,
                step=step,
                body=wanted,
                call=lambda body, key: run.stripe.create_tax_id(
                    owner.customer_id, body, idempotency_key=key
                ),
                summarize=lambda made: {"id": made.id},
                look_up=lambda: next((r for r in _all(run, owner) if _is(r, wanted)), None),
            ),
        )
    except VendorRefused as refusal:
        return {**wanted, "state": REFUSED, "why": refusal.message}
    return {**wanted, "state": OURS, "id": str(made["id"])}


def _was_begun(run: SyncRun, owner: Owner, step: str) -> bool:
    """Whether an earlier run sent it, so that the one which is there may be ours."""
    with tenant_scope(run.tenant_id):
        rows = VendorWrite.objects.filter(
            operation=CREATE, entity=f"client:{owner.client_id}", revision=owner.revision, step=step
        )
        return bool(rows.exclude(state=VendorWrite.State.REJECTED).exists())


def _take_away(run: SyncRun, owner: Owner, before: Memory) -> str:
    """Delete the one that we gave; answer why it is still there, "" if it is not."""
    if before.get("state") != OURS:
        return ""
    tax_id = before.get("id") or _id_of_ours(run, owner, before)
    if not tax_id:  # somebody deleted it already, or we did and never heard the answer
        close_unanswered(
            run.job,
            operations=[DELETE],
            entity=f"client:{owner.client_id}",
            revision=owner.revision,
            found={},
        )
        return ""
    try:
        perform(
            run.job,
            Intent(
                vendor="stripe",
                vendor_account=run.stripe_account_id,
                operation=DELETE,
                entity=f"client:{owner.client_id}",
                revision=owner.revision,
                step=f"delete-{tax_id}",
                body={"id": tax_id},
                call=lambda _body, _key: run.stripe.delete_tax_id(owner.customer_id, tax_id),
                summarize=lambda _: {"id": tax_id},
                look_up=lambda: None,  # deleting it again does no more
            ),
        )
    except VendorNotFound:
        return ""
    except VendorRefused as refusal:
        return f"{before['value']} ({refusal.message})"
    return ""


def _id_of_ours(run: SyncRun, owner: Owner, before: Memory) -> str:
    """Which one came with the customer: the answer to its creation did not name it.

    One of the same number that was made later was made by a person, after somebody deleted ours.
    """
    latest = datetime.fromisoformat(before["by"]) + CLOCKS_DIFFER
    ours = [row for row in _all(run, owner) if _is(row, before) and row.created_at <= latest]
    return ours[-1].id if ours else ""  # the oldest


def _all(run: SyncRun, owner: Owner) -> list[StripeTaxId]:
    """Newest first."""
    pages = all_pages(lambda cursor: run.stripe.list_tax_ids(owner.customer_id, cursor=cursor))
    return list(pages)


def _is(row: StripeTaxId, wanted: Memory) -> bool:
    return (row.type, row.value) == (wanted["type"], wanted["value"])
