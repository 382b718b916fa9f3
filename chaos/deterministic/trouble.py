"""What goes wrong in a random run: one thing at a time is armed, and strikes where it fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from chaos.deterministic.points import ANSWERED, ASKED, COMMITTED, COMMITTING, ConnectionTorn
from chaos.deterministic.world import World
from sandbox.core.vendor import Request, Response

STALE_S = 30.0
LATE_COMMIT_S = (25.0, 40.0)  # what FreshBooks may take to commit and is still found by looking
FREEZE_S = (31.0, 95.0)  # longer than a lease
READ = (200, 404)  # what can be read late; that a caller was refused is true of that moment only

Execute = Callable[[], Response]
PAYMENTS = "/payments/payments"
REFRESH = "freshbooks.oauth.refresh:"

# What can be armed, how often, and which failures of the catalogue it stands for.
AT_CALL: dict[str, tuple[int, tuple[str, ...]]] = {
    "no_connection": (2, ("F72",)),
    "timeout_not_done": (4, ("F54",)),
    "timeout_done": (5, ("F44", "F52")),
    "status_500": (2, ("F72",)),
    "sticky_500": (3, ("F47",)),
    "status_429": (3, ("F49",)),
    "key_in_use": (2, ("F48",)),
    "error_200": (3, ("F55",)),
    "late_commit": (3, ("F53",)),
    "stale_read": (3, ("F60",)),
}
SELDOM_FITS = ("late_commit", "key_in_use")
AT_POINT: dict[str, tuple[int, tuple[str, ...]]] = {
    "kill": (8, ("F19", "F20", "F21", "F50")),
    "freeze": (5, ("F22",)),
    "interleave": (5, ("F05", "F62", "F64")),
    "end_connection": (3, ("F40",)),
    "torn_commit": (3, ("F04",)),
}


@dataclass
class Trouble:
    """Strikes through `meet` (points) and `around` (requests); counts what really happened."""

    world: World
    let_others_run: Callable[[], None]
    hits: Counter[str] = field(default_factory=Counter)
    armed: dict[str, int] = field(default_factory=dict)
    """What is armed, and how many fitting places it lets pass first."""
    inside: int = 0
    """How many processes stand still at a point while others run."""
    only: str = ""
    """If set: strike only where this is part of the point's or the route's name."""
    late: list[tuple[float, Execute]] = field(default_factory=list)
    answers: dict[tuple[str, str], tuple[float, Response]] = field(default_factory=dict)

    def arm(self, kind: str, countdown: int) -> None:
        """The `countdown`-th place from here where it can strike is where it strikes.

        What fits in few places strikes at the first of them, before all others.
        """
        if kind in SELDOM_FITS:
            self.armed = {kind: 0} | self.armed | {kind: 0}
        else:
            self.armed.setdefault(kind, countdown)

    def disarm(self) -> None:
        """Nothing goes wrong from here on; what is late still lands."""
        self.armed.clear()

    # At points -------------------------------------------------------------------------------------

    def meet(self, name: str) -> None:
        """Called at every point."""
        side = name.rpartition(":")[2]
        if self.only not in name:
            return
        kind = self._due(lambda kind: side in _FITS.get(kind, ()) and self._may(kind))
        if kind:
            self.world.note(f"  {kind} at {name}")
            self._hit(kind, name)
            self.world.frozen_refreshes += kind == "freeze" and name.startswith(REFRESH)
            getattr(self, f"_{kind}")()

    def _due(self, fits: Callable[[str], bool]) -> str:
        """What strikes here; of several, whatever was armed first."""
        for kind in list(self.armed):
            if not fits(kind):
                continue
            self.armed[kind] -= 1
            if self.armed[kind] < 0:
                del self.armed[kind]
                return kind
        return ""

    def _may(self, kind: str) -> bool:
        return kind not in NESTED or not self._cannot_nest()

    def _cannot_nest(self) -> bool:
        return self.inside > 0 or self.world.crossings.in_transaction

    def _hit(self, kind: str, name: str) -> None:
        self.hits[kind] += 1
        for failure in failures_of(kind, name):
            self.hits[failure] += 1

    def _kill(self) -> None:
        self.world.crossings.kill()

    def _freeze(self) -> None:
        """The process stands still past its lease, others take its work over, and it wakes up."""
        with self._nested():
            self.world.clock.advance(self.world.dice.uniform(*FREEZE_S))
            self.world.sweep()
            self.let_others_run()

    def _interleave(self) -> None:
        with self._nested():
            self.let_others_run()

    def _nested(self) -> _Nested:
        return _Nested(self)

    def _end_connection(self) -> None:
        self.world.crossings.tear()

    def _torn_commit(self) -> None:
        self.world.crossings.tear()
        raise ConnectionTorn("the connection broke while COMMIT was answered")

    # At requests -----------------------------------------------------------------------------------

    def around(self, request: Request, execute: Execute) -> Response:
        """Called with every request of ours to a vendor."""
        self.land_what_is_late()
        where = f"{request.method} {request.route}"
        kind = self._due(
            lambda kind: self.only in where and kind in AT_CALL and self._fits(kind, request)
        )
        if kind:
            self.world.note(f"  {kind} at {where}")
            self._hit(kind, where)
            answer: Response = getattr(self, f"_{kind}")(request, execute)
            return answer
        answer = execute()
        if request.method == "GET" and answer.status in READ:
            self.answers[_key(request)] = (self.world.clock.now(), answer)
        return answer

    def _fits(self, kind: str, request: Request) -> bool:
        is_stripe = request.path.startswith("/v1/")
        match kind:
            case "sticky_500" | "key_in_use":
                return is_stripe and request.method == "POST"
            case "late_commit":
                return request.method == "POST" and request.path.endswith(PAYMENTS)
            case "stale_read":
                kept = self.answers.get(_key(request)) if request.method == "GET" else None
                return kept is not None and self.world.clock.now() - kept[0] <= STALE_S
            case "status_500" | "error_200" | "status_429":
                return "/oauth/" not in request.path
            case _:
                return True

    def _no_connection(self, _request: Request, _execute: Execute) -> Response:
        raise requests.ConnectTimeout("chaos")

    def _timeout_not_done(self, _request: Request, _execute: Execute) -> Response:
        self.world.clock.advance(10)
        raise requests.ReadTimeout("chaos")

    def _timeout_done(self, _request: Request, execute: Execute) -> Response:
        execute()
        self.world.clock.advance(10)
        raise requests.ReadTimeout("chaos")

    def _late_commit(self, _request: Request, execute: Execute) -> Response:
        lands_at = self.world.clock.now() + self.world.dice.uniform(*LATE_COMMIT_S)
        self.late.append((lands_at, execute))
        self.world.clock.advance(10)
        raise requests.ReadTimeout("chaos")

    def _status_500(self, request: Request, _execute: Execute) -> Response:
        return self._vendor_says("status_500", request)

    def _status_429(self, request: Request, _execute: Execute) -> Response:
        return self._vendor_says("status_429", request)

    def _error_200(self, request: Request, _execute: Execute) -> Response:
        return self._vendor_says("error_200", request)

    def _vendor_says(self, what: str, request: Request) -> Response:
        vendors = self.world.vendors
        vendor = vendors.stripe if request.path.startswith("/v1/") else vendors.freshbooks
        answer: Response = vendor.controls.vendor.error_response(what, request)  # type: ignore[arg-type]
        return answer

    def _sticky_500(self, _request: Request, execute: Execute) -> Response:
        done = self.world.dice.random() < 0.5
        self.world.shop.st("break_next_write", executed=done)
        return execute()

    def _key_in_use(self, request: Request, execute: Execute) -> Response:
        with self.world.vendors.stripe.controls.vendor.under_way(request):  # type: ignore[attr-defined]
            return execute()

    def _stale_read(self, request: Request, _execute: Execute) -> Response:
        return self.answers[_key(request)][1]

    def land_what_is_late(self, *, all_of_it: bool = False) -> None:
        """Requests that a vendor executes long after we gave up on them."""
        now = self.world.clock.now()
        due = [entry for entry in self.late if all_of_it or entry[0] <= now]
        self.late = [entry for entry in self.late if entry not in due]
        for _, execute in due:
            answer = execute()
            self.world.note(f"  a late commit lands: {answer.status}")


class _Nested:
    """While others run, the process that stands still lets them pass without further trouble."""

    def __init__(self, trouble: Trouble) -> None:
        self._trouble = trouble

    def __enter__(self) -> None:
        self._trouble.inside += 1

    def __exit__(self, *_: object) -> None:
        self._trouble.inside -= 1


NESTED = ("freeze", "interleave")
_FITS: dict[str, tuple[str, ...]] = {
    "kill": (ASKED, ANSWERED, COMMITTING, COMMITTED),
    "freeze": (ASKED, ANSWERED),
    "interleave": (ASKED, ANSWERED),
    "end_connection": (COMMITTING,),
    "torn_commit": (COMMITTED,),
}


def failures_of(kind: str, name: str) -> tuple[str, ...]:
    """The numbers in the catalogue of failures for what struck, where that depends on the place."""
    if kind == "kill":
        return _killed_at(name)
    if kind == "timeout_done":
        return ("F52",) if PAYMENTS in name else ("F44",) if "/v1/" in name else ("F55",)
    if kind == "timeout_not_done":
        return ("F54",) if PAYMENTS in name else ("F72",)
    return (AT_CALL | AT_POINT)[kind][1]


def _killed_at(name: str) -> tuple[str, ...]:
    if "oauth" in name or "tokens" in name:
        return ("F75",)
    if "inbox" in name or "views" in name:
        return ("F01",)
    if name.endswith(f":{ANSWERED}"):
        return ("F21",) if name.startswith("freshbooks") else ("F20", "F50")
    return ("F19",)


def _key(request: Request) -> tuple[str, str]:
    return request.path, repr(request.query)
