"""Lists: search, order, pages. Unknown filters, sorts and includes are ignored silently."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.core.switches import Switches
from sandbox.core.vendor import Request
from sandbox.freshbooks.book import ACTIVE, ARCHIVED, Account
from sandbox.freshbooks.problems import BAD_FILTER, BAD_PAGE, BAD_PER_PAGE, Problem
from sandbox.freshbooks.resource import Resource

MAX_PER_PAGE = 100
_SEARCH = re.compile(r"search\[(\w+)\](\[\])?")


@dataclass(frozen=True)
class Page:
    """Which page of which size."""

    number: int
    size: int

    def cut(self, rows: Sequence[Any]) -> Sequence[Any]:
        """The rows of this page."""
        start = (self.number - 1) * self.size
        return rows[start : start + self.size]

    def envelope(self, total: int) -> dict[str, int]:
        """The four numbers beside the rows."""
        pages = -(-total // self.size)
        return {"page": self.number, "pages": pages, "per_page": self.size, "total": total}


def read_page(request: Request, switches: Switches) -> Page:
    """`page` and `per_page`, the latter capped without a word."""
    query = dict(request.query)
    size = _positive(query.get("per_page", switches["default_per_page"]), "per_page", BAD_PER_PAGE)
    page = query.get("page", "1")
    if page == "0" and switches["page_zero"] == "first_page":
        page = "1"
    return Page(_positive(page, "page", BAD_PAGE), min(size, MAX_PER_PAGE))


def read_includes(request: Request) -> set[str]:
    """Only the array form `include[]=` counts."""
    return {value for key, value in request.query if key == "include[]"}


def read_search(request: Request) -> dict[str, list[str]]:
    """`search[key]=v` as key, `search[key][]=v` as `key[]`."""
    search: dict[str, list[str]] = {}
    for key, value in request.query:
        found = _SEARCH.fullmatch(key)
        if found:
            search.setdefault(found[1] + (found[2] or ""), []).append(value)
    return search


def find_rows(
    resource: Resource[Any], account: Account, request: Request, switches: Switches
) -> list[Any]:
    """All rows that match, in order."""
    search = read_search(request)
    rows = list(reversed(resource.candidates(account, search)))
    for test in _tests(resource, account, search, switches):
        rows = [row for row in rows if test(row)]
    name, _, direction = dict(request.query).get("sort", "").rpartition("_")
    key = resource.sort_keys.get(name)
    if key is not None and direction in ("asc", "desc"):
        rows.sort(key=key, reverse=direction == "desc")
    return rows


def _tests(
    resource: Resource[Any], account: Account, search: dict[str, list[str]], switches: Switches
) -> list[Callable[[Any], bool]]:
    by_state = resource.filters_vis_state and "vis_state" in search
    makers = resource.filters(account)
    tests: list[Callable[[Any], bool]] = []
    for key, values in search.items():
        ignored = (
            by_state
            and key.startswith("updated_")
            and switches["updated_min_with_vis_state"] == "vis_state_only"
        )
        test = makers[key](values) if key in makers and not ignored else None
        if test is not None:
            tests.append(test)
    tests.append(_state_test(search["vis_state"][-1] if by_state else None, switches))
    return tests


def _state_test(wanted: str | None, switches: Switches) -> Callable[[Any], bool]:
    if wanted is not None:
        if wanted not in ("0", "1", "2"):
            raise Problem(BAD_FILTER, "Invalid vis_state.", field="vis_state", value=wanted)
        return lambda row: bool(getattr(row, "vis_state", ACTIVE) == int(wanted))
    shown = {ACTIVE, ARCHIVED} if switches.on("archived_in_default_list") else {ACTIVE}
    return lambda row: getattr(row, "vis_state", ACTIVE) in shown


def _positive(text: str, field: str, errno: int) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < 1:
        raise Problem(errno, f"Invalid {field}.", field=field, value=text)
    return int(text)
