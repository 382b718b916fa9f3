"""The simulators' record of requests, and which of them the product made.

The product is told from the tests' own calls by what it calls itself: our name at FreshBooks, the
official package's at Stripe.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FRESHBOOKS, STRIPE = "freshbooks", "stripe"
_CALLS_ITSELF = {FRESHBOOKS: "ml-connector", STRIPE: "Stripe/v1 PythonBindings/"}


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One request as it arrived. `form` and `body` are None if it had none."""

    vendor: str
    method: str
    path: str
    query: Mapping[str, Any]
    headers: Mapping[str, str]  # names in lower case
    form: Mapping[str, Any] | None
    body: Any
    status: int | None  # None: the sender got no answer

    @property
    def name(self) -> str:
        """How a finding names it."""
        return f"{self.vendor} {self.method} {self.path}"

    def header(self, name: str) -> str:
        """A header's value, "" if it was not sent."""
        return self.headers.get(name.lower(), "")


def product_requests(record: Path, vendor: str) -> Iterator[Sent]:
    """Every request of the product to this vendor, in order."""
    with record.open(encoding="utf-8") as lines:
        for line in lines:
            sent = _read(json.loads(line))
            if sent.vendor == vendor and sent.header("User-Agent").startswith(
                _CALLS_ITSELF[vendor]
            ):
                yield sent


def _read(line: dict[str, Any]) -> Sent:
    return Sent(
        vendor=line["vendor"],
        method=line["method"],
        path=line["path"],
        query=line["query"],
        headers={name.lower(): value for name, value in line["headers"].items()},
        form=line.get("form"),
        body=line.get("json"),
        status=line["status"],
    )


def unprintable(value: Any, where: str = "") -> Iterator[str]:
    """Where a text has control characters or halves of characters, at any depth."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from unprintable(item, f"{where}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from unprintable(item, f"{where}[{number}]")
    elif isinstance(value, str) and any(_is_broken(letter) for letter in value):
        yield f"{where}: a control character or half a character in {value[:40]!r}"


def _is_broken(letter: str) -> bool:
    return (
        (letter < " " and letter not in "\n\t")
        or "\x7f" <= letter <= "\x9f"
        or "\ud800" <= letter <= "\udfff"
    )
