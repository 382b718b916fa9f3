"""What a process that drains holds in memory: `python -m bench.weighing FIRST LAST`.

Prints its resident memory, in MB, after so many jobs and after so many in all.
"""

from __future__ import annotations

import resource
import sys

import django

django.setup()

from bench import jobs  # noqa: E402 - models need the setup above
from bench.drain import TENANTS, drained_here  # noqa: E402

CHUNK = 1000


def main() -> None:
    """Drain, weigh, drain on, weigh."""
    first, last = (int(word) for word in sys.argv[1:])
    tenants = jobs.live_tenants(TENANTS)
    weights = []
    for upto, after in ((first, 0), (last, first)):
        for _ in range(after, upto, CHUNK):
            drained_here(tenants, CHUNK)
        weights.append(_resident_mb())
    print(*weights)


def _resident_mb() -> float:
    with open("/proc/self/statm") as file:  # noqa: PTH123 - no file of ours
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
