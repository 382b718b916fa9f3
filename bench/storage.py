"""How much a synchronized and paid invoice takes in the database, table by table."""

from __future__ import annotations

import psycopg
from django.db import connection

from bench.measures import Found, Result
from bench.method import Effort
from bench.place import Place
from tests.pipeline.shop import Shop, open_shop

KB = 1000
PORTION = 20  # invoices at a time: more is never done within a test's patience
_SIZES = (
    "SELECT relname, pg_total_relation_size(oid) FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


def per_invoice(place: Place, effort: Effort, result: Result) -> None:
    """P32: all tables with their indexes, after vacuum, without what they weigh before."""
    shop = open_shop(place.freshbooks, place.stripe)
    shop.sync(shop.invoice("100.00"))
    before = _sizes(place)
    count = effort.size(200, PORTION)
    for _ in range(0, count, PORTION):
        _live_through(shop, PORTION)
    after = _sizes(place)
    grown = {name: (after[name] - before.get(name, 0)) / count / KB for name in after}
    rows = {name: _rows(place, name) / count for name in grown if grown[name] > 0}
    result.found.append(Found.count("P32", sum(grown.values()), invoices=count))
    result.series["storage_kb"] = {
        name: round(size, 3)
        for name, size in sorted(grown.items(), key=lambda one: -one[1])
        if size > 0
    }
    result.series["rows"] = {name: round(one, 2) for name, one in rows.items()}


def _live_through(shop: Shop, count: int) -> None:
    """Invoices are made, come to Stripe, are paid, and the payments recorded."""
    invoices = [shop.invoice("100.00", "20.00") for _ in range(count)]
    shop.poll()
    for invoice in invoices:
        shop.pay(invoice)
    shop.poll()


def _sizes(place: Place) -> dict[str, int]:
    connection.close()
    with psycopg.connect(place.services.database_owner_url, autocommit=True) as owner:
        owner.execute("VACUUM FULL")
        return dict(owner.execute(_SIZES).fetchall())


def _rows(place: Place, table: str) -> int:
    with psycopg.connect(place.services.database_owner_url, autocommit=True) as owner:
        owner.execute("SET app.tenant = '*'")
        (count,) = owner.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
        return int(count)


PARTS = (per_invoice,)
