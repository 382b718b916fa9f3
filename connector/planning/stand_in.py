"""What the stand-ins for both vendors' clients share: they answer from what was read, and write nothing anywhere.

A write is noted and answered as the vendor would answer it, so that the sync function goes on to
its next step. A read that no list answers is asked for with NeedsRead. Anything else is refused: a
call that these stand-ins do not know must never reach a vendor from a rehearsal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.errors import ConnectorError
from connector.planning.world import Read, World

Body = Mapping[str, Any]
READS = ("get_", "list_", "find_")
OTHER_READS = frozenset({"collection", "payment_options", "gateway"})


class CannotRehearse(ConnectorError):
    """A sync function called something that the stand-ins do not know. A defect of ours."""


@dataclass(frozen=True)
class Write:
    """One write that would be sent: which, on what, with which body."""

    name: str
    target: str
    body: dict[str, Any]


@dataclass
class StandIn:
    """Reads, and the note of what would be written."""

    world: World
    writes: list[Write] = field(default_factory=list)
    vendor = ""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Any read that is not answered below; everything unknown is refused."""
        if name.startswith("_"):
            raise AttributeError(name)
        if not (name.startswith(READS) or name in OTHER_READS):
            raise CannotRehearse(
                f"A plan cannot rehearse {self.vendor}.{name}.",
                code="cannot_rehearse",
                next_step="This is a defect of the connector: report it.",
            )
        return lambda *args, **kwargs: self.read(name, *args, **kwargs)

    def read(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A read that goes to the vendor itself, once."""
        return self.world.answer(Read(self.vendor, name, args, tuple(sorted(kwargs.items()))))

    def note(self, name: str, target: object, body: Body | None = None) -> None:
        """Keep a write that would be sent."""
        self.writes.append(Write(name, str(target), dict(body or {})))
