"""How the tests are spread over processes: `make test` plays all of them in one process per core.

A plugin of tests/conftest.py. A file stays together, because its tests may share what was costly to
make. What takes long begins first, so that no process is left alone with it in the end.
"""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

MOST_PROCESSES = 8  # each has two databases, two pairs of simulators and half a gigabyte
WAY = re.compile(r"(tests/money/test_every_case\.py)::.*\[([a-z]+-[a-z]+)")
"""Its tests share what was played in one mode with one delivery, and that alone."""
SYSTEMS = ("tests/flows/", "tests/demo/", "tests/chaos/test_processes.py")
"""Each plays a whole running system; two at a time would only make each other slow."""
LONG = (*SYSTEMS, "tests/money/test_histories.py", "tests/money/test_every_case.py")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process per core for everything; none beside this one for files that were named."""
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        return 0
    cores = len(os.sched_getaffinity(0))
    return min(cores, MOST_PROCESSES) if cores > 1 else 0


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False  # ours is the better order
    return ByFile(config, log)


class ByFile(LoadScopeScheduling):
    """Gives each process the next file, or what else belongs together."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def scope_of(nodeid: str) -> str:
    if nodeid.startswith(SYSTEMS):
        return "whole systems"
    if way := WAY.match(nodeid):
        return "-".join(way.groups())
    return nodeid.partition("::")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank(item.nodeid))


def rank(nodeid: str) -> int:
    found = [rank for rank, start in enumerate(LONG) if nodeid.startswith(start)]
    return found[0] if found else len(LONG)
