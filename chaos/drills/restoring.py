"""The database of yesterday is restored, and the steps of the manual are followed (I37).

A copy of the database is made, business goes on, then the copy takes its place: all that was written
to the vendors since is forgotten here. docs/operating.md, "After a restore", says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from chaos.drills.new_business import some_business
from chaos.invariants import ends, invoices, money
from chaos.invariants.verdict import State, Verdict, judge
from chaos.processes.gathering import gather
from chaos.processes.settling import settle
from chaos.processes.system import WORKERS, System
from demo.stack import wait_until

COPY = "yesterday"
PATIENCE_S = 240.0
PROCESSES = (*WORKERS, "beat", "web")


def nothing_twice(system: System) -> Verdict:
    """Restore a copy that misses some business, and look for anything that was made twice."""
    tenants = [one for one in system.tenants if one.mode == "record"]
    settle(system, patience_s=system.size.settle_s)
    _stop_all(system)
    _copy(system)
    _start(system, *PROCESSES)
    made = some_business(system)
    settle(system, patience_s=system.size.settle_s)
    _stop_all(system)
    _put_back(system)
    _follow_the_manual(system)
    settled = settle(system, patience_s=system.size.settle_s)
    for one in tenants:
        system.stack.manage("reconcile", one.slug)
    settle(system, patience_s=system.size.settle_s)
    evidence = gather(system)
    checks = [
        invoices.one_living_each(evidence),
        money.each_payment_once(evidence),
        ends.same_end(evidence, "I37", how=""),
    ]
    problems = [text for one in checks if one.state == State.BROKEN for text in one.problems]
    return judge("I37", made, problems + settled.unfinished, how="invoices since the copy")


def _follow_the_manual(system: System) -> None:
    """Look first for everything, before workers and beat are started."""
    system.stack.manage("after_restore")
    _start(system, *PROCESSES)


def _stop_all(system: System) -> None:
    system.stack.stop(*[name for name in PROCESSES if name in system.stack.processes])


def _start(system: System, *names: str) -> None:
    for name in names:
        system.stack.start(name, program=name.partition("-")[0])


def _copy(system: System) -> None:
    name = _name(system)
    _as_owner(
        system,
        [
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(COPY), sql.Identifier(name)
            )
        ],
    )


def _put_back(system: System) -> None:
    name = _name(system)
    _as_owner(
        system,
        [
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(name), sql.Identifier("today")
            ),
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(COPY), sql.Identifier(name)
            ),
        ],
    )


def _name(system: System) -> str:
    return urlsplit(system.stack.environment["DATABASE_OWNER_URL"]).path.strip("/")


def _as_owner(system: System, statements: Iterable[sql.Composed]) -> None:
    """From another database: nobody may be connected to the one that is copied or renamed."""
    parts = urlsplit(system.stack.environment["DATABASE_OWNER_URL"])
    elsewhere = urlunsplit(parts._replace(path="/postgres"))
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        for statement in statements:
            wait_until(partial(_done, connection, statement), "the database to be free", PATIENCE_S)


def _done(connection: psycopg.Connection, statement: sql.Composed) -> bool:
    """Whether it could be done: the last connections of what was stopped may take a moment to go."""
    try:
        connection.execute(statement)
    except psycopg.errors.ObjectInUse:
        return False
    return True
