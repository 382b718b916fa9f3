"""FreshBooks lists: one page to records, and a bounded walk over all pages.

Rows shift between pages while one walks (newest id first), so a walk is checked against what the
list says of itself, and repeated if it does not add up. Source: contract sections 2.2 and 2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Protocol, TypeVar

from connector.errors import NotRepresentable, VendorContractBroken
from connector.vendors.freshbooks.records import (
    FreshBooksCallback,
    FreshBooksClient,
    FreshBooksInvoice,
    FreshBooksPayment,
    Page,
    UnreadableRow,
)
from connector.vendors.reading import Fields

PER_PAGE = 100
MAX_PAGES = 10_000
MAX_WALKS = 3

Row = TypeVar("Row")
Listed = FreshBooksClient | FreshBooksInvoice | FreshBooksPayment | FreshBooksCallback
ListedRow = TypeVar("ListedRow", bound=Listed)


class Changeable(Protocol):
    """What the filters look at."""

    @property
    def updated(self) -> str:
        """Eastern time-stamp text."""

    @property
    def vis_state(self) -> int:
        """0 active, 1 deleted, 2 archived."""


ChangeableRow = TypeVar("ChangeableRow", bound=Changeable)


def to_page(source: Fields, key: str, to_row: Callable[[Fields], Row]) -> Page[Row]:
    """Shapes: {"<plural>": [...], "page": 1, "pages": 3, "per_page": 100, "total": 241}.

    One row that cannot be read goes to `unreadable`, so that it does not hold up all others.
    """
    rows: list[Row] = []
    unreadable: list[UnreadableRow] = []
    for row in source.children(key):
        try:
            rows.append(to_row(row))
        except (VendorContractBroken, NotRepresentable) as error:
            unreadable.append(UnreadableRow(object_id=_id_of(row), reason=error.message))
    return Page(
        rows=tuple(rows),
        unreadable=tuple(unreadable),
        page=source.integer("page"),
        pages=source.integer("pages"),
        per_page=source.integer("per_page"),
        total=source.integer("total"),
    )


def _id_of(row: Fields) -> str:
    found = row.data.get("id", row.data.get("callbackid"))
    return str(found) if isinstance(found, int | str) else ""


def page_query(page: int) -> list[tuple[str, str]]:
    """Which page; FreshBooks counts from 1 and refuses or misreads anything below."""
    if page < 1:
        raise ValueError("Pages are counted from 1.")
    return [("page", str(page)), ("per_page", str(PER_PAGE))]


def change_query(updated_min: date | None, vis_state: int | None) -> list[tuple[str, str]]:
    """The two filters that clients, invoices and payments share; `updated_min` is a whole day."""
    query = []
    if updated_min is not None:
        query.append(("search[updated_min]", updated_min.isoformat()))
    if vis_state is not None:
        query.append(("search[vis_state]", str(vis_state)))
    return query


def ignored_filters(
    rows: tuple[ChangeableRow, ...], *, updated_min: date | None, vis_state: int | None = None
) -> tuple[str, ...]:
    """Names of filters that some row does not satisfy, compared in FreshBooks' own Eastern days."""
    ignored = []
    if updated_min and any(row.updated[:10] < updated_min.isoformat() for row in rows):
        ignored.append("updated_min")
    if vis_state is not None and any(row.vis_state != vis_state for row in rows):
        ignored.append("vis_state")
    return tuple(ignored)


def _identity(row: Listed) -> int:
    return row.callback_id if isinstance(row, FreshBooksCallback) else row.id


def whole_list(fetch: Callable[[int], Page[ListedRow]]) -> Iterator[Page[ListedRow]]:
    """Every page of a list, and all of them again while the list is not what it says of itself.

    Rows come and go while one reads, and what follows them moves to another page: then the totals
    differ from page to page, or there are more rows than that. A total may well be higher than the
    rows: it is not documented whether it counts rows that are not shown. After three walks that do
    not add up: VendorContractBroken, as for a list of more than 10,000 pages. What was read is read.
    """
    said: set[int] = set()
    seen: set[str] = set()
    for _ in range(MAX_WALKS):
        said, seen = set(), set()
        nameless = 0
        for page in _walk(fetch):
            said.add(page.total)
            seen.update(str(_identity(row)) for row in page.rows)
            seen.update(row.object_id for row in page.unreadable if row.object_id)
            nameless += sum(not row.object_id for row in page.unreadable)
            yield page
        if len(said) == 1 and len(seen) + nameless <= max(said):
            return
    raise VendorContractBroken(
        f"FreshBooks says that a list has {' or '.join(map(str, sorted(said)))} rows, and gives "
        f"{len(seen)}.",
        next_step="Nothing to do if it does not come again; otherwise report it with the operation.",
        vendor="freshbooks",
    )


def _walk(fetch: Callable[[int], Page[ListedRow]]) -> Iterator[Page[ListedRow]]:
    for number in range(1, MAX_PAGES + 1):
        page = fetch(number)
        if page.page != number and page.pages >= number:
            raise VendorContractBroken(
                f"FreshBooks answers page {page.page} when asked for page {number}.",
                vendor="freshbooks",
            )
        yield page
        if page.last:
            return
    raise VendorContractBroken(
        f"FreshBooks lists more than {MAX_PAGES} pages.", vendor="freshbooks"
    )


def all_pages(fetch: Callable[[int], Page[ListedRow]]) -> Iterator[ListedRow]:
    """Every row of every page, each id once.

    Raises, after the last readable row: VendorContractBroken if rows could not be read, or the list
        does not add up. A caller that must advance a cursor does so only after the walk has ended
        without an error.
    """
    seen: set[int] = set()
    unreadable: dict[str, UnreadableRow] = {}
    for page in whole_list(fetch):
        for odd in page.unreadable[: 100 - len(unreadable)]:
            unreadable.setdefault(odd.object_id, odd)
        for row in page.rows:
            identity = _identity(row)
            if identity not in seen:
                seen.add(identity)
                yield row
    if unreadable:
        first = next(iter(unreadable.values()))
        raise VendorContractBroken(
            f"{len(unreadable)} row(s) of a FreshBooks list could not be read; "
            f"the first is {first.object_id or 'without id'}: {first.reason}",
            next_step="Look at this object in FreshBooks; all other rows were processed.",
            vendor="freshbooks",
        )
