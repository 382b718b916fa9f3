"""Sends webhooks: in order per target, retried, with faults, each try written down."""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from sandbox.core.clock import Clock
from sandbox.core.faults import FaultList

RETRY_GAPS_S = (0.2, 0.4)
ANSWER_TIMEOUT_S = 10.0
REORDER_WAIT_S = 1.5
LOG_LIMIT = 5000


@dataclass(frozen=True)
class Delivery:
    """One webhook to send."""

    url: str
    event: str
    body: bytes
    content_type: str
    sign: Callable[[bool], dict[str, str]]
    """Headers for one try; asked with True for a forged one. Called at each try."""
    on_done: Callable[[bool], None] | None = None
    """Told at the end whether a try was answered 2xx. Not told of forged or dropped ones."""
    retry: bool = True
    delay_s: float = 0.0
    """Wait before the first try, e.g. to let the HTTP answer that caused it go first."""


@dataclass
class Ticket:
    """What became of a delivery."""

    number: int
    delivery: Delivery
    forged: bool = False
    state: str = "queued"
    """queued, retrying, delivered, failed or dropped."""
    tries: list[dict[str, Any]] = field(default_factory=list)
    tried: asyncio.Event = field(default_factory=asyncio.Event)
    """Set after the first try, or when it will never be tried."""

    def describe(self) -> dict[str, Any]:
        """The delivery as the control API shows it."""
        return {
            "number": self.number,
            "url": self.delivery.url,
            "event": self.delivery.event,
            "body": self.delivery.body.decode("utf-8", "replace"),
            "forged": self.forged,
            "state": self.state,
            "tries": self.tries,
        }


class WebhookSender:
    """The outgoing webhooks of one vendor. `send` is synchronous and returns at once."""

    def __init__(
        self,
        clock: Clock,
        faults: FaultList,
        look: Callable[[Delivery], None] | None = None,
        note: Callable[[Ticket], None] | None = None,
    ) -> None:
        """`look` is told of every webhook that is to be sent, `note` after every try of one."""
        self._clock = clock
        self._faults = faults
        self._look = look
        self._note = note
        self._numbers = itertools.count(1)
        self._log: deque[Ticket] = deque(maxlen=LOG_LIMIT)
        self._failed: deque[Ticket] = deque(maxlen=LOG_LIMIT)
        self._lanes: dict[str, asyncio.Queue[Ticket]] = {}
        self._held: dict[str, list[Ticket]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def send(self, delivery: Delivery) -> Ticket:
        """Queue a webhook; faults decide here what really happens to it."""
        if self._look is not None:
            self._look(delivery)
        faults = {
            fault.kind: fault for fault in self._faults.for_webhook(delivery.url, delivery.event)
        }
        ticket = self._ticket(delivery)
        if "forge_webhook" in faults:
            self._enqueue(self._ticket(delivery, forged=True))
        if "drop_webhook" in faults:
            ticket.state = "dropped"
            ticket.tried.set()
            return ticket
        delay_s = faults["delay_webhook"].delay_s if "delay_webhook" in faults else delivery.delay_s
        if delay_s:
            self._spawn(self._enqueue_later(ticket, delay_s))
        elif "reorder_webhooks" in faults:
            self._held.setdefault(delivery.url, []).append(ticket)
            self._spawn(self._release_later(delivery.url))
        else:
            self._enqueue(ticket)
            self._release(delivery.url)
        if "duplicate_webhook" in faults:
            self._enqueue(self._ticket(delivery))
        return ticket

    def log(self) -> list[dict[str, Any]]:
        """Every delivery so far, oldest first."""
        return [ticket.describe() for ticket in self._log]

    def waiting(self) -> int:
        """How many deliveries are not finished yet."""
        return sum(ticket.state in ("queued", "retrying") for ticket in self._log)

    def redeliver(self) -> int:
        """Try again what no try delivered, as a vendor does for days; answer how many.

        What was dropped by a fault, or forged, stays as it is.
        """
        failed = [ticket for ticket in self._failed if ticket.state == "failed"]
        self._failed.clear()
        for ticket in failed:
            ticket.state = "queued"
            self._enqueue(ticket)
        return len(failed)

    def reset(self) -> None:
        """Forget the log and whatever has not been sent."""
        for task in self._tasks:
            task.cancel()
        self._lanes.clear()
        self._held.clear()
        self._log.clear()
        self._failed.clear()

    async def close(self) -> None:
        """Stop sending."""
        self.reset()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _ticket(self, delivery: Delivery, *, forged: bool = False) -> Ticket:
        ticket = Ticket(next(self._numbers), delivery, forged=forged)
        self._log.append(ticket)
        return ticket

    def _enqueue(self, ticket: Ticket) -> None:
        url = ticket.delivery.url
        if url not in self._lanes:
            self._lanes[url] = asyncio.Queue()
            self._spawn(self._run_lane(self._lanes[url]))
        self._lanes[url].put_nowait(ticket)

    def _release(self, url: str) -> None:
        for ticket in self._held.pop(url, []):
            self._enqueue(ticket)

    async def _release_later(self, url: str) -> None:
        await asyncio.sleep(REORDER_WAIT_S)
        self._release(url)

    async def _enqueue_later(self, ticket: Ticket, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        self._enqueue(ticket)

    async def _run_lane(self, lane: asyncio.Queue[Ticket]) -> None:
        while True:
            await self._try(await lane.get())

    async def _try(self, ticket: Ticket) -> None:
        delivery = ticket.delivery
        status, error = await self._post(delivery, forged=ticket.forged)
        ticket.tries.append({"at": round(self._clock.now(), 3), "status": status, "error": error})
        ticket.tried.set()
        if self._note is not None:
            self._note(ticket)
        if status is not None and 200 <= status < 300:
            self._finish(ticket, "delivered")
        elif ticket.forged or not delivery.retry or len(ticket.tries) > len(RETRY_GAPS_S):
            self._finish(ticket, "failed")
        else:
            ticket.state = "retrying"
            self._spawn(self._enqueue_later(ticket, RETRY_GAPS_S[len(ticket.tries) - 1]))

    def _finish(self, ticket: Ticket, state: str) -> None:
        ticket.state = state
        if state == "failed" and not ticket.forged:
            self._failed.append(ticket)
        if ticket.delivery.on_done is not None and not ticket.forged:
            ticket.delivery.on_done(state == "delivered")

    async def _post(self, delivery: Delivery, *, forged: bool) -> tuple[int | None, str | None]:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
            self._session = aiohttp.ClientSession(timeout=timeout)
        headers = {"Content-Type": delivery.content_type, **delivery.sign(forged)}
        try:
            async with self._session.post(
                delivery.url, data=delivery.body, headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
                return answer.status, None
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return None, f"{type(error).__name__}: {error}"

    def _spawn(self, work: Any) -> None:
        with contextlib.suppress(RuntimeError):  # no loop: a unit test without a server
            task = asyncio.get_running_loop().create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        work.close()
