"""The stand-ins know every vendor call that a sync function may make, and refuse all others."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from connector.planning.freshbooks_stand_in import FreshBooksStandIn
from connector.planning.stand_in import OTHER_READS, READS, CannotRehearse
from connector.planning.stripe_stand_in import StripeStandIn
from connector.planning.world import NeedsRead, World

SYNC = Path(__file__).resolve().parents[2] / "connector" / "sync"
STAND_INS: dict[str, Any] = {"freshbooks": FreshBooksStandIn, "stripe": StripeStandIn}


def calls_in_sync() -> set[tuple[str, str]]:
    """Each `run.<vendor>.<method>` in the sync functions."""
    found = set()
    for path in SYNC.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Attribute(
                    value=ast.Attribute(value=ast.Name(id="run"), attr=vendor), attr=name
                ) if vendor in STAND_INS:
                    found.add((vendor, name))
    return found


def test_every_call_of_the_sync_functions_can_be_rehearsed() -> None:
    calls = calls_in_sync()
    assert len(calls) > 20
    unknown = [
        f"{vendor}.{name}"
        for vendor, name in sorted(calls)
        if not name.startswith(READS)
        and name not in OTHER_READS
        and name not in vars(STAND_INS[vendor])
    ]
    assert unknown == []


@pytest.mark.parametrize("vendor", ["freshbooks", "stripe"])
def test_an_unknown_write_never_passes(vendor: str) -> None:
    stand_in = STAND_INS[vendor](world=World())
    with pytest.raises(CannotRehearse):
        stand_in.send_money()
    with pytest.raises(NeedsRead):
        stand_in.get_something(5)
    assert stand_in.writes == []
