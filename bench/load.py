"""A client that keeps several connections busy with requests made beforehand, and little else."""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

END_OF_HEAD = b"\r\n\r\n"
CONNECTIONS = 8


@dataclass
class Load:
    """What came back."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return sum(self.statuses.values()) / self.seconds


@dataclass
class _Line:
    """One connection and the answer that it waits for."""

    socket: socket.socket
    sent_at: float = 0.0
    received: bytes = b""


def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """One request as it goes over the line."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + END_OF_HEAD + body


def status_of(answer: bytes) -> int | None:
    """The status of a whole answer; None while some of it is missing."""
    head, found, rest = answer.partition(END_OF_HEAD)
    if not found:
        return None
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    return int(head.split(b" ", 2)[1]) if len(rest) >= length else None


def send(
    address: tuple[str, int],
    requests: list[bytes],
    *,
    seconds: float,
    connections: int = CONNECTIONS,
) -> Load:
    """Post the requests, one at a time on each connection, until they or the time are used up."""
    load, waiting = Load(), iter(requests)
    started = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        busy = 0
        for _ in range(connections):
            busy += _begin(selector, _Line(socket.create_connection(address)), waiting)
        while busy:
            for key, _ in selector.select():
                if not _receive(key.data, load):
                    continue
                over = time.perf_counter() - started >= seconds
                busy -= not (not over and _next(key.data, waiting))
        load.seconds = time.perf_counter() - started
        for key in list(selector.get_map().values()):
            key.data.socket.close()
    return load


def _begin(selector: selectors.BaseSelector, line: _Line, waiting: Iterator[bytes]) -> bool:
    line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    selector.register(line.socket, selectors.EVENT_READ, line)
    return _next(line, waiting)


def _next(line: _Line, waiting: Iterator[bytes]) -> bool:
    """Send the next request; False if there is none."""
    request = next(waiting, None)
    if request is None:
        return False
    line.received, line.sent_at = b"", time.perf_counter()
    line.socket.sendall(request)
    return True


def _receive(line: _Line, load: Load) -> bool:
    """Take what came; whether the answer is whole."""
    piece = line.socket.recv(65536)
    line.received += piece
    status = status_of(line.received) if piece else 0
    if status is None:
        return False
    load.latencies.append(time.perf_counter() - line.sent_at)
    load.statuses[status] += 1
    return True
