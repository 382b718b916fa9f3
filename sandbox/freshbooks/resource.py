"""What the accounting API needs to know of one kind of record."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from sandbox.freshbooks.book import Account
from sandbox.freshbooks.world import World


class Row(Protocol):
    """The least that every listed record has."""

    id: int
    updated_at: float


RowT = TypeVar("RowT", bound=Row)
Predicate = Callable[[RowT], bool]
MakeFilter = Callable[[list[str]], Callable[[RowT], bool] | None]
"""Values of a `search[...]` key in, predicate out; None = the filter is ignored."""


class Resource(Generic[RowT]):
    """One kind of record: where its rows are, how they are made, changed and shown."""

    path: str
    thing: str
    singular: str
    plural: str
    id_field: str
    scope: str
    sort_keys: Mapping[str, Callable[[RowT], Any]] = {}
    writable = True
    deletable = False
    """Whether HTTP DELETE is offered besides `vis_state`."""
    filters_vis_state = True

    def __init__(self, world: World) -> None:
        self.world = world

    def rows(self, account: Account) -> dict[int, RowT]:
        """All rows by id, oldest first."""
        raise NotImplementedError

    def candidates(self, account: Account, _search: Mapping[str, list[str]]) -> Sequence[RowT]:
        """The rows among which a search looks, oldest first: fewer where something leads to them."""
        return list(self.rows(account).values())

    def client_of(self, _row: RowT) -> int | None:
        """The client a row belongs to, who may read it; None = nobody outside."""
        raise NotImplementedError

    def create(self, account: Account, data: Mapping[str, Any]) -> RowT:
        """Check and add; Problem if refused."""
        raise NotImplementedError

    def update(self, account: Account, row: RowT, data: Mapping[str, Any]) -> None:
        """Check and change; Problem if refused."""
        raise NotImplementedError

    def render(self, account: Account, row: RowT, _includes: Collection[str]) -> dict[str, Any]:
        """The row as the API shows it."""
        raise NotImplementedError

    def filters(self, _account: Account) -> Mapping[str, MakeFilter[RowT]]:
        """The `search[...]` keys that work; array keys end in `[]`."""
        raise NotImplementedError
