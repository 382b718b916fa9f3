"""How sandbox tests drive the simulators: over HTTP, as strangers to their code."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, parse_qsl, urlsplit

import requests

REDIRECT_URI = "http://127.0.0.1:9/callback"
SCOPES = " ".join(
    f"user:{name}:{verb}"
    for name in ("clients", "invoices", "payments", "credit_notes", "taxes", "online_payments")
    for verb in ("read", "write")
)
WAIT_S = 60.0
HTTP = requests.Session()
"""One for all calls, because a new connection for each costs half of a test's time."""

T = TypeVar("T")


def eventually(look: Callable[[], T]) -> T:
    """The first true answer of `look`, asked until WAIT_S are over."""
    deadline = time.monotonic() + WAIT_S
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return found


@dataclass(frozen=True)
class Vendor:
    """One simulator and its control API."""

    url: str

    def control(self, method: str, name: str, body: Any = None) -> requests.Response:
        """Any call of the control API, whatever it answers."""
        return HTTP.request(method, f"{self.url}/_sandbox/{name}", json=body, timeout=60)

    def _ask(self, method: str, name: str, body: Any = None) -> Any:
        answer = self.control(method, name, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def act(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Do what a person does."""
        result: dict[str, Any] = self._ask("POST", "act", {"do": do, **arguments})
        return result

    def refusal(self, do: str, **arguments: Any) -> str:
        """Why a person cannot do this."""
        answer = self.control("POST", "act", {"do": do, **arguments})
        assert answer.status_code == 400, answer.text
        return str(answer.json()["error"])

    def fault(self, kind: str, match: dict[str, str] | None = None, **settings: Any) -> None:
        """Inject one fault."""
        self._ask("POST", "faults", [{"fault": kind, "match": match or {}, **settings}])

    def switch(self, **answers: str) -> None:
        """Answer open questions differently."""
        self._ask("POST", "switches", answers)

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self._ask("POST", "clock", {"advance_s": seconds})

    def set_clock(self, epoch: float) -> None:
        """Set the clock."""
        self._ask("POST", "clock", {"set": epoch})

    def state(self) -> dict[str, Any]:
        """The whole book."""
        state: dict[str, Any] = self._ask("GET", "state")
        return state

    def calls(self) -> dict[str, Any]:
        """Counts of calls."""
        calls: dict[str, Any] = self._ask("GET", "calls")
        return calls

    def violations(self) -> list[str]:
        """What it has answered, in all its life, that the vendor would not."""
        told = self._ask("GET", "violations")
        assert told["checked"], "it was not told to check its answers"
        found: list[str] = told["violations"]
        return found

    def reset(self) -> None:
        """Empty book, real time."""
        self._ask("POST", "reset")
        self._ask("POST", "clock", {"reset": True})


class FreshBooks(Vendor):
    """FreshBooks with its OAuth dance."""

    def business(self, email: str = "owner@maple.example", **more: Any) -> dict[str, Any]:
        """A business and its owner's login."""
        arguments = {"name": "Maple Joinery", "currency": "CAD", "first_name": "Noor", **more}
        return self.act("create_business", email=email, **arguments)

    def decide(self, login: str, **query: str) -> requests.Response:
        """Answer the consent page."""
        form = {
            "client_id": "sandbox-client",
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "scope": SCOPES,
            "decision": "allow",
            "login": login,
            **query,
        }
        return HTTP.post(
            f"{self.url}/oauth/authorize/", data=form, allow_redirects=False, timeout=60
        )

    def code(self, login: str, **query: str) -> str:
        """An authorisation code."""
        answer = self.decide(login, **query)
        assert answer.status_code == 302, answer.text
        return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]

    def token_call(self, **fields: str) -> requests.Response:
        """Call the token endpoint with the app's credentials."""
        form = {
            "client_id": "sandbox-client",
            "client_secret": "sandbox-secret",
            "redirect_uri": REDIRECT_URI,
            **fields,
        }
        return HTTP.post(f"{self.url}/auth/oauth/token", data=form, timeout=60)

    def tokens(self, login: str, **query: str) -> dict[str, Any]:
        """A token pair for a login."""
        code = self.code(login, **query)
        answer = self.token_call(grant_type="authorization_code", code=code)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def refresh(self, refresh_token: str, **fields: str) -> requests.Response:
        """Refresh a pair."""
        return self.token_call(grant_type="refresh_token", refresh_token=refresh_token, **fields)

    def account(self, email: str = "owner@maple.example", **query: str) -> Account:
        """A new business, logged in through OAuth."""
        business = self.business(email)
        tokens = self.tokens(email, **query)
        return Account(self, business["account_id"], tokens["access_token"])


@dataclass(frozen=True)
class Account:
    """The API of one account with one access token."""

    freshbooks: FreshBooks
    id: str
    access_token: str

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        """Any call; `{acct}` in the path stands for the account."""
        return HTTP.request(
            method,
            self.freshbooks.url + path.replace("{acct}", self.id),
            data=body if isinstance(body, bytes) else None,
            json=None if isinstance(body, bytes) else body,
            headers={"Authorization": f"Bearer {self.access_token}", **(headers or {})},
            timeout=60,
        )

    def result(self, method: str, path: str, body: Any = None) -> Any:
        """What an accounting or events call gives."""
        answer = self.call(method, path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()["response"]["result"]

    def errno(self, method: str, path: str, body: Any = None) -> tuple[int, int]:
        """HTTP status and errno of a refusal."""
        answer = self.call(method, path, body)
        return answer.status_code, answer.json()["response"]["errors"][0]["errno"]

    def client(self, **fields: Any) -> dict[str, Any]:
        """Create a client."""
        data = {"organization": "Haddad Dental", "email": "ap@haddad.example", **fields}
        result = self.result("POST", CLIENTS, {"client": data})
        client: dict[str, Any] = result["client"]
        return client

    def invoice(self, client_id: int | None = None, **fields: Any) -> dict[str, Any]:
        """Create an invoice of 100.00, or as told."""
        data = {
            "customerid": client_id or self.client()["id"],
            "create_date": "2026-03-03",
            "lines": [line("100.00")],
            **fields,
        }
        result = self.result("POST", INVOICES + "?include[]=lines", {"invoice": data})
        invoice: dict[str, Any] = result["invoice"]
        return invoice

    def payment(self, invoice_id: int, amount: str, **fields: Any) -> dict[str, Any]:
        """Record a payment."""
        data = {
            "invoiceid": invoice_id,
            "amount": {"amount": amount},
            "date": "2026-03-10",
            "type": "Check",
            **fields,
        }
        payment: dict[str, Any] = self.result("POST", PAYMENTS, {"payment": data})["payment"]
        return payment

    def read_invoice(self, invoice_id: int) -> dict[str, Any]:
        """Read an invoice with its lines."""
        result = self.result("GET", f"{INVOICES}/{invoice_id}?include[]=lines")
        invoice: dict[str, Any] = result["invoice"]
        return invoice


CLIENTS = "/accounting/account/{acct}/users/clients"
INVOICES = "/accounting/account/{acct}/invoices/invoices"
PAYMENTS = "/accounting/account/{acct}/payments/payments"
CREDIT_NOTES = "/accounting/account/{acct}/credit_notes/credit_notes"
TAXES = "/accounting/account/{acct}/taxes/taxes"
CALLBACKS = "/events/account/{acct}/events/callbacks"


def line(unit_cost: str, quantity: Any = 1, **more: Any) -> dict[str, Any]:
    """A line of an invoice."""
    return {"name": "Work", "qty": quantity, "unit_cost": {"amount": unit_cost}, **more}


@dataclass(frozen=True)
class Hook:
    """One webhook that arrived."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def fields(self) -> dict[str, str]:
        """The form fields in body order."""
        return dict(parse_qsl(self.body, keep_blank_values=True))


@dataclass
class Receiver:
    """A web server that notes every webhook and answers as told."""

    url: str = ""
    hooks: list[Hook] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)
    """Statuses to answer with per path, in turn; then 200."""
    on_hook: Callable[[Hook], None] | None = None

    def at(self, path: str) -> list[Hook]:
        """What arrived at a path."""
        return [hook for hook in self.hooks if hook.path == path]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A Receiver while the block lasts."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            hook = Hook(self.path, dict(self.headers.items()), body)
            receiver.hooks.append(hook)
            if receiver.on_hook is not None:
                receiver.on_hook(hook)
            statuses = receiver.answers.get(self.path)
            self.send_response(statuses.pop(0) if statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()
