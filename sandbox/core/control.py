"""The control API of a simulated vendor: `/_sandbox/...`. Not part of any vendor."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sandbox.core.answers import AnswerBook
from sandbox.core.clock import Clock
from sandbox.core.faults import BadFaultError, FaultList
from sandbox.core.recording import Recorder
from sandbox.core.vendor import ActRefused, VendorSimulator
from sandbox.core.webhooks import WebhookSender

PREFIX = "/_sandbox/"


@dataclass(frozen=True)
class Controls:
    """Everything the control API of one vendor reaches."""

    vendor: VendorSimulator
    clock: Clock
    faults: FaultList
    webhooks: WebhookSender
    recorder: Recorder
    answers: AnswerBook = field(default_factory=lambda: AnswerBook(None))

    def state(self) -> dict[str, Any]:
        """The book, plus the clock and the webhooks sent so far."""
        return {
            **self.vendor.state(),
            "clock": self.clock.now(),
            "switches": self.vendor.switches(),
            "deliveries": self.webhooks.log(),
            "deliveries_waiting": self.webhooks.waiting(),
        }

    def reset(self, _body: Any) -> dict[str, Any]:
        """Empty this vendor; the clock, shared by both, stays (see `clock`)."""
        self.vendor.reset()
        self.faults.clear()
        self.webhooks.reset()
        self.recorder.reset(self.vendor.name)
        return {"reset": True}

    def list_faults(self) -> dict[str, Any]:
        """Every fault with what remains of it and how often it struck."""
        return {"faults": self.faults.describe()}

    def add_faults(self, body: Any) -> dict[str, Any]:
        """Append the listed faults; an empty list clears all."""
        descriptions = body if isinstance(body, list) else [body]
        if descriptions:
            self.faults.add(descriptions)
        else:
            self.faults.clear()
        return self.list_faults()

    def clear_faults(self, _body: Any) -> dict[str, Any]:
        """Inject nothing any more."""
        self.faults.clear()
        return self.list_faults()

    def act(self, body: Any) -> dict[str, Any]:
        """What a person does in the vendor's own user interface."""
        if not isinstance(body, dict) or not isinstance(body.get("do"), str):
            raise ActRefused('an action is an object like {"do": "create_client", ...}')
        return self.vendor.act(body)

    def set_clock(self, body: Any) -> dict[str, Any]:
        """`{"advance_s": N}`, `{"set": epoch}` or `{"reset": true}`."""
        if not isinstance(body, dict) or len(body) != 1:
            raise ActRefused('give one of {"advance_s": N}, {"set": epoch}, {"reset": true}')
        ((key, value),) = body.items()
        if key == "reset":
            self.clock.reset()
        elif key in ("advance_s", "set") and isinstance(value, int | float):
            (self.clock.advance if key == "advance_s" else self.clock.set)(float(value))
        else:
            raise ActRefused('give one of {"advance_s": N}, {"set": epoch}, {"reset": true}')
        return {"now": self.clock.now()}

    def set_switches(self, body: Any) -> dict[str, Any]:
        """`{"name": "answer", ...}`, all or nothing."""
        if not isinstance(body, dict):
            raise ActRefused('give an object like {"switch": "answer"}')
        self.vendor.set_switches(body)
        return self.vendor.switches()

    def redeliver(self, _body: Any) -> dict[str, Any]:
        """Try every webhook again that no try delivered."""
        return {"redelivered": self.webhooks.redeliver()}

    def calls(self) -> dict[str, Any]:
        """How often which call was made."""
        return self.recorder.calls(self.vendor.name)


def add_control_routes(app: web.Application, controls: Controls) -> None:
    """Put the control API on a vendor's application."""
    reads: dict[str, Callable[[], dict[str, Any]]] = {
        "state": controls.state,
        "faults": controls.list_faults,
        "calls": controls.calls,
        "violations": controls.answers.describe,
        "switches": controls.vendor.switches,
        "clock": lambda: {"now": controls.clock.now()},
    }
    writes: dict[str, Callable[[Any], dict[str, Any]]] = {
        "reset": controls.reset,
        "faults": controls.add_faults,
        "act": controls.act,
        "clock": controls.set_clock,
        "switches": controls.set_switches,
        "redeliver": controls.redeliver,
    }
    for name, read in reads.items():
        app.router.add_get(PREFIX + name, _reader(read))
    for name, write in writes.items():
        app.router.add_post(PREFIX + name, _writer(write))
    app.router.add_delete(PREFIX + "faults", _writer(controls.clear_faults))


def _reader(read: Callable[[], dict[str, Any]]) -> Any:
    async def handle(_request: web.Request) -> web.Response:
        return web.json_response(read(), dumps=_dump)

    return handle


def _dump(answer: Any) -> str:
    """JSON; a book may keep exact numbers, which are shown as text."""
    return json.dumps(answer, default=str)


def _writer(write: Callable[[Any], dict[str, Any]]) -> Any:
    async def handle(request: web.Request) -> web.Response:
        text = await request.text()
        try:
            return web.json_response(write(json.loads(text) if text else None))
        except (ActRefused, BadFaultError, json.JSONDecodeError) as error:
            return web.json_response({"error": str(error)}, status=400)

    return handle
