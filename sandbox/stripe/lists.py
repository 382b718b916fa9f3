"""Lists: newest first, cursors, limits, filters by time."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Protocol

from sandbox.stripe.book import Account
from sandbox.stripe.errors import InvalidParametersError, no_such
from sandbox.stripe.render import render
from sandbox.stripe.types import Obj

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
RANGES = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


class Rows(Protocol):
    """What a list is cut from."""

    @property
    def rows(self) -> Iterable[Obj]:
        """Newest first."""

    @property
    def matches(self) -> Callable[[Obj], bool]:
        """Whether a row belongs into the list."""


def page(account: Account, found: Rows, params: Obj, url: str) -> Obj:
    """Give the asked page of rows, which come newest first."""
    limit = checked_limit(params)
    if "starting_after" in params and "ending_before" in params:
        message = "You may only specify one of these parameters: ending_before, starting_after."
        raise InvalidParametersError(message, param="starting_after")
    if "ending_before" in params:
        chosen, has_more = page_before(found, params, limit)
    else:
        chosen, has_more = page_after(found, params, limit)
    data = [render(account, row) for row in chosen]
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def page_after(found: Rows, params: Obj, limit: int) -> tuple[list[Obj], bool]:
    """Give the page that begins at the newest, or after a cursor, and whether there is more."""
    rows = iter(found.rows)
    cursor = params.get("starting_after")
    if cursor is not None:
        at = next((row for row in rows if row["id"] == cursor), None)
        if at is None or not passes(found, at, params):
            raise no_such("object", cursor, param="starting_after", in_path=False)
    matching = (row for row in rows if passes(found, row, params))
    chosen = list(islice(matching, limit))
    return chosen, next(matching, None) is not None


def page_before(found: Rows, params: Obj, limit: int) -> tuple[list[Obj], bool]:
    """Give the page that ends before a cursor, and whether there are newer rows still."""
    newer: list[Obj] = []
    for row in found.rows:
        if passes(found, row, params):
            if row["id"] == params["ending_before"]:
                return newer[-limit:], len(newer) > limit
            newer.append(row)
    raise no_such("object", params["ending_before"], param="ending_before", in_path=False)


def passes(found: Rows, row: Obj, params: Obj) -> bool:
    """Whether a row belongs into the list."""
    return found.matches(row) and in_time(row, params)


def newest_first(account: Account, kind: str) -> Iterator[Obj]:
    """Give all objects of a kind in the order of lists."""
    return (row for row in reversed(account.table(kind).values()) if not row.get("deleted"))


def checked_limit(params: Obj) -> int:
    """Give the page size; refuse what is not in 1 to 100."""
    limit: int = params.get("limit", DEFAULT_LIMIT)
    if limit < 1:
        message = "This value must be greater than or equal to 1."
        raise InvalidParametersError(message, param="limit", code="parameter_invalid_integer")
    if limit > MAX_LIMIT:
        message = f"This value must be less than or equal to {MAX_LIMIT}."
        raise InvalidParametersError(message, param="limit", code="parameter_invalid_integer")
    return limit


def in_time(row: Obj, params: Obj) -> bool:
    """Whether a row passes the filters by time (`created`, `due_date`, `arrival_date`)."""
    for name in ("created", "due_date", "arrival_date"):
        wanted = params.get(name)
        if wanted is None:
            continue
        value = row.get(name)
        if value is None:
            return False
        if isinstance(wanted, int):
            if value != wanted:
                return False
        elif not all(RANGES[key](value, bound) for key, bound in wanted.items()):
            return False
    return True
