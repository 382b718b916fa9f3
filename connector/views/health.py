"""Is the process up, and can it do its work?"""

from __future__ import annotations

from functools import cache

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from connector import ticking

REDIS_TIMEOUT_S = 0.3


@require_safe
@never_cache
def healthz(_: HttpRequest) -> HttpResponse:
    """GET /healthz: 200 as long as the process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(_: HttpRequest) -> HttpResponse:
    """GET /readyz: 200 if Postgres is there and migrated, else 503.

    Redis and the clock are reported but not required: without them webhooks are still taken in, and
    their work starts when they are back.
    """
    postgres = _postgres()
    body = {"postgres": postgres, "redis": _redis(), "clock": _clock(postgres)}
    return JsonResponse(body, status=200 if postgres == "ok" else 503)


def _postgres() -> str:
    try:
        applied = set(MigrationRecorder(connection).applied_migrations())
    except DatabaseError:
        connection.close()
        return "unreachable"
    missing = len(_known_migrations() - applied)
    return f"{missing} migrations are not applied" if missing else "ok"


def _clock(postgres: str) -> str:
    return ticking.clock_problem() or "ok" if postgres == "ok" else "unknown"


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """What this version of the program brings along; it does not change while it runs."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def _redis() -> str:
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        socket_timeout=REDIS_TIMEOUT_S,
    )
    try:
        client.ping()
    except redis.RedisError:
        return "unreachable"
    finally:
        client.close()
    return "ok"
