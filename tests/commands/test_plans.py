"""manage.py plan and apply, with workers that work in this process."""

from __future__ import annotations

import json
import time
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from connector.management import planned
from connector.models import Plan
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop


@pytest.fixture
def working(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """While a command waits, the workers work."""

    class Clock:
        monotonic = staticmethod(time.monotonic)

        @staticmethod
        def sleep(_: float) -> None:
            shop.settle()

    monkeypatch.setattr(planned, "time", Clock)
    return shop


def run(name: str, *arguments: Any) -> str:
    out = StringIO()
    call_command(name, *[str(part) for part in arguments], stdout=out, stderr=StringIO())
    return out.getvalue()


def run_json(name: str, *arguments: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(name, *arguments, "--json"))
    return found


def test_a_plan_is_printed_and_applied_by_its_hash(working: Shop) -> None:
    invoice = working.invoice("100.00")
    told = run("plan", working.tenant.slug)
    for words in ("create 2", "Total 100.00 CAD", "manage.py apply"):
        assert words in told
    assert working.st_invoices(invoice) == []
    name, hash_ = told.split("manage.py apply ")[1].split(" --hash ")
    done = run_json("apply", name, "--hash", hash_.strip())
    assert (done["state"], {step["state"] for step in done["steps"]}) == ("applied", {"done"})
    assert working.statuses(invoice) == ["open"]


def test_another_hash_applies_nothing(working: Shop) -> None:
    working.invoice("100.00")
    made = run_json("plan", working.tenant.slug)
    assert made["counts"] == {"create": 2}
    with pytest.raises(CommandError, match="not this plan's"):
        run("apply", made["plan"], "--hash", "0" * 64)
    assert working.writes() == []


def test_a_world_that_changed_fails_the_command(working: Shop) -> None:
    invoice = working.invoice("100.00")
    made = run_json("plan", working.tenant.slug)
    working.edit(invoice, "90.00")
    with pytest.raises(CommandError, match="the world changed"):
        run("apply", made["plan"], "--yes")
    assert working.st_invoices(invoice) == []


def test_an_older_plan_is_not_offered(working: Shop) -> None:
    working.invoice("100.00")
    older, newer = (run_json("plan", working.tenant.slug) for _ in range(2))
    with pytest.raises(CommandError, match="Discarded: there is nothing to approve"):
        run("apply", older["plan"])
    assert working.writes() == []
    assert run_json("apply", newer["plan"], "--yes")["state"] == "applied"


def test_a_replay_and_an_undo_are_planned(working: Shop) -> None:
    invoice = working.invoice("100.00")
    working.sync(invoice)
    number = working.link(invoice).number
    replay = run_json("plan", working.tenant.slug, "--purpose", "replay", "--invoice", number)
    assert replay["counts"] == {"skip": 1}
    undo = run_json("plan", working.tenant.slug, "--purpose", "undo")
    assert undo["counts"] == {"void": 1}
    assert run_json("apply", undo["plan"], "--yes")["state"] == "applied"
    assert working.statuses(invoice) == ["void"]


def test_what_makes_no_sense_is_refused(working: Shop) -> None:
    for arguments in (
        ("plan", working.tenant.slug, "--purpose", "replay"),
        ("plan", working.tenant.slug, "--purpose", "replay", "--invoice", "NOPE"),
        ("apply", "12345678"),
        ("apply", "nothing"),
    ):
        with pytest.raises(CommandError):
            run(*arguments)
    with tenant_scope(working.tenant.pk):
        assert not Plan.objects.exists()
