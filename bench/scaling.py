"""What the measured figures come to for many tenants: arithmetic, nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TENANTS = (10, 1_000, 100_000)
INVOICES_A_MONTH = 50
"""Of one tenant, each paid once: an assumption, so that there is something to multiply."""
DAYS, DAY_S = 30, 86_400
PRUNED = ("connector_syncjob", "connector_delivery", "connector_callcount")


def lines(found: Sequence[Mapping[str, Any]], series: Mapping[str, Any]) -> list[str]:
    """A table by number of tenants; nothing if what it needs was not measured."""
    calls = {row["id"]: row for row in found}
    if not {"P12", "P14"} <= calls.keys() or not {"storage_kb", "idle"} <= series.keys():
        return []
    sizes, rows = series["storage_kb"], series["rows"]
    per_invoice = calls["P12"]["absolute"]["calls_per_invoice"] + calls["P14"]["value"]
    idle = float(series["idle"]["calls_per_day"])
    kept_kb = sum(size for name, size in sizes.items() if name not in PRUNED)
    table = [
        f"Of a tenant with {INVOICES_A_MONTH} invoices a month, each paid once (assumed); everything else is measured:",
        f"{sum(sizes.values()):.1f} kB and {sum(rows.values()):.0f} rows per invoice, {kept_kb:.1f} kB of it for good;",
        f"{per_invoice:.1f} calls per invoice with its payment; {idle:.0f} calls a day to look at an idle tenant.",
        "",
        "| Tenants | Rows a month | Grows a month | of it for good | Calls a day | a second, on average |",
        "|---|---|---|---|---|---|",
    ]
    for tenants in TENANTS:
        invoices = tenants * INVOICES_A_MONTH
        day = tenants * idle + invoices * per_invoice / DAYS
        table.append(
            f"| {tenants:,} | {invoices * sum(rows.values()):,.0f} | {size_of(invoices * sum(sizes.values()))}"
            f" | {size_of(invoices * kept_kb)} | {day:,.0f} | {day / DAY_S:,.2f} |"
        )
    return table


def size_of(kilobytes: float) -> str:
    """In the unit that people use for it."""
    for unit in ("kB", "MB", "GB"):
        if kilobytes < 1000:
            return f"{kilobytes:.1f} {unit}"
        kilobytes /= 1000
    return f"{kilobytes:.1f} TB"
