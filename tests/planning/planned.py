"""What the tests of this folder do again and again: have a plan made, approve it, apply it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from connector.models import Plan, PlanStep
from connector.planning.proposals import approve, propose
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop, cause
from tests.pipeline.simulators import Simulators

READING = {"GET", "HEAD"}


class Requests:
    """The requests that both vendors got since the last look."""

    def __init__(self, simulators: Simulators) -> None:
        self._record = simulators.record
        self._read = self._record.stat().st_size if self._record.exists() else 0

    def new(self) -> list[dict[str, Any]]:
        with self._record.open() as record:
            record.seek(self._read)
            lines = record.readlines()
            self._read = record.tell()
        found = [json.loads(line) for line in lines]
        return [row for row in found if not row["path"].startswith("/_sandbox")]


def writes_among(rows: list[dict[str, Any]]) -> list[str]:
    """Every request that is not a read."""
    return [f"{row['method']} {row['path']}" for row in rows if row["method"] not in READING]


def plan(shop: Shop, purpose: Plan.Purpose = Plan.Purpose.IMPORT, **options: Any) -> Plan:
    """Ask for a plan and let it be made."""
    with tenant_scope(shop.tenant.pk):
        made = propose(shop.tenant, purpose, cause=cause("wants a plan"), options=options)
    shop.pump()
    return again(shop, made)


def again(shop: Shop, row: Plan) -> Plan:
    with tenant_scope(shop.tenant.pk):
        found: Plan = Plan.objects.select_related("tenant").get(pk=row.pk)
        return found


def steps(shop: Shop, row: Plan, **only: Any) -> list[PlanStep]:
    with tenant_scope(shop.tenant.pk):
        return list(PlanStep.objects.filter(plan=row, **only).order_by("position"))


def told(shop: Shop, row: Plan, entity: str) -> list[tuple[str, str]]:
    """Actions and reasons of one entity."""
    return [(step.action, step.reason) for step in steps(shop, row, entity=entity)]


def say_yes(shop: Shop, row: Plan, hash_: str | None = None) -> None:
    with tenant_scope(shop.tenant.pk):
        approve(row.pk, row.hash if hash_ is None else hash_, cause=cause("approves"))


def apply(shop: Shop, row: Plan) -> Plan:
    """Approve it and let it be applied to its end."""
    say_yes(shop, row)
    shop.settle()
    return again(shop, row)


def by_state(shop: Shop, row: Plan) -> Counter[str]:
    return Counter(step.state for step in steps(shop, row))
