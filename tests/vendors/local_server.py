"""A vendor that answers exactly what a test tells it to, over real sockets, misbehaviour included."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connector.vendors.gate import CallReport
from connector.vendors.http import Limits

FIXTURES = Path(__file__).parent.parent / "fixtures"
SHORT = Limits(connect_s=1.0, read_s=0.5, total_s=1.0, body_bytes=64 * 1024)


def fixture_bytes(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def fixture(name: str) -> Any:
    return json.loads(fixture_bytes(name))


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer. `how` is answer, hang, reset, truncate, trickle or cut_chunk."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    how: str = "answer"

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body).encode()


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    client_port: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode(), keep_blank_values=True)


class LocalVendor:
    """Answers from a queue and remembers every request; an empty queue answers 599."""

    def __init__(self) -> None:
        self.replies: deque[Reply] = deque()
        self.seen: list[Seen] = []
        self.released = threading.Event()
        vendor = self

        class Handler(_Handler):
            local = vendor

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answers(self, *replies: Reply) -> None:
        self.replies.extend(replies)

    def answers_json(self, body: Any, *, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.replies.append(Reply(status=status, body=body, headers=named))

    def reset(self) -> None:
        self.replies.clear()
        self.seen.clear()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(60)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    local: LocalVendor

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        seen = Seen(
            method=self.command,
            path=parts.path,
            query=parse_qsl(parts.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
            client_port=self.client_address[1],
        )
        self.local.seen.append(seen)
        reply = self.local.replies.popleft() if self.local.replies else Reply(status=599)
        getattr(self, f"_{reply.how}")(reply)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - names of the base class

    def _head(self, reply: Reply, *headers: tuple[str, str]) -> None:
        self.send_response(reply.status)
        for name, value in (*reply.headers.items(), *headers):
            self.send_header(name, value)
        self.end_headers()

    def _answer(self, reply: Reply) -> None:
        self._head(reply, ("Content-Length", str(len(reply.content))))
        self.wfile.write(reply.content)

    def _hang(self, _reply: Reply) -> None:
        self.local.released.wait(60)
        self.close_connection = True

    def _reset(self, _reply: Reply) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True

    def _truncate(self, reply: Reply) -> None:
        self._head(reply, ("Content-Length", str(len(reply.content) + 10)))
        self.wfile.write(reply.content)
        self.close_connection = True

    def _cut_chunk(self, _reply: Reply) -> None:
        self._head(_reply, ("Transfer-Encoding", "chunked"))
        self.wfile.write(b"64\r\nonly these")
        self.close_connection = True

    def _trickle(self, reply: Reply) -> None:
        self._head(reply, ("Content-Length", "10000"))
        for _ in range(3000):  # a minute
            if self.local.released.is_set():
                break
            self.wfile.write(b" ")
            time.sleep(0.02)
        self.close_connection = True

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, ValueError):
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except (ConnectionError, ValueError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Be silent."""


class RecordingGate:
    """Keeps what it was asked and told; `refusal` is raised by the next `before`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.reports: list[CallReport] = []
        self.refusal: Exception | None = None

    def before(self, vendor: str, operation: str) -> None:
        self.asked.append((vendor, operation))
        if self.refusal is not None:
            raise self.refusal

    def after(self, call: CallReport) -> None:
        self.reports.append(call)

    @property
    def outcomes(self) -> list[str]:
        return [report.outcome for report in self.reports]
