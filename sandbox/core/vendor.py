"""The types between the shared server and a simulated vendor. No behaviour here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sandbox.core.webhooks import Ticket


@dataclass(frozen=True)
class Request:
    """One HTTP request, decoded once; handlers never see aiohttp."""

    method: str
    path: str
    route: str
    """The template that matched, e.g. `/v1/invoices/{id}`."""
    params: dict[str, str]
    """Path parameters, decoded."""
    query: list[tuple[str, str]]
    """In order, decoded, repeated keys kept."""
    headers: Mapping[str, str]
    """Looked up without regard to case."""
    body: bytes


@dataclass(frozen=True)
class Response:
    """One HTTP answer; a dict or list body goes out as JSON."""

    status: int
    body: bytes | str | dict[str, Any] | list[Any] = ""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    after: Ticket | None = None
    """Answer only once this webhook was tried (the request still executed as a whole)."""


Handler = Callable[[Request], Response]


@dataclass(frozen=True)
class Route:
    """A method and an aiohttp path template, e.g. `/v1/invoices/{id}/finalize`."""

    method: str
    path: str
    handler: Handler


class ActRefusedError(Exception):
    """A person cannot do that: unknown verb, bad argument, or the vendor would refuse."""


ActRefused = ActRefusedError

ErrorKind = Literal["status_500", "status_429", "error_200", "no_such_route"]


class VendorSimulator(Protocol):
    """One simulated vendor. Constructed as `Vendor(clock, webhooks, random)`."""

    name: str
    base_url: str
    """Set before the server starts; used for links in bodies."""

    def routes(self) -> list[Route]:
        """API and hosted pages."""

    def state(self) -> dict[str, Any]:
        """The whole book, fit for JSON, secrets included."""

    def reset(self) -> None:
        """Empty the book and put every switch back."""

    def act(self, action: dict[str, Any]) -> dict[str, Any]:
        """Do what a person does: `{"do": verb, ...}`; ActRefused if that cannot be."""

    def switches(self) -> dict[str, str]:
        """Every open question of the vendor's documentation and today's answer."""

    def set_switches(self, answers: dict[str, str]) -> None:
        """Change answers; ActRefused, naming the allowed ones, if unknown."""

    def error_response(self, kind: ErrorKind, request: Request) -> Response:
        """The vendor's own way to say this, for faults and unknown paths."""
