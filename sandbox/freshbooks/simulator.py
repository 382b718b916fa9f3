"""FreshBooks as one object that the shared server can serve."""

import random
from typing import Any

from sandbox.core.clock import Clock
from sandbox.core.switches import Switches
from sandbox.core.vendor import ActRefused, ErrorKind, Request, Response, Route
from sandbox.core.webhooks import WebhookSender


class FreshBooksSimulator:
    """The whole of simulated FreshBooks."""

    name = "freshbooks"

    def __init__(
        self,
        clock: Clock,
        webhooks: WebhookSender,
        rng: random.Random,
        *,
        client_id: str = "sandbox-client",
        client_secret: str = "sandbox-secret",  # noqa: S107
        redirect_uris: tuple[str, ...] = (),
    ) -> None:
        self.base_url = ""
        self._clock, self._webhooks, self._random = clock, webhooks, rng
        self._switches = Switches({})

    def routes(self) -> list[Route]:
        """API and pages."""
        return []

    def state(self) -> dict[str, Any]:
        """The whole book."""
        return {}

    def reset(self) -> None:
        """Empty the book."""
        self._switches.reset()

    def act(self, action: dict[str, Any]) -> dict[str, Any]:
        """What a person does."""
        raise ActRefused(f"unknown verb {action['do']!r}")

    def switches(self) -> dict[str, str]:
        """Open questions and today's answers."""
        return self._switches.current()

    def set_switches(self, answers: dict[str, str]) -> None:
        """Change answers."""
        self._switches.set(answers)

    def error_response(self, kind: ErrorKind, request: Request) -> Response:
        """FreshBooks' way to say this."""
        return Response(404, {"message": f"{kind} {request.path}"})
