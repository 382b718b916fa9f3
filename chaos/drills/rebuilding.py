"""What is derived from the journal, derived anew: the same (I20)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from chaos.invariants.evidence import Connected
from chaos.invariants.verdict import Verdict, judge
from chaos.processes.system import System
from demo.stack import StackError

AT_ONCE = 2
HOW = "where each invoice's money stands, from the journal alone (manage.py rebuild_collection)"


def derived_again(system: System) -> Verdict:
    """Compare for each tenant what is saved with what its facts say."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = list(pool.map(partial(_differences, system), system.tenants))
    problems = [text for texts in told for text in texts]
    links = system.query("SELECT count(*) FROM connector_invoicelink")
    return judge("I20", int(links[0]["count"]), problems, how=HOW)


def _differences(system: System, one: Connected) -> list[str]:
    try:
        told = json.loads(system.stack.manage("rebuild_collection", one.slug, "--json"))
    except StackError as error:
        return [f"{one.slug}: {str(error)[-300:]}"]
    return [f"{one.slug}: {change}" for change in told["changes"]]
