"""A FreshBooks whose answers are changed on the way: what no simulator would say, a vendor might."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

Change = Callable[[dict[str, Any]], None]
KEPT_HEADERS = (
    *("Authorization", "Content-Type", "Accept", "User-Agent"),
    *("Stripe-Version", "Idempotency-Key"),
)
SINGLE = {"clients": "client", "invoices": "invoice"}


@dataclass
class Altered:
    """Where it is, and what is changed: by kind ("clients", "invoices") and id."""

    url: str = ""
    changes: dict[tuple[str, int], Change] = field(default_factory=dict)

    def client(self, number: int, change: Change) -> None:
        self.changes["clients", number] = change

    def invoice(self, number: int, change: Change) -> None:
        self.changes["invoices", number] = change

    def change(self, body: dict[str, Any]) -> None:
        """Change a whole answer."""
        result = (body.get("response") or {}).get("result")
        if isinstance(result, dict):
            self.apply(result)

    def apply(self, result: dict[str, Any]) -> None:
        for plural, singular in SINGLE.items():
            rows = result.get(plural) or ([result[singular]] if singular in result else [])
            for row in rows:
                change = self.changes.get((plural, row["id"]))
                if change is not None:
                    change(row)


@contextmanager
def altering(target: str, wanted: Altered | None = None) -> Iterator[Altered]:
    """Answer as `target` does, but for the changes."""
    altered = wanted or Altered()
    ahead = requests.Session()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            answer = ahead.request(
                self.command,
                target + self.path,
                data=self.rfile.read(length),
                headers={name: self.headers[name] for name in KEPT_HEADERS if self.headers[name]},
                timeout=60,
            )
            self._answer(answer.status_code, altered_body(answer, altered))

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names are those of http.server

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        altered.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield altered
        server.shutdown()
        thread.join()
        ahead.close()


def altered_body(answer: requests.Response, altered: Altered) -> bytes:
    """The body with the changes; Python writes NaN and infinities as no JSON allows."""
    try:
        body = answer.json()
    except ValueError:
        return answer.content
    altered.change(body)
    return json.dumps(body).encode()
