"""POST /webhooks/stripe/<token>/: 2xx only for what is signed, meant for us, and stored."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse

from connector.views.webhooks import receive_stripe_event
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.inbox.arriving import (
    REQUESTS,
    StripeEndpoint,
    deliveries,
    everything_stored,
    jobs,
    refusals,
)
from tests.sandbox.driving import eventually
from tests.threads import at_once

Post = Callable[[StripeEndpoint], HttpResponse]
MEGABYTE = 1024 * 1024


@pytest.fixture
def endpoint(fresh_tenant: Tenant) -> StripeEndpoint:
    return StripeEndpoint(fresh_tenant)


def test_a_signed_event_is_stored_with_its_job(
    fresh_tenant: Tenant, endpoint: StripeEndpoint
) -> None:
    body = endpoint.body(request={"id": "req_1", "idempotency_key": "mlc1:x"})
    answer = endpoint.post(body)
    assert (answer.status_code, answer.content) == (200, b"")
    (row,) = deliveries(fresh_tenant)
    assert (row.event_id, row.event_type, row.invoice_id) == ("evt_1", "invoice.paid", "in_1")
    assert row.caused_by_key == "mlc1:x"
    assert [job.subject for job in jobs(fresh_tenant)] == [str(row.pk)]


def test_fifty_copies_posted_at_once_are_all_accepted_and_stored_once(
    fresh_tenant: Tenant, endpoint: StripeEndpoint
) -> None:
    body = endpoint.body()
    answers = at_once(50, lambda _: endpoint.post(body).status_code)
    assert set(answers) == {200}
    eventually(lambda: [row.duplicates for row in deliveries(fresh_tenant)] == [49])
    assert len(jobs(fresh_tenant)) == 1


def signed(body: bytes, **how: Any) -> Post:
    return lambda endpoint: endpoint.post(body, endpoint.signature(body, **how))


def with_values(**values: Any) -> Post:
    return lambda endpoint: endpoint.post(endpoint.body(**values))


BODY = b'{"id":"evt_1","object":"event"}'
REFUSED: dict[str, tuple[Post, int, str]] = {
    "unsigned": (lambda e: e.post(e.body(), ""), 400, "bad_signature"),
    "signed by another secret": (
        lambda e: e.post(e.body(), e.signature(e.body(), secret="whsec_other")),
        400,
        "bad_signature",
    ),
    "signed for another body": (
        lambda e: e.post(e.body("evt_2"), e.signature(e.body("evt_1"))),
        400,
        "bad_signature",
    ),
    "signed ten minutes ago": (
        lambda e: e.post(e.body(), e.signature(e.body(), at=time.time() - 600)),
        400,
        "bad_signature",
    ),
    "signed in ten minutes": (
        lambda e: e.post(e.body(), e.signature(e.body(), at=time.time() + 600)),
        400,
        "bad_signature",
    ),
    "header of nonsense": (lambda e: e.post(e.body(), "v1=,t=now"), 400, "bad_signature"),
    "without a body": (signed(b""), 413, "too_large"),
    "no JSON": (signed(b"<html>"), 400, "bad_signature"),
    "JSON, but no event": (signed(b'["evt"]'), 400, "bad_signature"),
    "an event without its parts": (signed(BODY), 400, "bad_signature"),
    "another mode": (with_values(livemode=True), 400, "wrong_mode"),
    "another account": (with_values(account="acct_foreign"), 400, "wrong_account"),
    "unknown address": (lambda e: e.post(e.body(), token="guess"), 404, "unknown_endpoint"),
    "too much": (signed(b'"' + b"x" * MEGABYTE + b'"'), 413, "too_large"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_and_only_counted(
    fresh_tenant: Tenant, endpoint: StripeEndpoint, name: str
) -> None:
    post, status, reason = REFUSED[name]
    stored, before = everything_stored(), refusals().get(("stripe", reason), 0)
    answer = post(endpoint)
    assert (answer.status_code, answer.content) == (status, b"")
    assert everything_stored() == stored
    assert refusals()[("stripe", reason)] == before + 1


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options", "patch"])
def test_only_post_is_heard(endpoint: StripeEndpoint, method: str) -> None:
    request = getattr(REQUESTS, method)("/")
    answer = receive_stripe_event(request, endpoint.token)
    assert (answer.status_code, answer.content) == (405, b"")


def test_a_length_that_lies_is_found_out(endpoint: StripeEndpoint) -> None:
    body = b"x" * (MEGABYTE + 1)
    request = REQUESTS.post("/", body, content_type="application/json")
    request.META["CONTENT_LENGTH"] = str(len(body))
    assert receive_stripe_event(request, endpoint.token).status_code == 413
    request = REQUESTS.post("/", b"{}", content_type="application/json")
    del request.META["CONTENT_LENGTH"]
    assert receive_stripe_event(request, endpoint.token).status_code == 413


def test_a_connection_without_a_secret_hears_nothing(fresh_tenant: Tenant) -> None:
    endpoint = StripeEndpoint(fresh_tenant)
    endpoint.connection.endpoint_secret = ""
    with tenant_scope(fresh_tenant.pk):
        endpoint.connection.save()
    body = endpoint.body()
    assert endpoint.post(body, endpoint.signature(body)).status_code == 404


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_without_a_database_nothing_is_accepted(
    fresh_tenant: Tenant, endpoint: StripeEndpoint, error: type[Exception]
) -> None:
    def down(*_: Any) -> Any:
        raise error("server closed the connection unexpectedly")

    body = endpoint.body()
    with connection.execute_wrapper(down):
        assert endpoint.post(body).status_code == 503
        assert endpoint.post(body, "").status_code == 503
    assert deliveries(fresh_tenant) == []
    assert endpoint.post(body).status_code == 200


def test_a_connection_that_died_is_replaced_before_anybody_notices(
    fresh_tenant: Tenant, endpoint: StripeEndpoint
) -> None:
    assert endpoint.post(endpoint.body("evt_before")).status_code == 200
    died = connection.connection.info.backend_pid
    gone = "SELECT NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = %s)"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [died])
        eventually(lambda: other.execute(gone, [died]).fetchone() == (True,))
    assert endpoint.post(endpoint.body("evt_after")).status_code == 200
    assert connection.connection.info.backend_pid != died
    assert [(row.event_id, row.duplicates) for row in deliveries(fresh_tenant)] == [
        ("evt_before", 0),
        ("evt_after", 0),
    ]


def test_a_commit_that_fails_is_not_a_2xx(fresh_tenant: Tenant, endpoint: StripeEndpoint) -> None:
    """The last statement before the commit fails: nothing may be answered as taken."""

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "connector_syncjob" in sql:
            raise OperationalError("could not commit")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        assert endpoint.post(endpoint.body()).status_code == 503
    assert deliveries(fresh_tenant) == []
