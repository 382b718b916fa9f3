"""Looking for this run's own secrets in everything that is written down (I24)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import redis

from chaos.invariants.evidence import Evidence
from chaos.invariants.verdict import Verdict, judge
from chaos.processes.system import System

SHORTEST = 12  # a shorter text would be found by chance
OF_THE_DEPLOYMENT = ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "FRESHBOOKS_CLIENT_SECRET")
ADDRESSES = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
HOW = "secrets of this run, looked for in logs, the record of requests, Valkey and database text"


def no_secret_anywhere(system: System, evidence: Evidence) -> Verdict:
    """Keys, tokens, verifiers and passwords of this run, in logs, record, Valkey and every table."""
    secrets = dict(_secrets(system, evidence))
    problems = []
    for place, text in _places(system):
        problems += [f"{name} in {place}" for name, secret in secrets.items() if secret in text]
    return judge("I24", len(secrets), problems, how=HOW)


def _secrets(system: System, evidence: Evidence) -> Iterator[tuple[str, str]]:
    environment = system.stack.environment
    for name in OF_THE_DEPLOYMENT:
        yield name, environment[name]
    for name in ADDRESSES:
        yield f"password of {name}", urlsplit(environment[name]).password or name
    for number, token in enumerate(evidence.freshbooks["tokens"]):
        yield f"access token {number}", token["access"]
        yield f"refresh token {number}", token["refresh"]
    for pair in evidence.pairs:
        for callback in pair.freshbooks["callbacks"]:
            yield f"verifier of callback {callback['callbackid']}", callback["verifier"]
        for key in pair.stripe["keys"]:
            yield f"Stripe key of {pair.of.slug}", key["secret"]
        for endpoint in pair.stripe["webhook_endpoints"]:
            yield f"webhook secret of {pair.of.slug}", endpoint.get("secret") or pair.of.slug * 9


def _places(system: System) -> Iterator[tuple[str, str]]:
    logs = [*system.stack.log_dir.glob("*.log"), system.stack.record_file]
    for path in logs:
        yield path.name, path.read_text(errors="replace")
    with redis.Redis.from_url(system.stack.services.redis_url) as client:
        dumped = [key + (client.dump(key) or b"") for key in client.scan_iter()]
    yield "Valkey", b"\n".join(dumped).decode("latin-1")
    yield from tables(system)


def tables(system: System) -> Iterator[tuple[str, str]]:
    """The name of each table and all that stands in it."""
    names = system.query(
        "SELECT table_name AS name FROM information_schema.tables"
        " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1"
    )
    for row in names:
        with system.connection() as connection, connection.cursor() as cursor:
            parts = []
            with cursor.copy(f'COPY (SELECT * FROM "{row["name"]}") TO STDOUT') as copy:
                parts = [bytes(part) for part in copy]
            yield f"table {row['name']}", b"".join(parts).decode("utf-8", "replace")
