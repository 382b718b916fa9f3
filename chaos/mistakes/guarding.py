"""Mistakes about credentials, tenants and the audit trail."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from django.db import DatabaseError, connection, connections

from audit import recording
from audit.models import AuditChain
from chaos.deterministic.judging import chain_of
from chaos.deterministic.world import World
from chaos.mistakes.changing import replaced
from chaos.mistakes.drills import calm, end, sent, trouble
from chaos.mistakes.mistake import Mistake
from connector import tokens
from connector.connecting import oauth
from connector.connecting.refusals import ConnectRefused
from tenants.models import OAuthState, token_digest
from tenants.scope import every_tenant, tenant_scope
from tests.factories import make_tenant
from tests.pipeline.shop import cause

TABLE = "connector_invoicelink"
LOOKS = 20_000
SESSION = "a-browser-session"


@contextmanager
def _lost_lock(_: World) -> Iterator[None]:
    """A lock in Redis that ran out, or was flushed away: both hold it."""
    with replaced(tokens, "_take_lease", lambda _: True):
        yield


def _two_refresh(world: World) -> None:
    invoice = sent(world, "120.00")
    other = sent(world, "80.00")
    world.shop.fb("expire_tokens", access_only=True)
    before = _refreshes(world)

    def others() -> None:
        world.shop.edit(other, "81.00")
        world.hand_over_all()
        for queue in ("intake", "stripe"):
            world.work(queue)

    trouble(world, "interleave", "freshbooks.oauth.refresh:asked", others)
    world.shop.edit(invoice, "121.00")
    world.settle()
    calm(world)
    world.counted = _refreshes(world) - before


def _refreshes(world: World) -> int:
    calls = world.vendors.freshbooks.calls()["calls"]
    return sum(int(row["count"]) for row in calls if row["route"] == "/auth/oauth/token")


def _one_refresh(world: World) -> list[str]:
    found = [] if world.counted == 1 else [f"I13 one token was refreshed {world.counted} times"]
    return found + end(world)


@contextmanager
def _open_table(world: World) -> Iterator[None]:
    world.owner.execute(f"ALTER TABLE {TABLE} DISABLE ROW LEVEL SECURITY")
    try:
        yield
    finally:
        world.owner.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")


def _look_as_stranger(world: World) -> None:
    sent(world, "120.00")
    world.counted = _seen_by_stranger()


def _seen_by_stranger() -> int:
    """Rows of others that a plain query sees in the scope of a tenant that has none."""
    stranger = make_tenant()
    with tenant_scope(stranger.pk), connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND column_name = 'tenant_id'"
        )
        tables = [name for (name,) in cursor.fetchall()]
        seen = 0
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table} WHERE tenant_id <> %s", [stranger.pk])
            seen += cursor.fetchone()[0]
    return seen


def _nothing_seen(world: World) -> list[str]:
    return [f"I25 a stranger sees {world.counted} rows"] if world.counted else []


@contextmanager
def _state_again(_: World) -> Iterator[None]:
    def wrong(state: str, _session_key: str) -> OAuthState:
        with every_tenant():
            attempt: OAuthState = OAuthState.objects.get(state_digest=token_digest(state))
            return attempt

    with replaced(oauth, "_spend", wrong):
        yield


def _come_back_twice(world: World) -> None:
    tenant, login = world.shop.tenant, "somebody@maple.example"
    world.shop.freshbooks.business(login)
    url = oauth.begin_freshbooks(tenant, session_key=SESSION, user="", return_to="/connect/x/")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    world.counted = 0
    for _ in range(2):
        answer = world.shop.freshbooks.decide(login, **asked)
        code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
        try:
            oauth.finish_freshbooks(asked["state"], code, SESSION)
            world.counted += 1
        except ConnectRefused:
            pass


def _spent_once(world: World) -> list[str]:
    used = world.counted
    return [] if used == 1 else [f"T16 one state was good for {used} sign-ins"]


@contextmanager
def _unlocked_head(_: World) -> Iterator[None]:
    def wrong(tenant_id: int) -> AuditChain:
        chain: AuditChain = AuditChain.objects.get(tenant_id=tenant_id)
        return chain

    with replaced(recording, "_locked_chain", wrong):
        yield


def _append_at_once(world: World) -> None:
    """A second entry is appended while the first has not committed."""
    sent(world, "120.00")
    tenant_id = world.shop.tenant.pk
    world.statuses = []

    def append() -> None:
        try:
            with tenant_scope(tenant_id):
                _record(tenant_id)
            world.statuses.append(1)
        except DatabaseError:
            world.statuses.append(0)
        finally:
            connections.close_all()

    second = threading.Thread(target=append)
    with tenant_scope(tenant_id):
        _record(tenant_id)
        second.start()
        _until_somebody_waits(world)
    second.join()


def _record(tenant_id: int) -> None:
    recording.record(
        tenant_id=tenant_id, action="chaos.appended", entity="x", cause=cause(), details={}
    )


def _until_somebody_waits(world: World) -> None:
    if not any(world.owner.somebody_waits() for _ in range(LOOKS)):
        raise AssertionError("nobody ever waits for the head of the chain")


def _both_appended(world: World) -> list[str]:
    lost = world.statuses.count(0)
    found = [f"F85 {lost} of two entries was lost"] if lost else []
    chain = chain_of(world)
    return found if chain["intact"] else [*found, f"I17 {chain['problem']}"]


MISTAKES = (
    Mistake(
        name="lock in Redis for refreshing",
        what="The right to refresh a token can be held by two at once.",
        make=_lost_lock,
        drill=_two_refresh,
        check=_one_refresh,
    ),
    Mistake(
        name="a table without row-level security",
        what="One tenant's table is open to all queries.",
        make=_open_table,
        drill=_look_as_stranger,
        check=_nothing_seen,
    ),
    Mistake(
        name="state is not single use",
        what="The state of a sign-in is good for more than one.",
        make=_state_again,
        drill=_come_back_twice,
        check=_spent_once,
    ),
    Mistake(
        name="audit head not locked",
        what="Two entries may follow from the same one.",
        make=_unlocked_head,
        drill=_append_at_once,
        check=_both_appended,
    ),
)
