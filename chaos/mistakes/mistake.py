"""What one known mistake consists of."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from chaos.deterministic.world import World


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """`drill` is played with the mistake made; `check` then looks at what is left, without it.

    `check` must find nothing when the same drill was played without the mistake.
    """

    name: str
    what: str
    make: Callable[[World], AbstractContextManager[None]]
    drill: Callable[[World], None]
    check: Callable[[World], list[str]]
