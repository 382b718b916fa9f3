"""What the product itself says about a tenant: `manage.py standing TENANT --json`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from demo.month import digits
from demo.stack import Stack


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One invoice as the product sees it; `difference` in minor units."""

    state: str
    collection: str
    difference: int


@dataclass(frozen=True, kw_only=True)
class Reported:
    """One open discrepancy."""

    freshbooks_id: int
    kind: str
    severity: str
    explanation: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A tenant as the product sees it. Invoices by their id in FreshBooks."""

    invoices: dict[int, Seen]
    discrepancies: tuple[Reported, ...]
    jobs: dict[str, int]
    calls: dict[str, dict[str, int]]

    @property
    def under_way(self) -> int:
        """How many jobs are not at their end."""
        return self.jobs.get("queued", 0) + self.jobs.get("running", 0)


def read_standing(stack: Stack, slug: str) -> Standing:
    """Ask the product how a tenant stands."""
    told = stack.manage_json("standing", slug)
    if not isinstance(told, dict):
        raise TypeError(f"standing: expected an object, found {type(told).__name__}")
    return Standing(
        invoices={
            row["freshbooks_id"]: Seen(
                state=row["state"],
                collection=row["collection_status"],
                difference=_minor(row["difference"], row["currency"]),
            )
            for row in told["invoices"]
        },
        discrepancies=tuple(
            Reported(
                freshbooks_id=int(row["subject"].partition(":")[2]),
                kind=row["kind"],
                severity=row["severity"],
                explanation=row["explanation"],
            )
            for row in told["discrepancies"]
        ),
        jobs=told["jobs"],
        calls=told["vendor_calls"],
    )


def _minor(amount: str | None, currency: str) -> int:
    return int(Decimal(amount or "0").scaleb(digits(currency)))
