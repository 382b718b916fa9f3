"""Lists: newest first, cursors, limits, filters by time."""

from collections.abc import Iterable

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


def page(account: Account, rows: Iterable[Obj], params: Obj, url: str) -> Obj:
    """Give the asked page of rows, which come newest first."""
    limit = checked_limit(params)
    matching = [row for row in rows if in_time(row, params)]
    start, end = bounds(matching, params, limit)
    chosen = matching[start:end]
    has_more = start > 0 if "ending_before" in params else end < len(matching)
    data = [render(account, row) for row in chosen]
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def newest_first(account: Account, kind: str) -> list[Obj]:
    """Give all objects of a kind in the order of lists."""
    return [row for row in reversed(account.table(kind).values()) if not row.get("deleted")]


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


def bounds(rows: list[Obj], params: Obj, limit: int) -> tuple[int, int]:
    """Give the first and last index of the page."""
    if "starting_after" in params and "ending_before" in params:
        message = "You may only specify one of these parameters: ending_before, starting_after."
        raise InvalidParametersError(message, param="starting_after")
    if "starting_after" in params:
        start = position(rows, params["starting_after"], "starting_after") + 1
        return start, start + limit
    if "ending_before" in params:
        end = position(rows, params["ending_before"], "ending_before")
        return max(0, end - limit), end
    return 0, limit


def position(rows: list[Obj], cursor: str, param: str) -> int:
    """Give the place of a cursor among the rows."""
    for index, row in enumerate(rows):
        if row["id"] == cursor:
            return index
    raise no_such("object", cursor, param=param, in_path=False)


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
