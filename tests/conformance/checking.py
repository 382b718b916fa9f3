"""Both checkers at once, for whoever ran the product against the simulators.

At the end of a session of tests: `check_record(path_of_the_record)`.
"""

from __future__ import annotations

from pathlib import Path

from tests.conformance import freshbooks_requests, stripe_requests
from tests.conformance.record import FRESHBOOKS, STRIPE, product_requests

SHOWN = 20


def check_record(record: Path, *, at_least: int = 0) -> tuple[int, int]:
    """Fail if a request of the product breaks a contract; answer how many were looked at.

    `at_least` guards against a record that is empty by mistake, per vendor.
    """
    found = [*freshbooks_requests.violations(record), *stripe_requests.violations(record)]
    listed = "\n".join(found[:SHOWN])
    assert not found, f"{len(found)} kinds of requests break a vendor's contract:\n{listed}"
    counts = count(record, FRESHBOOKS), count(record, STRIPE)
    assert min(counts) >= at_least, f"only {counts} requests of the product were recorded"
    return counts


def count(record: Path, vendor: str) -> int:
    """How many requests of the product to this vendor are in the record."""
    return sum(1 for _ in product_requests(record, vendor))
