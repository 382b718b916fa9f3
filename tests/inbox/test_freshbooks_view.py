"""POST /webhooks/freshbooks/<token>/: handshakes are believed later, deliveries only if signed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse

from connector.vendors.freshbooks.callbacks import signature_of
from connector.views.webhooks import receive_freshbooks_callback
from tenants.models import Tenant
from tests.inbox.arriving import (
    REQUESTS,
    FreshBooksAddress,
    deliveries,
    everything_stored,
    jobs,
    refusals,
)
from tests.threads import at_once


@pytest.fixture
def address(fresh_tenant: Tenant) -> FreshBooksAddress:
    return FreshBooksAddress(fresh_tenant)


def test_a_signed_delivery_is_stored_with_its_job(
    fresh_tenant: Tenant, address: FreshBooksAddress
) -> None:
    answer = address.post(address.fields())
    assert (answer.status_code, answer.content) == (200, b"")
    (row,) = deliveries(fresh_tenant)
    assert (row.event_type, row.object_id, row.event_id) == ("invoice.update", "1234", "")
    assert len(jobs(fresh_tenant, kind="route_delivery")) == 1
    assert address.row().last_delivery_at is not None


def test_fifty_copies_at_once_are_one_delivery(
    fresh_tenant: Tenant, address: FreshBooksAddress
) -> None:
    fields = address.fields()
    answers = at_once(50, lambda _: address.post(fields).status_code)
    assert set(answers) == {200}
    assert [row.duplicates for row in deliveries(fresh_tenant)] == [49]


Post = Callable[[FreshBooksAddress], HttpResponse]
REFUSED: dict[str, tuple[Post, int, str]] = {
    "unsigned": (lambda a: a.post(a.fields(), signature=""), 401, "bad_signature"),
    "wrongly signed": (lambda a: a.post(a.fields(), signature="x" * 44), 401, "bad_signature"),
    "signed for another object": (
        lambda a: a.post(
            a.fields(object_id="2"), signature=str(a_signature(a, a.fields(object_id="1")))
        ),
        401,
        "bad_signature",
    ),
    "no form": (lambda a: a.post({}, body=b"\xff\xfe"), 401, "bad_signature"),
    "no object": (lambda a: a.post(a.fields(object_id="x")), 401, "bad_signature"),
    "no event": (lambda a: a.post(a.fields(name="")), 401, "bad_signature"),
    "too much": (lambda a: a.post({}, body=b"a=" + b"x" * 1024 * 1024), 413, "too_large"),
    "unknown address": (lambda a: a.post(a.fields(), token="guess"), 404, "unknown_endpoint"),
    "a handshake nobody asked for": (
        lambda a: a.post(a.fields(name="callback.verify", object_id="77", verifier="evil")),
        400,
        "unasked_handshake",
    ),
}


def a_signature(address: FreshBooksAddress, fields: dict[str, str]) -> str:
    return signature_of(fields, address.verifier)


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_and_only_counted(
    fresh_tenant: Tenant, address: FreshBooksAddress, name: str
) -> None:
    post, status, reason = REFUSED[name]
    stored, before = everything_stored(), refusals().get(("freshbooks", reason), 0)
    answer = post(address)
    assert (answer.status_code, answer.content) == (status, b"")
    assert everything_stored() == stored
    assert refusals()[("freshbooks", reason)] == before + 1
    assert (address.row().verifier, address.row().state) == ("v-secret", "active")


def test_a_handshake_is_kept_for_confirmation(fresh_tenant: Tenant) -> None:
    address = FreshBooksAddress(fresh_tenant, state="registering", verifier="")
    fields = address.fields(name="callback.verify", object_id="77", verifier="given")
    assert address.post(fields, signature="").status_code == 200
    assert (address.row().state, address.row().verifier) == ("confirming", "given")
    assert len(jobs(fresh_tenant, kind="confirm_callback")) == 1


def test_a_delivery_before_the_handshake_is_refused(fresh_tenant: Tenant) -> None:
    address = FreshBooksAddress(fresh_tenant, state="registering", verifier="")
    assert address.post(address.fields(), signature="x").status_code == 401
    assert deliveries(fresh_tenant) == []


def test_an_unsigned_field_cannot_turn_a_delivery_into_a_handshake(
    fresh_tenant: Tenant, address: FreshBooksAddress
) -> None:
    body = b"object_id=1&x=1&name=callback.verify&verifier=evil&name=invoice.update"
    assert address.post({}, body=body).status_code in {400, 401}
    assert address.row().verifier == "v-secret"


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options"])
def test_only_post_is_heard(address: FreshBooksAddress, method: str) -> None:
    answer = receive_freshbooks_callback(getattr(REQUESTS, method)("/"), address.token)
    assert (answer.status_code, answer.content) == (405, b"")


def test_without_a_database_nothing_is_accepted(
    fresh_tenant: Tenant, address: FreshBooksAddress
) -> None:
    def down(*_: Any) -> Any:
        raise OperationalError("no")

    with connection.execute_wrapper(down):
        assert address.post(address.fields()).status_code == 503
    assert deliveries(fresh_tenant) == []
