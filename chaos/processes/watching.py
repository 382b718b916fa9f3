"""What is looked at while everything goes on: connections, versions, and rows that must not change."""

from __future__ import annotations

import threading
import time

import psycopg

from chaos.invariants.evidence import Row
from chaos.invariants.verdict import Verdict, judge
from chaos.processes.system import System

EVERY_S = 1.0
IDLE_LIMIT_S = 5
THREADS = 6  # of a worker's process: the setting JOB_THREADS
WEB = 2 * (4 + 1)  # two processes, each with four threads and one that counts copies
WORKER = 2 * (2 * THREADS + 1) + 1  # each thread has a heartbeat; the main process watches
POOL = WEB + 3 * WORKER + 1  # two workers, one more while it is replaced, and beat
JOURNALS = ("connector_moneyfact", "audit_auditentry")


class Watch:
    """Looks once a second, from a thread of its own."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._versions: dict[int, str] = {}
        self._rows: dict[str, dict[int, str]] = {name: {} for name in JOURNALS}
        self._looks = 0
        self._seen_states = 0
        self._most = 0
        self._idle: list[str] = []
        self._older: list[str] = []
        self._compared = 0
        self.errors: list[str] = []

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> list[Verdict]:
        """I11, I29 and I35."""
        self._stop.set()
        self._thread.join()
        changed = self._changed_rows()
        pool = [f"{self._most} connections, {POOL} expected"] if self._most > POOL else []
        return [
            judge("I11", self._compared, self._older),
            judge("I29", sum(map(len, self._rows.values())), changed),
            judge(
                "I35", self._seen_states, self._idle + pool, how=f"most connections: {self._most}"
            ),
        ]

    def _run(self) -> None:
        turn = 0
        while not self._stop.wait(EVERY_S):
            try:
                self._look_at_connections()
                with self._system.connection() as connection:
                    if turn % 5 == 0:
                        self._look_at_versions(connection)
                    if turn % 15 == 0:
                        self._remember_rows(connection)
                turn += 1
            except psycopg.OperationalError:
                continue  # the database is away: that is part of the run
            except Exception as error:  # noqa: BLE001 - nobody else would hear of it
                self.errors.append(f"watch: {type(error).__name__}: {error}")
                return

    def _look_at_connections(self) -> None:
        """The application's own; those of a frozen worker cannot end what they began."""
        with self._system.as_application() as connection:
            rows = connection.execute(
                "SELECT pid, state, query, extract(epoch FROM now() - state_change) AS for_s"
                " FROM pg_stat_activity WHERE usename = 'ml_app'"
                " AND application_name NOT LIKE 'chaos%'"
            ).fetchall()
        self._looks += 1
        self._most = max(self._most, len(rows))
        if self._system.frozen_until > time.monotonic():
            return
        self._seen_states += sum(row["state"] is not None for row in rows)
        self._idle += [
            f"idle in transaction for {row['for_s']:.0f} s after {row['query'][:80]!r}"
            for row in rows
            if row["state"] == "idle in transaction" and row["for_s"] > IDLE_LIMIT_S
        ]

    def _look_at_versions(self, connection: psycopg.Connection[Row]) -> None:
        rows = connection.execute(
            "SELECT id, freshbooks_invoice_id, freshbooks_updated AS version"
            " FROM connector_invoicelink"
        ).fetchall()
        for row in rows:
            before = self._versions.get(row["id"], "")
            self._compared += bool(before)
            if row["version"] < before:
                self._older.append(
                    f"invoice {row['freshbooks_invoice_id']} went from {before} to {row['version']}"
                )
            self._versions[row["id"]] = row["version"]

    def _remember_rows(self, connection: psycopg.Connection[Row]) -> None:
        for table, known in self._rows.items():
            newest = max(known, default=0)
            rows = connection.execute(
                f"SELECT id, md5(t::text) AS sum FROM {table} t WHERE id > %s", [newest]
            )
            known.update({row["id"]: row["sum"] for row in rows})

    def _changed_rows(self) -> list[str]:
        """Rows that are not there any more as they were."""
        problems = []
        for table, known in self._rows.items():
            rows = self._system.query(f"SELECT id, md5(t::text) AS sum FROM {table} t")
            now = {row["id"]: row["sum"] for row in rows}
            problems += [
                f"{table} {id_}: {'gone' if id_ not in now else 'changed'}"
                for id_, before in known.items()
                if now.get(id_) != before
            ]
        return problems
