"""How much a synchronized and paid invoice takes in the database, by table and by index."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from django.db import connection

from bench.measures import Found, Result
from bench.method import Effort
from bench.place import Place
from bench.scaling import PRUNED
from tests.pipeline.shop import Shop, open_shop

KB = 1000
PORTION = 20  # invoices at a time: more is never done within a test's patience
HEAP = "rows"
"""What a table takes without its indexes, also of values too long for a row."""
_SIZES = f"""
SELECT tables.relname, '{HEAP}', pg_table_size(tables.oid) FROM pg_class tables
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
UNION ALL
SELECT tables.relname, indexes.relname, pg_relation_size(indexes.oid)
FROM pg_class tables JOIN pg_index ON indrelid = tables.oid
JOIN pg_class indexes ON indexes.oid = indexrelid
WHERE tables.relkind = 'r' AND tables.relnamespace = 'public'::regnamespace
"""
_ROWS = """
SELECT relname, reltuples FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
Part = tuple[str, str]


def per_invoice(place: Place, effort: Effort, result: Result) -> None:
    """P32: all tables with their indexes, after vacuum, without what they weigh before.

    And what of it is there for good: jobs, deliveries and counters are deleted by age.
    """
    shop = open_shop(place.freshbooks, place.stripe)
    shop.sync(shop.invoice("100.00"))
    for _ in range(2):  # so that webhooks are registered, and every table has begun its pages
        _live_through(shop, PORTION)
    before, rows_before = _sizes(place), _rows(place)
    count = effort.size(200, 2 * PORTION)
    for _ in range(0, count, PORTION):
        _live_through(shop, PORTION)
    after, rows_after = _sizes(place), _rows(place)
    parts = {part: (after[part] - before.get(part, 0)) / count / KB for part in after}
    tables = _by_table(parts)
    for_good = sum(size for name, size in tables.items() if name not in PRUNED)
    result.found.append(
        Found.count("P32", sum(tables.values()), invoices=count, for_good_kb=for_good)
    )
    result.series["storage_kb"] = tables
    result.series["storage_parts"] = {
        name: {part: round(size, 3) for (table, part), size in parts.items() if table == name}
        for name in tables
    }
    result.series["rows"] = {
        name: round((rows_after[name] - rows_before[name]) / count, 2) for name in tables
    }


def _by_table(parts: Mapping[Part, float]) -> dict[str, float]:
    """Those that grew, the largest first."""
    names = {table for table, _ in parts}
    sums = {
        name: sum(size for (table, _), size in parts.items() if table == name) for name in names
    }
    return {
        name: round(size, 3)
        for name, size in sorted(sums.items(), key=lambda one: -one[1])
        if size > 0
    }


def _live_through(shop: Shop, count: int) -> None:
    """Invoices are made, come to Stripe, are paid, and the payments recorded."""
    invoices = [shop.invoice("100.00", "20.00") for _ in range(count)]
    shop.poll()
    for invoice in invoices:
        shop.pay(invoice)
    shop.poll()


def _sizes(place: Place) -> dict[Part, int]:
    connection.close()
    with psycopg.connect(place.services.database_owner_url, autocommit=True) as owner:
        owner.execute("VACUUM FULL")
        rows = owner.execute(_SIZES).fetchall()
    return {(table, part): size for table, part, size in rows}


def _rows(place: Place) -> dict[str, int]:
    """Counted by the last vacuum, right before."""
    with psycopg.connect(place.services.database_owner_url, autocommit=True) as owner:
        rows = owner.execute(_ROWS).fetchall()
    return {table: int(count) for table, count in rows}


PARTS = (per_invoice,)
