"""What is done to the running system. Each function answers how often it really hit."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from random import Random

import psycopg
import redis

from chaos.processes.system import WORKERS, System
from demo.stack import send_signal

VALKEY_DOWN_S = (0.5, 3.0)
HELD_S = 8.0
NO_BEAT_S = 15.0
TWO_BEATS_S = 15.0
CATCH_UP_S = 3.0

Disturbance = Callable[[System, Random], int]


def kill_worker(system: System, rng: Random) -> int:
    """SIGKILL of a whole worker: its own process and its children."""
    return int(system.stack.kill_worker(rng.choice(WORKERS)) > 0)


def kill_child(system: System, rng: Random) -> int:
    """SIGKILL of one process that works; the worker forks another."""
    children = [pid for name in WORKERS for pid in system.stack.worker_pids(name)[1:]]
    return int(bool(children) and send_signal(rng.choice(children), signal.SIGKILL))


def kill_valkey(system: System, rng: Random) -> int:
    """Valkey dies as in a crash, and comes back after a while."""
    services = system.stack.services
    with system.services_lock:
        services.kill_redis()
    time.sleep(rng.uniform(*VALKEY_DOWN_S))
    with system.services_lock:
        services.start_redis()
    return 1


def flush(system: System, _: Random) -> int:
    """FLUSHALL: everything in Valkey is gone."""
    try:
        with redis.Redis.from_url(system.stack.services.redis_url, socket_timeout=5) as client:
            client.flushall()
    except redis.RedisError:
        return 0
    return 1


def restart_postgres(system: System, rng: Random) -> int:
    """PostgreSQL stops, in order or as in a crash, and starts again; every connection is cut."""
    with system.services_lock:
        system.stack.services.restart_postgres(crash=rng.random() < 0.5)
    return 1


def terminate_backends(system: System, rng: Random) -> int:
    """Two connections of the application are cut each second."""
    hit, until = 0, time.monotonic() + system.size.terminate_s
    while time.monotonic() < until:
        with contextlib.suppress(psycopg.OperationalError):
            hit += _terminate_one(system, rng)
        time.sleep(0.5)
    return hit


def _terminate_one(system: System, rng: Random) -> int:
    """One that does something, if any does: an idle one is no loss."""
    with system.as_application() as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'ml_app'"
            " AND application_name NOT LIKE 'chaos%' ORDER BY state = 'idle', random() LIMIT 3"
        ).fetchall()
        if not rows:
            return 0
        victim = rng.choice(rows)["pid"]
        done = connection.execute("SELECT pg_terminate_backend(%s) AS ended", [victim]).fetchone()
        return int(bool(done and done["ended"]))


def hold_idle_connections(system: System, _: Random) -> int:
    """As many connections as PostgreSQL grants are held, and do nothing."""
    with contextlib.ExitStack() as held:
        count = 0
        # Until it grants no more: now nobody else gets one either.
        with contextlib.suppress(psycopg.OperationalError):
            for _number in range(system.size.idle_connections):
                held.callback(system.as_application(name="chaos-idle").close)
                count += 1
        time.sleep(HELD_S)
        return count


def freeze_worker(system: System, rng: Random) -> int:
    """SIGSTOP of a whole worker for two leases, then SIGCONT: it wakes up with work long taken over."""
    pids = system.stack.worker_pids(rng.choice(WORKERS))
    system.frozen_until = time.monotonic() + 2 * system.size.lease_s + CATCH_UP_S
    frozen = [pid for pid in pids if send_signal(pid, signal.SIGSTOP)]
    time.sleep(2 * system.size.lease_s)
    for pid in frozen:
        send_signal(pid, signal.SIGCONT)
    return int(bool(frozen))


def expire_tokens(system: System, _: Random) -> int:
    """All access tokens at FreshBooks end at once: every tenant's next call needs a refresh."""
    system.simulators()[0].act("expire_tokens", access_only=True)
    return 1


def two_beats(system: System, _: Random) -> int:
    """A second clock ticks beside the first."""
    system.stack.start("beat-2", program="beat")
    time.sleep(TWO_BEATS_S)
    system.stack.stop("beat-2")
    return 1


def no_beat(system: System, _: Random) -> int:
    """No clock for a while."""
    system.stack.stop("beat")
    time.sleep(NO_BEAT_S)
    system.stack.start("beat")
    return 1


def roll(system: System, _: Random) -> int:
    """A deployment: each process ends in order and starts again, one after the other."""
    for name in (*WORKERS, "web", "beat"):
        system.stack.stop(name)
        system.stack.start(name, program=name.partition("-")[0])
    return 1
