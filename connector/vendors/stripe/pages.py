"""Stripe lists: one page to records, and a bounded walk over all pages.

Newest first, continued after the last id. Rows created meanwhile come before the first page and are
seen by the next walk. Source: docs.stripe.com/api/pagination.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from connector.errors import NotRepresentable, VendorContractBroken
from connector.vendors.reading import Fields
from connector.vendors.stripe.records import StripePage, UnreadableObject

PER_PAGE = 100
MAX_PAGES = 10_000

Row = TypeVar("Row")


def to_page(to_row: Callable[[Fields], Row]) -> Callable[[Fields], StripePage[Row]]:
    """Shapes: {object: "list", data: [...], has_more}.

    One row that cannot be read goes to `unreadable`, so that it does not hold up all others.
    """

    def parse(source: Fields) -> StripePage[Row]:
        rows: list[Row] = []
        unreadable: list[UnreadableObject] = []
        listed = source.children("data")
        for item in listed:
            try:
                rows.append(to_row(item))
            except (VendorContractBroken, NotRepresentable) as error:
                found = item.data.get("id")
                object_id = found if isinstance(found, str) else ""
                unreadable.append(UnreadableObject(object_id=object_id, reason=error.message))
        return StripePage(
            rows=tuple(rows), next_cursor=_next(source, listed), unreadable=tuple(unreadable)
        )

    return parse


def _next(source: Fields, listed: list[Fields]) -> str:
    if not source.flag("has_more"):
        return ""
    if not listed:
        raise source.broken("data", expected="rows, as has_more is true", found=[])
    return listed[-1].text("id")


def page_params(cursor: str, *, created_gte: datetime | None = None) -> dict[str, object]:
    """Parameters of a list call: the page after `cursor`, of objects created since then."""
    params: dict[str, object] = {"limit": PER_PAGE}
    if cursor:
        params["starting_after"] = cursor
    if created_gte is not None:
        params["created"] = {"gte": int(created_gte.timestamp())}
    return params


def all_pages(fetch: Callable[[str], StripePage[Row]]) -> Iterator[Row]:
    """Every row of every page; `fetch` takes the cursor.

    Raises, after the last readable row: VendorContractBroken if rows could not be read, or if the
        list has more than 10,000 pages.
    """
    cursor = ""
    unreadable: list[UnreadableObject] = []
    for _ in range(MAX_PAGES):
        page = fetch(cursor)
        yield from page.rows
        unreadable += page.unreadable[: 100 - len(unreadable)]
        cursor = page.next_cursor
        if not cursor:
            break
    else:
        raise VendorContractBroken(f"Stripe lists more than {MAX_PAGES} pages.", vendor="stripe")
    if unreadable:
        raise _unreadable_rows(unreadable)


def all_readable(page: StripePage[Row]) -> StripePage[Row]:
    """The same page, for callers that cannot do with some of its rows missing."""
    if page.unreadable:
        raise _unreadable_rows(page.unreadable)
    return page


def _unreadable_rows(unreadable: Sequence[UnreadableObject]) -> VendorContractBroken:
    first = unreadable[0]
    return VendorContractBroken(
        f"{len(unreadable)} row(s) of a Stripe list could not be read; "
        f"the first is {first.object_id or 'without id'}: {first.reason}",
        next_step="Look at this object in Stripe.",
        vendor="stripe",
    )
