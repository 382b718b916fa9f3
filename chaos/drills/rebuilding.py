"""What is derived from the journal, derived anew: the same (I20)."""

from __future__ import annotations

import json

from chaos.invariants.verdict import Verdict, judge
from chaos.processes.system import System
from demo.stack import StackError

HOW = "where each invoice's money stands, from the journal alone (manage.py rebuild_collection)"


def derived_again(system: System) -> Verdict:
    """Compare for each tenant what is saved with what its facts say."""
    problems = []
    for one in system.tenants:
        try:
            told = json.loads(system.stack.manage("rebuild_collection", one.slug, "--json"))
        except StackError as error:
            problems.append(f"{one.slug}: {str(error)[-300:]}")
            continue
        problems += [f"{one.slug}: {change}" for change in told["changes"]]
    links = system.query("SELECT count(*) FROM connector_invoicelink")
    return judge("I20", int(links[0]["count"]), problems, how=HOW)
