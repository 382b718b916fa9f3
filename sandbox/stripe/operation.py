"""Declares what answers which call, and which permission a restricted key needs for it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.stripe.context import Context
from sandbox.stripe.lists import newest_first
from sandbox.stripe.types import Obj


@dataclass(frozen=True)
class Listing:
    """Rows, newest first, of which the answer shows one page: of those that match.

    Only what lies on the way to the end of the page is tested, not the whole book.
    """

    rows: Iterable[Obj]
    url: str
    matches: Callable[[Obj], bool] = lambda _row: True


Answer = Obj | Listing


@dataclass(frozen=True)
class Call:
    """One API request, checked and typed."""

    path: dict[str, str]
    params: Obj

    def get(self, name: str) -> Any:
        """Give a parameter, None when it was not sent."""
        return self.params.get(name)


Handler = Callable[[Context, Call], Answer]


@dataclass(frozen=True)
class Operation:
    """One method and path of the API."""

    method: str
    path: str
    handler: Handler
    area: str
    """What a restricted key needs, without `rak_` and `_read` or `_write`."""

    def permission(self) -> str:
        """The permission a restricted key needs."""
        return f"rak_{self.area}_{'read' if self.method == 'GET' else 'write'}"


def retrieve(kind: str, param: str, *, in_error: str | None = None) -> Handler:
    """Give a handler that answers one object of a kind."""

    def handler(ctx: Context, call: Call) -> Obj:
        return ctx.get(kind, call.path[param], param=in_error or param, in_path=True)

    return handler


def listing(kind: str, url: str, *equal: str) -> Handler:
    """Give a handler that lists a kind, filtered by fields that must be equal."""

    def handler(ctx: Context, call: Call) -> Listing:
        wanted = {name: call.get(name) for name in equal if call.get(name) is not None}

        def matches(row: Obj) -> bool:
            return all(row.get(name) == value for name, value in wanted.items())

        return Listing(newest_first(ctx.account, kind), url, matches)

    return handler
