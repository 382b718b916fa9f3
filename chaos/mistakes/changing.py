"""Replacing a function of the product by a wrong one, from outside, for the length of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, name: str, wrong: Any) -> Iterator[None]:
    """Inside the block `owner.name` is `wrong`."""
    right = vars(owner)[name]
    setattr(owner, name, wrong)
    try:
        yield
    finally:
        setattr(owner, name, right)
