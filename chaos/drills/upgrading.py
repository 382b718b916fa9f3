"""A rolling deploy: the version before the newest change of the schema works beside this one (I36).

The database is migrated already, as it is in a deploy. One worker and the web process are of the older
version while business goes on, then they are replaced by today's.
"""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from chaos.drills.new_business import some_business
from chaos.invariants import ends, invoices, money
from chaos.invariants.verdict import State, Verdict, judge, not_checked
from chaos.processes.gathering import gather
from chaos.processes.settling import settle
from chaos.processes.system import WORKERS, System
from demo.stack import ROOT

MIGRATIONS = ("audit/migrations", "connector/migrations", "tenants/migrations")
OLDER = (WORKERS[1], "web")


def both_versions_agree(system: System) -> Verdict:
    """Business under two versions at once, and after it; nothing is lost, doubled or failed."""
    older = older_version()
    if not older:
        return not_checked("I36", "no older version is at hand: this is no git checkout")
    before = _failed(system)
    with _checked_out(older) as folder:
        _replace(system, folder)
        made = some_business(system)
        settled = settle(system, patience_s=system.size.settle_s)
        _replace(system, ROOT)
    made += some_business(system)
    again = settle(system, patience_s=system.size.settle_s)
    evidence = gather(system)
    how = f"with {older[:9]} beside this version; invoices written meanwhile and after"
    checks = [
        invoices.one_living_each(evidence),
        money.each_payment_once(evidence),
        ends.same_end(evidence, "I36", how=""),
    ]
    problems = [text for one in checks if one.state == State.BROKEN for text in one.problems]
    problems += settled.unfinished + again.unfinished
    problems += [f"failed: {text}" for text in _failed(system) - before]
    return judge("I36", made, problems, how=how)


def older_version() -> str:
    """The commit before the one that changed the schema last; nothing without git."""
    newest = _git("log", "-1", "--format=%H", "--", *MIGRATIONS).decode().strip()
    return _git("rev-parse", f"{newest}^").decode().strip() if newest else ""


@contextmanager
def _checked_out(version: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ml-connector-older-") as folder:
        with tarfile.open(fileobj=BytesIO(_git("archive", version))) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


def _replace(system: System, folder: Path) -> None:
    """End the processes and start them from another folder."""
    for name in OLDER:
        system.stack.stop(name)
        system.stack.start(name, program=name.partition("-")[0], folder=folder)


def _failed(system: System) -> set[str]:
    rows = system.query(
        "SELECT id, kind || ' ' || subject || ': ' || failure_message AS what"
        " FROM connector_syncjob WHERE state = 'dead'"
    )
    return {f"job {row['id']} {row['what']}" for row in rows}


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""
