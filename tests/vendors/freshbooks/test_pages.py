"""Walking a list ends, drops repeated ids, and never passes over a row in silence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.errors import VendorContractBroken
from connector.vendors.freshbooks import pages as paging
from connector.vendors.freshbooks.pages import all_pages
from connector.vendors.freshbooks.records import FreshBooksCallback, Page, UnreadableRow


def callback(number: int) -> FreshBooksCallback:
    return FreshBooksCallback(callback_id=number, event="e", uri="u", verified=True)


def page(
    *numbers: int, number: int = 1, pages: int = 1, total: int = 3
) -> Page[FreshBooksCallback]:
    return Page(
        rows=tuple(callback(n) for n in numbers),
        page=number,
        pages=pages,
        per_page=100,
        total=total,
    )


def walk(*pages: Page[FreshBooksCallback]) -> tuple[list[int], list[int]]:
    asked: list[int] = []

    def fetch(number: int) -> Page[FreshBooksCallback]:
        asked.append(number)
        return pages[number - 1]

    return [row.callback_id for row in all_pages(fetch)], asked


def test_rows_that_shift_between_pages_come_once() -> None:
    found, asked = walk(page(5, 4, pages=2), page(4, 3, number=2, pages=2))
    assert (found, asked) == ([5, 4, 3], [1, 2])


def test_an_empty_page_ends_the_walk() -> None:
    pages = page(5, pages=9, total=1), page(number=2, pages=9, total=1)
    assert walk(*pages) == ([5], [1, 2])


def test_a_list_may_count_rows_that_it_does_not_show() -> None:
    assert walk(page(5, total=999)) == ([5], [1])


@pytest.mark.parametrize("totals", [(2, 3), (0, 0)])
def test_a_list_that_does_not_add_up_is_read_three_times_and_refused(
    totals: tuple[int, int],
) -> None:
    asked: list[int] = []

    def fetch(number: int) -> Page[FreshBooksCallback]:
        asked.append(number)
        return page(number, number=number, pages=2, total=totals[number - 1])

    with pytest.raises(VendorContractBroken, match="says that a list has"):
        list(all_pages(fetch))
    assert asked == [1, 2, 1, 2, 1, 2]


def test_an_empty_list_has_no_pages() -> None:
    assert walk(page(pages=0, total=0)) == ([], [1])


def test_unreadable_rows_are_told_after_all_others_were_given() -> None:
    bad = replace(page(5, pages=2), unreadable=(UnreadableRow(object_id="9", reason="odd"),))
    rows = all_pages(lambda number: (bad, page(3, number=2, pages=2))[number - 1])
    assert [next(rows).callback_id, next(rows).callback_id] == [5, 3]
    with pytest.raises(VendorContractBroken, match=r"^1 row.* the first is 9: odd"):
        next(rows)


def test_a_page_of_unreadable_rows_only_is_not_the_end() -> None:
    odd = (UnreadableRow(object_id="", reason="odd"),)
    bad = replace(page(pages=2, total=2), unreadable=odd)
    with pytest.raises(VendorContractBroken, match="without id"):
        walk(bad, page(3, number=2, pages=2, total=2))


def test_an_endless_list_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MAX_PAGES", 3)
    asked: list[int] = []

    def fetch(number: int) -> Page[FreshBooksCallback]:
        asked.append(number)
        return page(number, number=number, pages=10**6)

    with pytest.raises(VendorContractBroken, match="more than 3 pages"):
        list(all_pages(fetch))
    assert asked == [1, 2, 3]
