"""What the pinned version takes and what can be expanded, as data."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.stripe.types import Obj


@cache
def load() -> Obj:
    """Read `operations.json`: parameter schemas, expandable fields, event names, versions."""
    text = (Path(__file__).parent / "operations.json").read_text(encoding="utf-8")
    loaded: Obj = json.loads(text)
    return loaded


def parameters_of(method: str, path: str) -> Obj:
    """Give the object schema of one operation's parameters (path parameters left out)."""
    schema: Obj = load()["operations"][f"{method} {path}"]
    return schema


def expandable_fields(resource: str) -> frozenset[str]:
    """Give the dotted paths inside a resource that hold an id which may be expanded."""
    table: dict[str, list[str]] = load()["expandable"]
    return frozenset(table.get(resource, ()))


def pinned_version() -> str:
    """Give the API version that this simulator speaks."""
    version: str = load()["version"]
    return version


def webhook_versions() -> list[Any]:
    """Give every API version name the pinned version knows."""
    schema = parameters_of("POST", "/v1/webhook_endpoints")
    versions: list[Any] = schema["properties"]["api_version"]["enum"]
    return versions
