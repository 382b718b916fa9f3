"""A tenant is erased: nothing of its people can be read any more, and its trail verifies (I33)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from chaos.drills.credentials import tables
from chaos.invariants.evidence import Row
from chaos.invariants.verdict import Verdict, judge
from chaos.processes.system import System

PERSONAL = ("organization", "fname", "lname", "email", "p_street", "mob_phone", "home_phone")
SHORTEST = 6  # a shorter text is no proof: it would be found by chance
HOW = "names, addresses and numbers of one tenant's people, looked for in every table"


def nothing_personal_left(system: System) -> Verdict:
    """Erase the last tenant, and look for its people in the text of every table."""
    one = system.tenants[-1]
    account = system.simulators()[0].book()["accounts"][one.account_id]
    texts = {*_personal(account["clients"]), one.slug}
    before = _found(system, texts)
    system.stack.manage("erase_tenant", one.slug, "--yes")
    problems = [f"{text!r} is still in {place}" for text, place in _found(system, texts)]
    if not before:
        problems.append("nothing of the people was found before either: the search is broken")
    (chain,) = json.loads(system.stack.run("verify_audit", str(one.tenant_id), "--json").stdout)
    if not chain["intact"]:
        problems.append(f"the audit chain does not verify: {chain['problem']}")
    system.tenants.remove(one)
    return judge("I33", len(texts), problems, how=HOW)


def _personal(clients: list[Row]) -> Iterator[str]:
    for client in clients:
        for name in PERSONAL:
            text = str(client.get(name) or "")
            if len(text) >= SHORTEST:
                yield text


def _found(system: System, texts: set[str]) -> list[tuple[str, str]]:
    return [(text, place) for place, held in tables(system) for text in texts if text in held]
